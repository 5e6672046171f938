package dev.weft.bench;

import ai.djl.ndarray.types.DataType;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
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
import org.openjdk.jmh.annotations.Param;

/**
 * One step of training a perceptron with relu for classes: forward, softmax cross-entropy,
 * backward, update. PyTorch: {@code linear}, {@code relu}, {@code log_softmax}, {@code gather} and
 * {@code mean}, autograd back through them, and the update that DJL has for it, which is not
 * PyTorch's own fused one.
 */
public class PeerTrainStepBenchmark extends PeerProductBenchmark {
  private static final RandomKey KEY = RandomKey.of(42);
  private static final double RATE = 1e-7;

  /** Inputs, outputs of each hidden layer, classes, as in {@link TrainStepBenchmark}. */
  @Param({"784-128-10", "784-512-512-10"})
  public String layers;

  /** Examples of a step. */
  @Param("128")
  public int batch;

  /** {@code adam} or {@code sgd}. */
  @Param({"adam", "sgd"})
  public String optimizer;

  /** Whose step. */
  @Param({"weft", "pytorch"})
  public String library;

  private double flop;

  @Override
  void library(String name) {
    library = name;
  }

  @Override
  Contestant contestant() {
    long before = 0;
    flop = 0;
    for (String size : layers.split("-")) {
      long outputs = Long.parseLong(size);
      flop += (flop == 0 ? 4.0 : 6.0) * batch * before * outputs;
      before = outputs;
    }
    return switch (library) {
      case "weft" -> new ByWeft(this);
      case "pytorch" -> new ByTorch(this);
      default -> throw unknown(library);
    };
  }

  @Override
  double work() {
    return flop;
  }

  private static final class ByWeft implements Contestant {
    private final TrainStepBenchmark own = new TrainStepBenchmark();
    private final Flops flops = new Flops();

    ByWeft(PeerTrainStepBenchmark asked) {
      own.layers = asked.layers;
      own.batch = asked.batch;
      own.activation = "relu";
      own.optimizer = asked.optimizer;
      own.dtype = "f32";
      own.backend = "cpu";
      own.threads = asked.threads;
      own.open(); // which checks, as close does
    }

    @Override
    public void run() {
      own.step(flops);
    }

    @Override
    public void check() {
      run();
    }

    @Override
    public void close() {
      own.close();
    }

    @Override
    public String toString() {
      return "weft";
    }
  }

  private static final class ByTorch implements Contestant {
    private static final float NONE = -1; // no clipping

    private final Torch torch;
    private final boolean adam;
    private final int[] classes;
    private final double[] input;
    private final List<double[]> kernels = new ArrayList<>();
    private final List<double[]> biases = new ArrayList<>();
    private final List<PtNDArray> w = new ArrayList<>();
    private final List<PtNDArray> b = new ArrayList<>();
    private final List<PtNDArray> parameters = new ArrayList<>();
    private final List<PtNDArray> means = new ArrayList<>();
    private final List<PtNDArray> squares = new ArrayList<>();
    private final List<PtNDArray> made = new ArrayList<>();
    private final PtNDArray x;
    private final PtNDArray labels;
    private final PtNDArray minusOne;
    private int steps;
    private PtNDArray loss;

    ByTorch(PeerTrainStepBenchmark asked) {
      torch = new Torch(asked.threads);
      adam = asked.optimizer.equals("adam");
      if (!adam && !asked.optimizer.equals("sgd")) {
        throw new IllegalArgumentException(
            "peer: need adam or sgd, got optimizer=" + asked.optimizer);
      }
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
              backend.tensor(DType.F32, Shape.of(asked.batch, mlp.layers().getFirst().inputs()))) {
        tensor.fill(Fill.uniform(0, 1), KEY.child("x"));
        input = Naive.read(tensor);
        x = torch.array(input, asked.batch, mlp.layers().getFirst().inputs());
        classes = MlpCase.classes(asked.batch, mlp.layers().getLast().outputs());
        for (Dense layer : mlp.layers()) {
          int inputs = Math.toIntExact(layer.inputs());
          int outputs = Math.toIntExact(layer.outputs());
          double[] kernel = Naive.read(layer.kernel());
          double[] bias = Naive.read(layer.bias().orElseThrow());
          kernels.add(kernel);
          biases.add(bias);
          w.add(parameter(Naive.transposed(kernel, inputs, outputs), outputs, inputs));
          b.add(parameter(bias, outputs));
        }
      }
      labels = torch.column(classes);
      minusOne = torch.array(new double[] {-1});
    }

    private PtNDArray parameter(double[] values, long... shape) {
      PtNDArray parameter = torch.array(values, shape);
      parameter.setRequiresGradient(true);
      parameters.add(parameter);
      means.add(torch.array(new double[values.length], shape));
      squares.add(torch.array(new double[values.length], shape));
      return parameter;
    }

    @Override
    public void run() {
      backward();
      update();
    }

    private void backward() {
      for (PtNDArray array : made) {
        array.close();
      }
      made.clear();
      JniUtils.setGradMode(true); // DJL begins without
      PtNDArray y = x;
      for (int i = 0; i < w.size(); i++) {
        y = keep(JniUtils.linear(y, w.get(i), b.get(i)));
        if (i < w.size() - 1) {
          y = keep(JniUtils.relu(y));
        }
      }
      y = keep(JniUtils.logSoftmax(y, 1, DataType.FLOAT32));
      y = keep(JniUtils.gather(y, labels, 1));
      loss = keep(JniUtils.mean(y)); // of the logarithms, the negative of the loss
      JniUtils.backward(loss, minusOne, false, false);
    }

    private PtNDArray keep(PtNDArray array) {
      made.add(array);
      return array;
    }

    private void update() {
      steps++;
      float rate = (float) RATE;
      float corrected =
          (float) (RATE * Math.sqrt(1 - Math.pow(0.999, steps)) / (1 - Math.pow(0.9, steps)));
      for (int i = 0; i < parameters.size(); i++) {
        PtNDArray parameter = parameters.get(i);
        try (PtNDArray gradient = parameter.getGradient()) {
          if (adam) {
            JniUtils.adamUpdate(
                parameter,
                gradient,
                means.get(i),
                squares.get(i),
                rate,
                corrected,
                0,
                1,
                NONE,
                0.9f,
                0.999f,
                1e-8f,
                false);
          } else {
            JniUtils.sgdUpdate(parameter, gradient, null, rate, 0, 1, NONE, 0);
          }
        }
        JniUtils.zeroGrad(parameter);
      }
    }

    /** Compares loss and gradients, where no step was taken yet, and that weights move. */
    @Override
    public void check() {
      if (steps > 0) {
        if (!Double.isFinite(loss.getFloat())) {
          throw new IllegalStateException("benchmark: need a finite loss, got " + loss.getFloat());
        }
        return;
      }
      backward();
      double u = DenseCheck.halfUlp(DType.F32);
      NaiveMlp naive = new NaiveMlp(Activation.RELU, kernels, biases);
      double expected = naive.step(input, classes, 256 * u);
      DenseCheck.requireNear(
          "loss", new double[] {-loss.getFloat()}, new double[] {expected}, 1024 * u);
      for (int i = 0; i < w.size(); i++) {
        double share = 1024 * u + naive.undecided(i);
        int outputs = biases.get(i).length;
        try (PtNDArray dw = w.get(i).getGradient();
            PtNDArray db = b.get(i).getGradient()) {
          DenseCheck.requireNear(
              "dw" + i,
              Naive.transposed(Torch.read(dw), outputs, kernels.get(i).length / outputs),
              naive.dw(i),
              share);
          DenseCheck.requireNear("db" + i, Torch.read(db), naive.db(i), share);
        }
      }
      double[] before = Torch.read(w.getFirst());
      update();
      double[] after = Torch.read(w.getFirst());
      double most = 0;
      for (int i = 0; i < after.length; i++) {
        most = Math.max(most, Math.abs(after[i] - before[i]));
      }
      if (!(most > 0)) {
        throw new IllegalStateException("benchmark: need weights that move, got most=" + most);
      }
    }

    @Override
    public void close() {
      torch.close();
    }

    @Override
    public String toString() {
      return torch.toString();
    }
  }
}
