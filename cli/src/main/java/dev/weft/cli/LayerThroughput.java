package dev.weft.cli;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Matrix;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.compare.Technique;
import dev.weft.init.Fill;
import dev.weft.nn.Activation;
import dev.weft.nn.Dense;
import dev.weft.nn.Labels;
import dev.weft.nn.Mlp;
import dev.weft.nn.Optimizer;
import dev.weft.nn.Write;
import dev.weft.random.RandomKey;
import java.util.LinkedHashMap;
import java.util.Map;

/** Times matrix products, layers and training of one technique. */
final class LayerThroughput {
  private static final RandomKey KEY = RandomKey.of(5);

  private LayerThroughput() {}

  /**
   * One operation that is timed.
   *
   * @param work of one pass: Gflop or examples
   * @param pass does it once
   * @param release frees its tensors
   */
  private record Load(double work, Runnable pass, Runnable release) {}

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

  private static Tensor normal(Backend backend, DType dtype, String name, long rows, long columns) {
    Tensor tensor = backend.tensor(dtype, Shape.of(rows, columns));
    tensor.fill(Fill.normal(0, 1), KEY.child(name));
    return tensor;
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
