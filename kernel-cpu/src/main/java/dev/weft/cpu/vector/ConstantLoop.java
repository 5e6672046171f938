package dev.weft.cpu.vector;

import java.lang.foreign.MemorySegment;

/** The loop that stores one value over one kind of memory. */
interface ConstantLoop {
  /** Writes {@code count} copies of {@code pattern} from {@code byteOffset} on. */
  void run(long pattern, MemorySegment out, long byteOffset, int count);
}
