package dev.weft.cli;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Matrix;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.init.Initializers;
import dev.weft.nn.Activation;
import dev.weft.nn.Dense;
import dev.weft.nn.Labels;
import dev.weft.nn.Loss;
import dev.weft.nn.Mlp;
import dev.weft.nn.Optimizer;
import dev.weft.nn.Write;
import dev.weft.random.RandomKey;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * Compares matrix products, layers and training of several techniques: the first is the reference,
 * and every element of every result has to have its bits; and times them.
 */
final class LayerComparison {
  private static final RandomKey KEY = RandomKey.of(5);
  private static final DType[] TYPES = {DType.F32, DType.F64};

  private LayerComparison() {}

  /** Runs an operation on a backend; the results, all in one. */
  @FunctionalInterface
  private interface Operation {
    void run(Backend backend, BiConsumer<String, Tensor> result);
  }

  /**
   * The first difference.
   *
   * @param result which tensor of the operation
   * @param element row-major element of it
   */
  record Mismatch(
      String operation,
      String result,
      String technique,
      int element,
      double expected,
      double found) {
    @Override
    public String toString() {
      return technique
          + " differs in "
          + operation
          + ", "
          + result
          + " at element "
          + element
          + ": expected "
          + expected
          + ", got "
          + found;
    }
  }

  /**
   * One operation that is timed.
   *
   * @param work of one pass: Gflop or examples
   * @param pass does it once
   * @param release frees its tensors
   */
  private record Load(double work, Runnable pass, Runnable release) {}

  /** What is compared: the names, in the order of the table. */
  static List<String> operations() {
    return new ArrayList<>(all().keySet());
  }

  private static Map<String, Operation> all() {
    Map<String, Operation> all = new LinkedHashMap<>();
    for (DType dtype : TYPES) {
      String of = " " + dtype.id();
      all.put("gemm" + of, (backend, result) -> gemm(backend, dtype, result));
      for (Activation.Kind kind : Activation.Kind.values()) {
        Activation f = Activation.parse(kind.id());
        all.put("dense " + f + of, (backend, result) -> dense(backend, dtype, f, result));
      }
      for (Loss loss : List.of(Loss.softmaxCrossEntropy(0.1), Loss.sigmoidCrossEntropy())) {
        String name = loss instanceof Loss.SoftmaxCrossEntropy ? "softmax" : "sigmoid";
        all.put("loss " + name + of, (backend, result) -> loss(backend, dtype, loss, result));
      }
      all.put("training" + of, (backend, result) -> training(backend, dtype, result));
    }
    return all;
  }

  /** Runs every operation on every technique that has a backend. */
  static List<Mismatch> mismatches(List<Technique> techniques, ProgressBar progress) {
    List<Mismatch> mismatches = new ArrayList<>();
    int done = 0;
    for (Map.Entry<String, Operation> operation : all().entrySet()) {
      Map<String, double[]> expected = null;
      for (Technique technique : techniques) {
        Map<String, double[]> actual = new LinkedHashMap<>();
        operation
            .getValue()
            .run(technique.backend(), (name, tensor) -> actual.put(name, values(tensor)));
        if (expected == null) {
          expected = actual;
        } else {
          compare(operation.getKey(), technique.name(), expected, actual, mismatches);
        }
      }
      progress.at(++done);
    }
    return mismatches;
  }

  static void compare(
      String operation,
      String technique,
      Map<String, double[]> expected,
      Map<String, double[]> actual,
      List<Mismatch> mismatches) {
    for (Map.Entry<String, double[]> result : expected.entrySet()) {
      double[] should = result.getValue();
      double[] is = actual.get(result.getKey());
      for (int i = 0; i < should.length; i++) {
        if (Double.compare(should[i], is[i]) != 0) {
          mismatches.add(new Mismatch(operation, result.getKey(), technique, i, should[i], is[i]));
          return;
        }
      }
    }
  }

  private static double[] values(Tensor tensor) {
    int count = Math.toIntExact(tensor.shape().elements());
    if (tensor.dtype() == DType.F64) {
      double[] values = new double[count];
      tensor.copyTo(MemorySegment.ofArray(values));
      return values;
    }
    float[] narrow = new float[count];
    tensor.copyTo(MemorySegment.ofArray(narrow));
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = narrow[i];
    }
    return values;
  }

  private static void gemm(Backend backend, DType dtype, BiConsumer<String, Tensor> result) {
    try (Tensor a = normal(backend, dtype, "a", 75, 300);
        Tensor b = normal(backend, dtype, "b", 300, 90);
        Tensor c = normal(backend, dtype, "c", 75, 90)) {
      backend.gemm(0.7, Matrix.of(a), Matrix.of(b), 0.3, Matrix.of(c));
      result.accept("c", c);
    }
  }

  private static void dense(
      Backend backend, DType dtype, Activation f, BiConsumer<String, Tensor> result) {
    try (Dense layer =
            Dense.of(70, 45)
                .activation(f)
                .bias(Initializers.normal(0, 0.1))
                .dtype(dtype)
                .build(backend, KEY);
        Tensor x = normal(backend, dtype, "x", 33, 70);
        Tensor y = normal(backend, dtype, "y", 33, 45);
        Tensor dy = normal(backend, dtype, "dy", 33, 45);
        Tensor dx = normal(backend, dtype, "dx", 33, 70);
        Dense.Gradients gradients = layer.gradients()) {
      layer.forward(x, y);
      result.accept("y", y);
      layer.backward(x, y, dy, dx, gradients, Write.OVERWRITE);
      result.accept("dx", dx);
      result.accept("dw", gradients.kernel());
      result.accept("db", gradients.bias());
    }
  }

  private static void loss(
      Backend backend, DType dtype, Loss loss, BiConsumer<String, Tensor> result) {
    try (Tensor x = normal(backend, dtype, "x", 77, 100);
        Tensor target = normal(backend, dtype, "target", 77, 100);
        Tensor gradient = normal(backend, dtype, "gradient", 77, 100);
        Tensor value = backend.tensor(DType.F64, Shape.of(1))) {
      target.fill(Fill.uniform(0, 1), KEY.child("target"));
      loss.gradient(x, target, gradient, value);
      result.accept("value", value);
      result.accept("gradient", gradient);
    }
  }

  private static void training(Backend backend, DType dtype, BiConsumer<String, Tensor> result) {
    try (Mlp mlp =
            Mlp.of(50)
                .dense(70, Activation.GELU)
                .dense(10, Activation.SOFTMAX)
                .optimizer(Optimizer.adam(0.01))
                .clipNorm(1)
                .dtype(dtype)
                .build(backend, KEY);
        Tensor x = normal(backend, dtype, "x", 40, 50)) {
      int[] classes = new int[40];
      for (int i = 0; i < classes.length; i++) {
        classes[i] = i % 10;
      }
      for (int step = 0; step < 3; step++) {
        mlp.trainStep(x, Labels.of(classes));
      }
      mlp.parameters().forEach(result);
    }
  }

  private static Tensor normal(Backend backend, DType dtype, String name, long rows, long columns) {
    Tensor tensor = backend.tensor(dtype, Shape.of(rows, columns));
    tensor.fill(Fill.normal(0, 1), KEY.child(name));
    return tensor;
  }

  /**
   * Work per second of each load, by its name: GFLOP/s, and examples/s of a training step.
   *
   * @param throughput how long to measure
   */
  static Map<String, Double> rates(Technique technique, Throughput throughput) {
    Map<String, Double> rates = new LinkedHashMap<>();
    Backend backend = technique.backend();
    measure(rates, "gemm 256³ GFLOP/s", backend, gemmLoad(backend), throughput);
    measure(rates, "forward GFLOP/s", backend, forwardLoad(backend), throughput);
    measure(rates, "backward GFLOP/s", backend, backwardLoad(backend), throughput);
    measure(rates, "training examples/s", backend, trainingLoad(backend), throughput);
    return rates;
  }

  private static void measure(
      Map<String, Double> rates, String name, Backend backend, Load load, Throughput throughput) {
    Runnable complete =
        () -> {
          load.pass.run();
          backend.synchronize();
        };
    try {
      rates.put(name, load.work / throughput.seconds(complete));
    } finally {
      load.release.run();
    }
  }

  private static Load gemmLoad(Backend backend) {
    int n = 256;
    Tensor a = normal(backend, DType.F32, "a", n, n);
    Tensor b = normal(backend, DType.F32, "b", n, n);
    Tensor c = normal(backend, DType.F32, "c", n, n);
    Matrix left = Matrix.of(a);
    Matrix right = Matrix.of(b);
    Matrix out = Matrix.of(c);
    return new Load(
        2e-9 * n * n * n, () -> backend.gemm(1, left, right, 0, out), () -> close(a, b, c));
  }

  private static Load forwardLoad(Backend backend) {
    Dense layer = Dense.of(784, 128).activation(Activation.RELU).build(backend, KEY);
    Tensor x = normal(backend, DType.F32, "x", 128, 784);
    Tensor y = normal(backend, DType.F32, "y", 128, 128);
    return new Load(2e-9 * 128 * 784 * 128, () -> layer.forward(x, y), () -> close(layer, x, y));
  }

  private static Load backwardLoad(Backend backend) {
    Dense layer = Dense.of(784, 128).activation(Activation.TANH).build(backend, KEY);
    Tensor x = normal(backend, DType.F32, "x", 128, 784);
    Tensor y = normal(backend, DType.F32, "y", 128, 128);
    Tensor dy = normal(backend, DType.F32, "dy", 128, 128);
    Tensor dx = normal(backend, DType.F32, "dx", 128, 784);
    Dense.Gradients gradients = layer.gradients();
    y.fill(Fill.uniform(-0.01, 0.01), KEY); // where tanh' is nearly 1: dy stays what it is
    return new Load(
        4e-9 * 128 * 784 * 128,
        () -> layer.backward(x, y, dy, dx, gradients, Write.OVERWRITE),
        () -> close(layer, x, y, dy, dx, gradients));
  }

  private static Load trainingLoad(Backend backend) {
    Mlp mlp =
        Mlp.of(784)
            .dense(128, Activation.RELU)
            .dense(10, Activation.SOFTMAX)
            .optimizer(Optimizer.adam(1e-6))
            .build(backend, KEY);
    Tensor x = normal(backend, DType.F32, "x", 128, 784);
    Labels labels = Labels.of(new int[128]);
    return new Load(128, () -> mlp.trainStep(x, labels), () -> close(mlp, x));
  }

  private static void close(AutoCloseable... all) {
    for (AutoCloseable one : all) {
      try {
        one.close();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
