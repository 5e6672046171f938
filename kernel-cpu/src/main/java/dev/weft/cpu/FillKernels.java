package dev.weft.cpu;

import dev.weft.spi.fill.StreamFill;
import java.lang.foreign.MemorySegment;

/**
 * The loops that write random and constant elements, once in scalar code and once in vectors. One
 * call writes one contiguous run on the calling thread, allocates nothing, and trusts its
 * arguments.
 */
public interface FillKernels {
  /** Width of the vectors in bits; 0 for scalar code. */
  int vectorBits();

  /**
   * Writes logical elements {@code first .. first + count - 1} of {@code fill} to {@code out} from
   * {@code byteOffset} on. Any alignment, native or heap memory.
   */
  void stream(StreamFill fill, MemorySegment out, long byteOffset, long first, long count);

  /**
   * Writes {@code count} elements of {@code elementBytes} (2, 4 or 8) bytes, each the low bytes of
   * {@code bits}.
   */
  void constant(long bits, int elementBytes, MemorySegment out, long byteOffset, long count);
}
