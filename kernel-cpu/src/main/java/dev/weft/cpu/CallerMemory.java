package dev.weft.cpu;

import dev.weft.spi.Buffer;
import java.lang.foreign.MemorySegment;

/** Memory of the caller's; closing it does nothing. */
final class CallerMemory implements Buffer {
  /** A thread that is not the caller's, nor keeps what is the caller's. */
  static final Thread OTHER =
      Thread.ofPlatform().inheritInheritableThreadLocals(false).unstarted(() -> {});

  private final MemorySegment segment;
  private final boolean confined;

  CallerMemory(MemorySegment segment) {
    this.segment = segment;
    this.confined = !segment.isAccessibleBy(OTHER);
  }

  /** Whether the caller's thread alone may use a buffer; not if it is null. */
  static boolean isConfined(Buffer buffer) {
    return buffer instanceof CallerMemory caller && caller.confined;
  }

  @Override
  public MemorySegment segment() {
    return segment;
  }

  @Override
  public void close() {}
}
