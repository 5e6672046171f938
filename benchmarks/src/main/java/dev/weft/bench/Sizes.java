package dev.weft.bench;

import dev.weft.DType;
import dev.weft.Shape;

/** Sizes as benchmark parameters write them, and the matrices that have them. */
final class Sizes {
  /** Columns of every matrix that {@link #matrix} makes. */
  static final long COLUMNS = 1024;

  private Sizes() {}

  /**
   * Bytes of {@code text}: a number with the unit KiB, MiB or GiB, or none for bytes.
   *
   * @throws IllegalArgumentException {@code size: need a number of B, KiB, MiB or GiB, got …}
   */
  static long parse(String text) {
    String[] units = {"KiB", "MiB", "GiB"};
    try {
      for (int u = 0; u < units.length; u++) {
        if (text.endsWith(units[u])) {
          long count = whole(text.substring(0, text.length() - units[u].length()).strip());
          return Math.multiplyExact(count, 1L << 10 * (u + 1));
        }
      }
      return whole(text);
    } catch (ArithmeticException | NumberFormatException e) {
      throw new IllegalArgumentException(
          "size: need a number of B, KiB, MiB or GiB, got size=" + text, e);
    }
  }

  /** A number of ASCII digits: Java's parser also takes those of other scripts, and a plus. */
  private static long whole(String digits) {
    if (!digits.matches("[0-9]+")) {
      throw new NumberFormatException(digits);
    }
    return Long.parseLong(digits);
  }

  /**
   * The shape {@code [n / 1024, 1024]} that takes {@code bytes} bytes.
   *
   * @throws IllegalArgumentException {@code size: need a multiple of 1024 elements, got …}
   */
  static Shape matrix(DType dtype, long bytes) {
    long row = COLUMNS * dtype.byteSize();
    if (bytes <= 0 || bytes % row != 0) {
      throw new IllegalArgumentException(
          "size: need a multiple of 1024 elements, got bytes=" + bytes + ", dtype=" + dtype.id());
    }
    return Shape.of(bytes / row, COLUMNS);
  }
}
