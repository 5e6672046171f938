package dev.weft.cpu.vector;

import java.lang.foreign.MemorySegment;

/** The loop that stores one value over one kind of memory. */
interface ConstantLoop {
  /** Writes {@code vectors} vectors of copies of {@code pattern} from {@code byteOffset} on. */
  void run(long pattern, MemorySegment out, long byteOffset, int vectors);

  /**
   * What is constant in a loop.
   *
   * @param bits width of the vectors
   * @param memory the memory written to
   */
  record Variant(int bits, Target memory) {}
}
