package dev.weft.cpu.vector;

import dev.weft.DType;
import dev.weft.spi.fill.StreamFill;
import java.lang.foreign.MemorySegment;

/**
 * The loop that writes whole groups of blocks of one kind of fill, as elements of 32 or 16 bits, to
 * one kind of memory.
 */
interface StreamLoop {
  /**
   * Writes the elements of {@code groups} groups of blocks, as many in each as a vector has longs.
   *
   * @param q the first block; the groups may not cross a multiple of 2¹⁶ blocks (CURAND order) or
   *     2³² (SEQUENTIAL)
   * @param out memory of the class that the loop was loaded for
   */
  void run(StreamFill fill, long q, int groups, MemorySegment out, long byteOffset);

  /** Calls the loop to do nothing: the JVM's compilers count calls. */
  void idle(StreamFill fill, MemorySegment out, int calls);

  /** Whether there is such a loop for a fill; for others {@link WordLoops} follow one of bits. */
  static boolean has(StreamFill fill) {
    return switch (fill.kind()) {
      case BITS -> true;
      case UNIFORM, NORMAL -> fill.dtype() != DType.F64;
      case TRUNCATED_NORMAL ->
          fill.dtype() != DType.F64
              && fill.truncated32().isSymmetric()
              && fill.truncated32().isCentral();
    };
  }

  /**
   * What is constant in a loop.
   *
   * @param bits width of the vectors
   * @param kind what the words become
   * @param halves whether 16-bit elements are written (BF16, or raw bits) and not 32-bit ones
   * @param bounds what it takes to keep within them
   * @param memory the memory written to
   */
  record Variant(int bits, StreamFill.Kind kind, boolean halves, Bounds bounds, Target memory) {}

  /** What it takes to keep elements within their fill's bounds. */
  enum Bounds {
    /** Nothing. */
    FREE,
    /** No element is above the most, and the least is negative. */
    NEGATIVE_LEAST,
    /** No element is below the least, and the most is positive. */
    POSITIVE_MOST,
    /**
     * The least is negative and the most positive: then as integers, unsigned, all that is not
     * below the least is at most the least; and signed, all at most the most is at most the most.
     */
    AROUND_ZERO,
    /** Comparisons. */
    ANY;

    /** That of a fill of up to 32 bits. */
    static Bounds of(StreamFill fill) {
      float least = (float) fill.least();
      float most = (float) fill.most();
      float scale = (float) fill.scale();
      float shift = (float) fill.shift();
      return switch (fill.kind()) {
        case BITS, NORMAL -> FREE; // a normal is finite by its fill's own check
        case UNIFORM -> {
          if (!(scale >= 0x1p-102f)) { // its unit, scale·2⁻²⁴, is not exact
            yield ANY;
          }
          float last = Math.fma(0x1.fffffep-1f, scale, shift); // monotone: the two ends tell
          if (shift >= least) {
            yield last <= most ? FREE : most > 0 ? POSITIVE_MOST : ANY;
          }
          yield least >= 0 ? ANY : last <= most ? NEGATIVE_LEAST : most > 0 ? AROUND_ZERO : ANY;
        }
        case TRUNCATED_NORMAL -> least < 0 && most > 0 ? AROUND_ZERO : ANY;
      };
    }
  }
}
