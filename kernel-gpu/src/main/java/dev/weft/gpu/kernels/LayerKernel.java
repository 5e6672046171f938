package dev.weft.gpu.kernels;

import dev.weft.DType;
import java.util.Locale;

/** The entry points of layer.cu. */
public enum LayerKernel {
  ACTIVATE_F32,
  ACTIVATE_F64,
  ACTIVATE_GRADIENT_F32,
  ACTIVATE_GRADIENT_F64;

  private final String symbol = "weft_" + name().toLowerCase(Locale.ROOT);

  /** The PTX of layer.cu, as {@link FillKernel#ptx()} is that of fill.cu. */
  public static byte[] ptx() {
    return FillKernel.ptx("layer.ptx");
  }

  /** Name of the entry point. */
  public String symbol() {
    return symbol;
  }

  /** The kernel of an activation of elements. */
  public static LayerKernel activate(DType dtype) {
    return dtype == DType.F32 ? ACTIVATE_F32 : ACTIVATE_F64;
  }

  /** The kernel of its derivative times the gradient by its output. */
  public static LayerKernel activateGradient(DType dtype) {
    return dtype == DType.F32 ? ACTIVATE_GRADIENT_F32 : ACTIVATE_GRADIENT_F64;
  }
}
