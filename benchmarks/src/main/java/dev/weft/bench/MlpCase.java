package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Precision;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.nn.Activation;
import dev.weft.nn.Dense;
import dev.weft.nn.Labels;
import dev.weft.nn.Mlp;
import dev.weft.nn.Optimizer;
import dev.weft.random.RandomKey;
import java.util.ArrayList;
import java.util.List;

/** The perceptrons of the benchmarks, and their check. */
final class MlpCase {
  /** Largest error of a gradient, as a share of its norm, in halves of a unit in the last place. */
  private static final double GRADIENT_HALF_ULPS = 1024;

  /** An input of relu this near to 0 may fall on either side. */
  private static final double KINK_HALF_ULPS = 256;

  /** The same two in what a rounded operand of a product may lose. */
  private static final double GRADIENT_ROUNDINGS = 8;

  private static final double KINK_ROUNDINGS = 2;

  private MlpCase() {}

  /** The optimizer {@code name}, with its usual other parameters. */
  static Optimizer optimizer(String name, double rate) {
    return switch (name) {
      case "sgd" -> Optimizer.sgd(rate);
      case "momentum" -> Optimizer.momentum(rate, 0.9);
      case "nesterov" -> Optimizer.nesterov(rate, 0.9);
      case "adam" -> Optimizer.adam(rate);
      case "adamw" -> Optimizer.adamW(rate, 0.01);
      case "rmsprop" -> Optimizer.rmsProp(rate);
      default ->
          throw new IllegalArgumentException(
              "benchmark: need sgd, momentum, nesterov, adam, adamw or rmsprop, got optimizer="
                  + name);
    };
  }

  /** A perceptron of {@code layers}, for example {@code 784-128-10}, for classes. */
  static Mlp perceptron(
      String layers,
      Activation hidden,
      Optimizer rule,
      DType dtype,
      Backend backend,
      RandomKey key) {
    String[] sizes = layers.split("-");
    Mlp.Builder builder = Mlp.of(Long.parseLong(sizes[0])).dtype(dtype).optimizer(rule);
    for (int i = 1; i < sizes.length; i++) {
      Activation f = i == sizes.length - 1 ? Activation.SOFTMAX : hidden;
      builder.dense(Long.parseLong(sizes[i]), f);
    }
    return builder.build(backend, key);
  }

  /**
   * A perceptron in training, and its minibatch.
   *
   * <p>The learning rate is so low that thousands of steps leave weights and gradients as they are.
   */
  static final class Training implements AutoCloseable {
    private static final RandomKey KEY = RandomKey.of(42);

    private final Mlp mlp;
    private final Tensor x;
    private final Labels labels;
    private final double flop;

    /**
     * A perceptron that has taken its first step.
     *
     * @param rule name of the optimizer
     * @param precision what {@code backend} was opened with
     * @throws IllegalStateException if the step was wrong
     */
    Training(
        Backend backend,
        String layers,
        int batch,
        Activation hidden,
        String rule,
        DType dtype,
        Precision precision) {
      Optimizer optimizer = optimizer(rule, 1e-7);
      mlp = perceptron(layers, hidden, optimizer, dtype, backend, KEY);
      x = backend.tensor(dtype, Shape.of(batch, mlp.layers().getFirst().inputs()));
      x.fill(Fill.uniform(0, 1), KEY.child("x"));
      int[] classes = classes(batch, mlp.layers().getLast().outputs());
      labels = Labels.of(classes);
      flop = MlpCase.flop(mlp, batch);
      check(mlp, optimizer, x, classes, precision);
    }

    /** One step. */
    void step() {
      step(x);
    }

    /** One step, of examples that lie elsewhere. */
    void step(Tensor examples) {
      mlp.trainStep(examples, labels);
    }

    /** The minibatch. */
    Tensor examples() {
      return x;
    }

    /** The loss of the last step, once it is known. */
    double loss() {
      return mlp.loss();
    }

    /** Floating-point operations of the products of a step. */
    double flop() {
      return flop;
    }

    /**
     * Gives all back.
     *
     * @throws IllegalStateException if training left the numbers
     */
    @Override
    public void close() {
      double loss = loss();
      mlp.close();
      x.close();
      if (!(loss > 0 && loss < 100)) {
        throw new IllegalStateException("benchmark: need a finite loss, got loss=" + loss);
      }
    }

    @Override
    public String toString() {
      return mlp + ", B=" + labels.count();
    }
  }

  /** Classes for {@code batch} examples. */
  static int[] classes(int batch, long count) {
    int[] classes = new int[batch];
    for (int i = 0; i < batch; i++) {
      classes[i] = (int) (i * 7L % count);
    }
    return classes;
  }

  /** Floating-point operations of the products of a step. */
  static double flop(Mlp mlp, int batch) {
    double flop = 0;
    for (int i = 0; i < mlp.layers().size(); i++) {
      Dense layer = mlp.layers().get(i);
      flop += (i == 0 ? 4.0 : 6.0) * batch * layer.inputs() * layer.outputs();
    }
    return flop;
  }

  /**
   * Takes the first step of {@code mlp} and compares loss, gradients and weights: gradients with
   * those of {@link Naive} in norm, weights with what the rule makes of the computed gradients.
   *
   * @throws IllegalStateException if one is further off than its bound
   */
  static void check(Mlp mlp, Optimizer rule, Tensor x, int[] classes) {
    check(mlp, rule, x, classes, Precision.F32);
  }

  /** The same, where products may round their f32 operands. */
  private static void check(Mlp mlp, Optimizer rule, Tensor x, int[] classes, Precision precision) {
    List<double[]> kernels = new ArrayList<>();
    List<double[]> biases = new ArrayList<>();
    for (Dense layer : mlp.layers()) {
      kernels.add(Naive.read(layer.kernel()));
      biases.add(Naive.read(layer.bias().orElseThrow()));
    }
    mlp.trainStep(x, Labels.of(classes));

    double u = DenseCheck.halfUlp(x.dtype());
    Activation hidden = mlp.layers().getFirst().activation();
    NaiveMlp naive = new NaiveMlp(hidden, kernels, biases);
    double rounded = ProductCheck.rounding(precision);
    double kink = KINK_HALF_ULPS * u + KINK_ROUNDINGS * rounded;
    double loss = naive.step(Naive.read(x), classes, kink);
    double error = GRADIENT_HALF_ULPS * u + GRADIENT_ROUNDINGS * rounded;
    double[] bound = {error * loss};
    DenseCheck.requireClose("loss", new double[] {mlp.loss()}, new double[] {loss}, bound);
    for (int i = 0; i < kernels.size(); i++) {
      Dense layer = mlp.layers().get(i);
      double[] dw = Naive.read(mlp.gradients().get(i).kernel());
      double[] db = Naive.read(mlp.gradients().get(i).bias());
      double share = error + naive.undecided(i);
      DenseCheck.requireNear("dw" + i, dw, naive.dw(i), share);
      DenseCheck.requireNear("db" + i, db, naive.db(i), share);
      requireUpdated(rule, "w" + i, kernels.get(i), dw, Naive.read(layer.kernel()), u);
      requireUpdated(rule, "b" + i, biases.get(i), db, Naive.read(layer.bias().orElseThrow()), u);
    }
  }

  private static void requireUpdated(
      Optimizer rule, String name, double[] before, double[] g, double[] after, double u) {
    double[] expected = before.clone();
    Naive.update(rule, 1, expected, g, new double[2][g.length]);
    double[] bounds = new double[g.length];
    for (int i = 0; i < g.length; i++) {
      bounds[i] = 2 * u * Math.abs(expected[i]) + 16 * u * Math.abs(expected[i] - before[i]);
    }
    DenseCheck.requireClose(name, after, expected, bounds);
  }
}
