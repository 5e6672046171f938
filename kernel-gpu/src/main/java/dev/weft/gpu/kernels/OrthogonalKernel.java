package dev.weft.gpu.kernels;

import dev.weft.DType;
import java.util.Locale;

/** The entry points of orthogonal.cu. */
public enum OrthogonalKernel {
  WIDEN,
  CHOLESKY,
  CHECK,
  F32,
  F64,
  F16,
  BF16;

  private final String symbol = "weft_orthogonal_" + name().toLowerCase(Locale.ROOT);

  /** The PTX of orthogonal.cu, as {@link FillKernel#ptx()} is that of fill.cu. */
  public static byte[] ptx() {
    return FillKernel.ptx("orthogonal.ptx");
  }

  /** Name of the entry point. */
  public String symbol() {
    return symbol;
  }

  /** The kernel that writes elements of a type. */
  static OrthogonalKernel of(DType dtype) {
    return switch (dtype) {
      case F32 -> F32;
      case F64 -> F64;
      case F16 -> F16;
      case BF16 -> BF16;
    };
  }
}
