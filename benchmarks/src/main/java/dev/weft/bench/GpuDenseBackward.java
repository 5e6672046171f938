package dev.weft.bench;

import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.nn.Activation;

/**
 * The gradients by kernel, bias and input from that by y on a GPU, 4·B·I·O flop beside the
 * activation's; with activations other than relu and linear a copy of dy comes first.
 */
public abstract class GpuDenseBackward extends GpuDense {
  private DenseCase.Backward layer;

  @Override
  void prepare(Shape sizes, Activation f) {
    layer = new DenseCase.Backward(opened(), this::operand, DType.F32, sizes, f, precision());
  }

  @Override
  void release() {
    layer.check();
    layer.close();
  }

  DenseCase.Backward layer() {
    return layer;
  }
}
