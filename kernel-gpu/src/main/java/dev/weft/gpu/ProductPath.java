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
