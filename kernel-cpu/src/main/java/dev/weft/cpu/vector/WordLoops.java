package dev.weft.cpu.vector;

import dev.weft.spi.fill.StreamFill;
import java.lang.foreign.MemorySegment;

/**
 * The loops that turn words into the elements that {@link StreamLoop} has no loop for: those of
 * F64, and truncated normals with tails or with bounds of different size.
 */
interface WordLoops {
  /**
   * Writes {@code count} elements of F64, F32 (also for a fill of F16) or BF16.
   *
   * @param words two words in each long, in the stream's order; overwritten
   * @param scratch as long as {@code words}; overwritten
   * @param count a multiple of the lanes of two vectors
   * @param out memory of the kind that the loops were loaded for
   */
  void run(
      StreamFill fill, long[] words, long[] scratch, int count, MemorySegment out, long byteOffset);

  /**
   * What is constant in the loops.
   *
   * @param bits width of the vectors
   * @param memory the memory written to
   */
  record Variant(int bits, Target memory) {}
}
