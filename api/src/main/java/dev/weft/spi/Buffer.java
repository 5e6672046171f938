package dev.weft.spi;

import java.lang.foreign.MemorySegment;

/** Memory of one tensor. */
public interface Buffer {
  /**
   * The memory as the host sees it, in the machine's byte order.
   *
   * @throws UnsupportedOperationException if the memory is a device's
   */
  MemorySegment segment();

  /** Whether the host can reach the memory: whether {@link #segment} works. */
  default boolean isHost() {
    return true;
  }

  /**
   * Where the memory of a device begins.
   *
   * @throws UnsupportedOperationException if it is the host's
   */
  default long devicePointer() {
    throw new UnsupportedOperationException("devicePointer: need memory of a device");
  }

  /**
   * Gives the memory back. A caller's memory stays as it is. Where it throws it may be called
   * again, and does nothing if the memory is back.
   *
   * @throws IllegalStateException if other code uses the memory; nothing has changed then
   */
  void close();
}
