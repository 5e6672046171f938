package dev.weft.bench;

import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.nn.Activation;

/** {@code y = f(x·w + b)} on a GPU, 2·B·I·O flop beside bias and activation. */
public abstract class GpuDenseForward extends GpuDense {
  private DenseCase.Forward layer;

  @Override
  void prepare(Shape sizes, Activation f) {
    layer = new DenseCase.Forward(opened(), this::operand, DType.F32, sizes, f, precision());
  }

  @Override
  void release() {
    layer.check();
    layer.close();
  }

  DenseCase.Forward layer() {
    return layer;
  }
}
