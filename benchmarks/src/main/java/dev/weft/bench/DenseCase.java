package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Initializers;
import dev.weft.nn.Activation;
import dev.weft.nn.Dense;
import dev.weft.random.RandomKey;

/** The layers of the benchmarks, and their checks. */
final class DenseCase {
  private DenseCase() {}

  /** A layer of (B, I, O), with a bias that is not 0. */
  static Dense layer(Backend backend, DType dtype, Shape sizes, Activation f, RandomKey key) {
    return Dense.of(sizes.dim(1), sizes.dim(2))
        .activation(f)
        .bias(Initializers.uniform(-0.5, 0.5))
        .dtype(dtype)
        .build(backend, key);
  }

  /** The layer in f64 at {@code x}. */
  static DenseCheck check(Dense layer, Tensor x) {
    return new DenseCheck(
        x.dtype(),
        layer.activation(),
        Math.toIntExact(x.shape().dim(0)),
        Naive.read(x),
        Naive.read(layer.kernel()),
        Naive.read(layer.bias().orElseThrow()));
  }
}
