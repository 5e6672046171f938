package dev.weft.gpu;

import dev.weft.gpu.cuda.UnavailableException;

/**
 * Where orthogonal and delta-orthogonal fills are made. It may change their last bits, and no other
 * fill's.
 */
enum OrthogonalPath {
  /** Large matrices on the device if cuBLAS is there, others by the CPU backend. */
  AUTO,
  /** By the CPU backend, with its bits. */
  CPU,
  /** On the device, whatever their size; without cuBLAS the backend is unavailable. */
  DEVICE;

  /** System property: {@code auto}, which is the default, {@code cpu} or {@code device}. */
  static final String PROPERTY = "weft.gpu.orthogonal";

  /**
   * The one that {@link #PROPERTY} names.
   *
   * @throws UnavailableException for any other value
   */
  static OrthogonalPath chosen() {
    String name = System.getProperty(PROPERTY, "").strip();
    return switch (name) {
      case "", "auto" -> AUTO;
      case "cpu" -> CPU;
      case "device" -> DEVICE;
      default ->
          throw new UnavailableException(
              "need " + PROPERTY + " in [auto, cpu, device], got " + PROPERTY + "=" + name,
              "correct -D" + PROPERTY);
    };
  }
}
