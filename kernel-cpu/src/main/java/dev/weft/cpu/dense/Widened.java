package dev.weft.cpu.dense;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.weft.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A part of a matrix of 16-bit elements as f32, which holds each of them exactly; in native memory,
 * as most operands are, so that the kernels see one class of segments. Reused from part to part.
 */
final class Widened<A> {
  /** Lines, and elements of a line, at most. */
  static final int SIDE = 256;

  /** Elements that are converted in one loop: what they take fits a first-level cache. */
  private static final int BATCH = 16 * SIDE;

  private final short[] patterns = new short[BATCH];
  private final DenseKernels<A> kernels; // of F32
  private final A wide;
  private final MemorySegment segment =
      Arena.ofAuto().allocate((long) SIDE * SIDE * Float.BYTES, 64);

  Widened(DenseKernels<A> kernels) {
    this.kernels = kernels;
    this.wide = kernels.array(BATCH);
  }

  /** Element i of line l is float {@code l·length + i}, with the length given to {@link #take}. */
  MemorySegment segment() {
    return segment;
  }

  /**
   * Takes {@code lines} lines of {@code length} elements that lie one after another.
   *
   * @param dtype F16 or BF16
   * @param origin of the first element, in elements
   * @param stride elements from a line to the next
   */
  void take(MemorySegment x, DType dtype, long origin, long stride, int lines, int length) {
    for (int from = 0; from < lines; from += BATCH / SIDE) {
      int to = Math.min(from + BATCH / SIDE, lines);
      for (int l = from; l < to; l++) {
        long at = (origin + l * stride) * Short.BYTES;
        MemorySegment.copy(x, JAVA_SHORT_UNALIGNED, at, patterns, (l - from) * length, length);
      }
      int count = (to - from) * length;
      long out = (long) from * length * Float.BYTES;
      kernels.widen(dtype, patterns, wide, count);
      MemorySegment.copy(wide, 0, segment, JAVA_FLOAT, out, count);
    }
  }
}
