package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.nn.Activation;
import dev.weft.nn.Dense;
import dev.weft.nn.Mlp;
import dev.weft.random.RandomKey;
import java.util.ArrayList;
import java.util.List;

/** A perceptron's weights, a minibatch and its classes, the same for every library. */
final class StepOperands {
  static final double RATE = 1e-7;

  private static final RandomKey KEY = RandomKey.of(42);

  final int batch;
  final int inputs;
  final boolean adam;
  final double[] x;
  final int[] classes;

  /** w [I, O] of each layer. */
  final List<double[]> kernels = new ArrayList<>();

  /** b [O] of each layer. */
  final List<double[]> biases = new ArrayList<>();

  StepOperands(PeerTrainStepBenchmark asked) {
    adam = asked.optimizer.equals("adam");
    if (!adam && !asked.optimizer.equals("sgd")) {
      throw new IllegalArgumentException(
          "peer: need adam or sgd, got optimizer=" + asked.optimizer);
    }
    batch = asked.batch;
    try (Backend backend = Backends.open("cpu", 1);
        Mlp mlp =
            MlpCase.perceptron(
                asked.layers,
                Activation.RELU,
                MlpCase.optimizer(asked.optimizer, RATE),
                DType.F32,
                backend,
                KEY);
        Tensor tensor =
            backend.tensor(DType.F32, Shape.of(batch, mlp.layers().getFirst().inputs()))) {
      tensor.fill(Fill.uniform(0, 1), KEY.child("x"));
      x = Naive.read(tensor);
      inputs = Math.toIntExact(mlp.layers().getFirst().inputs());
      classes = MlpCase.classes(batch, mlp.layers().getLast().outputs());
      for (Dense layer : mlp.layers()) {
        kernels.add(Naive.read(layer.kernel()));
        biases.add(Naive.read(layer.bias().orElseThrow()));
      }
    }
  }

  /** How many layers. */
  int layers() {
    return kernels.size();
  }

  /** Inputs of a layer. */
  int inputs(int layer) {
    return kernels.get(layer).length / outputs(layer);
  }

  /** Outputs of a layer. */
  int outputs(int layer) {
    return biases.get(layer).length;
  }

  /**
   * Compares the loss and the gradients of the weights as they began.
   *
   * @param dw [I, O] of each layer
   * @throws IllegalStateException if one is further off than its bound
   */
  void check(double loss, List<double[]> dw, List<double[]> db) {
    double u = DenseCheck.halfUlp(DType.F32);
    NaiveMlp naive = new NaiveMlp(Activation.RELU, kernels, biases);
    double expected = naive.step(x, classes, 256 * u);
    DenseCheck.requireNear("loss", new double[] {loss}, new double[] {expected}, 1024 * u);
    for (int i = 0; i < layers(); i++) {
      double share = 1024 * u + naive.undecided(i);
      DenseCheck.requireNear("dw" + i, dw.get(i), naive.dw(i), share);
      DenseCheck.requireNear("db" + i, db.get(i), naive.db(i), share);
    }
  }

  /**
   * Checks what a step leaves.
   *
   * @throws IllegalStateException if no weight has moved
   */
  static void requireMoved(double[] before, double[] after) {
    double most = 0;
    for (int i = 0; i < after.length; i++) {
      most = Math.max(most, Math.abs(after[i] - before[i]));
    }
    if (!(most > 0)) {
      throw new IllegalStateException("benchmark: need weights that move, got most=" + most);
    }
  }

  /**
   * Checks the loss of a later step.
   *
   * @throws IllegalStateException if it is not finite
   */
  static void requireFinite(double loss) {
    if (!Double.isFinite(loss)) {
      throw new IllegalStateException("benchmark: need a finite loss, got loss=" + loss);
    }
  }
}
