package dev.weft.gpu;

import dev.weft.gpu.cuda.UnavailableException;

/** What multiplies matrices on the device. It may change the last bits of a product. */
enum ProductPath {
  /** cuBLAS if it is there, else weft's kernel. */
  AUTO,
  /** cuBLAS; without it the backend is unavailable. */
  CUBLAS,
  /** weft's kernel, with the CPU's bits. */
  WEFT;

  /** System property: {@code auto}, which is the default, {@code cublas} or {@code weft}. */
  static final String PROPERTY = "weft.gpu.products";

  /**
   * System property: least M·N·K of a product whose f32 operands are rounded to 16 bits in memory,
   * where that is allowed, before cuBLAS multiplies them.
   */
  static final String NARROW_PROPERTY = "weft.gpu.products.narrow";

  /**
   * The default, computed from an H200's rates: cuBLAS multiplies 16 bits there at 650 TFLOP/s and
   * rounds operands of f32 itself at 345, so that 2³² products gain 12 µs, and two copies in 16
   * bits cost some 10.
   */
  private static final long LEAST_NARROWED = 1L << 32;

  /** The number that {@link #NARROW_PROPERTY} gives. */
  static long leastNarrowed() {
    return Long.getLong(NARROW_PROPERTY, LEAST_NARROWED);
  }

  /**
   * The one that {@link #PROPERTY} names.
   *
   * @throws UnavailableException for any other value
   */
  static ProductPath chosen() {
    String name = System.getProperty(PROPERTY, "").strip();
    return switch (name) {
      case "", "auto" -> AUTO;
      case "cublas" -> CUBLAS;
      case "weft" -> WEFT;
      default ->
          throw new UnavailableException(
              "need " + PROPERTY + " in [auto, cublas, weft], got " + PROPERTY + "=" + name,
              "correct -D" + PROPERTY);
    };
  }
}
