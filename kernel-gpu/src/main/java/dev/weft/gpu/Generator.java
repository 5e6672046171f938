package dev.weft.gpu;

import dev.weft.gpu.cuda.UnavailableException;

/** What makes the words of random fills; never changes a byte. */
enum Generator {
  /** The kernel that uses them. */
  FUSED,
  /** cuRAND, before a kernel that makes elements of them. */
  CURAND;

  /** System property: {@code fused}, {@code curand}, or {@code auto}, which is the default. */
  static final String PROPERTY = "weft.gpu.generator";

  /**
   * The one that {@link #PROPERTY} names. {@code auto} is {@link #FUSED}: it reads nothing, needs
   * no library, and on an H200 was 3 (uniform f32) to 9 times (uniform bf16) as fast.
   *
   * @throws UnavailableException for any other value
   */
  static Generator chosen() {
    String name = System.getProperty(PROPERTY, "").strip();
    return switch (name) {
      case "", "auto", "fused" -> FUSED;
      case "curand" -> CURAND;
      default ->
          throw new UnavailableException(
              "need " + PROPERTY + " in [fused, curand, auto], got " + PROPERTY + "=" + name,
              "correct -D" + PROPERTY);
    };
  }
}
