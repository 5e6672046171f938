package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.nn.Activation;
import dev.weft.nn.Dense;
import dev.weft.random.RandomKey;

/** A layer's weights, x and dy in native memory, the same for every library. */
final class DenseOperands implements AutoCloseable {
  private static final RandomKey KEY = RandomKey.of(42);

  final int batch;
  final int inputs;
  final int outputs;
  final Dense layer;
  final Tensor x;
  final Tensor dy;
  private final Backend backend;

  /** Those of a layer of (B, I, O). */
  DenseOperands(Shape sizes, Activation f) {
    batch = Math.toIntExact(sizes.dim(0));
    inputs = Math.toIntExact(sizes.dim(1));
    outputs = Math.toIntExact(sizes.dim(2));
    backend = Backends.open("cpu", 1);
    layer = DenseCase.layer(backend, DType.F32, sizes, f, KEY);
    x = tensor(batch, inputs);
    x.fill(Fill.uniform(-1, 1), KEY.child("x"));
    dy = tensor(batch, outputs);
    dy.fill(Fill.uniform(-1, 1), KEY.child("dy"));
  }

  /** An f32 tensor of undefined content. */
  Tensor tensor(long rows, long columns) {
    return backend.tensor(DType.F32, Shape.of(rows, columns));
  }

  /** w [I, O]. */
  double[] kernel() {
    return Naive.read(layer.kernel());
  }

  /** b [O]. */
  double[] bias() {
    return Naive.read(layer.bias().orElseThrow());
  }

  /** The layer in f64. */
  DenseCheck check() {
    return DenseCase.check(layer, x);
  }

  /** Only the products of the layer in f64. */
  DenseCheck checkOfProducts() {
    return new DenseCheck(
        DType.F32, Activation.LINEAR, batch, Naive.read(x), kernel(), new double[outputs]);
  }

  @Override
  public void close() {
    layer.close();
    x.close();
    dy.close();
    backend.close();
  }
}
