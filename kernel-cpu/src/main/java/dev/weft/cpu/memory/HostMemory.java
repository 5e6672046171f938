package dev.weft.cpu.memory;

import dev.weft.MemoryInfo;
import dev.weft.MemoryLimitException;
import dev.weft.spi.Buffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Memory of tensors, counted against a limit. Blocks from {@link #LARGE} bytes on come from the
 * system's pages, with huge pages advised and untouched, so that the threads that fill them also
 * take their page faults; smaller blocks, and all blocks where that is not to be had, come from
 * {@link Arena#allocate}, which clears them.
 */
public final class HostMemory {
  /** Alignment of every block in bytes: a cache line, and the widest vector. */
  public static final long ALIGNMENT = 64;

  /** Blocks of at least this many bytes are mapped: one huge page. */
  static final long LARGE = 2L << 20;

  private final long limit;
  private final AtomicLong allocated = new AtomicLong();
  private final AtomicLong peak = new AtomicLong();

  /** Memory of at most {@code limit} bytes; 0 for nine tenths of physical memory. */
  public HostMemory(long limit) {
    this.limit = limit > 0 ? limit : PhysicalMemory.bytes() / 10 * 9;
  }

  /** What is held now. */
  public MemoryInfo info() {
    return new MemoryInfo(allocated.get(), peak.get(), limit);
  }

  /**
   * A block of {@code byteSize} bytes with undefined content.
   *
   * @throws MemoryLimitException if the limit or the system does not allow it
   */
  public Buffer allocate(long byteSize) {
    Block block = new Block(byteSize);
    reserve(byteSize);
    boolean done = false;
    try {
      block.open();
      raisePeak();
      done = true;
      return block;
    } catch (OutOfMemoryError | MemoryLimitException e) {
      throw new MemoryLimitException(
          "allocate",
          "need memory that the system can give",
          byteSize,
          limit - allocated.get() + byteSize);
    } finally {
      if (!done) {
        block.abandon();
      }
    }
  }

  private static MemorySegment segment(long byteSize, Arena arena) {
    if (byteSize >= LARGE) {
      MemorySegment mapped = PageMemory.map(byteSize, arena);
      if (mapped != null) {
        return mapped;
      }
    }
    return arena.allocate(byteSize, ALIGNMENT);
  }

  private void reserve(long byteSize) {
    long before;
    do {
      before = allocated.get();
      if (byteSize > limit - before) {
        throw new MemoryLimitException(
            "allocate",
            "need requestedBytes <= freeBytes of the limit " + limit,
            byteSize,
            limit - before);
      }
    } while (!allocated.compareAndSet(before, before + byteSize));
  }

  private void raisePeak() {
    long now = allocated.get();
    long old;
    do {
      old = peak.get();
    } while (now > old && !peak.compareAndSet(old, now));
  }

  /** Memory that is counted before it is there, and until it is gone. */
  private final class Block implements Buffer {
    private final long byteSize;
    private Arena arena;
    private MemorySegment segment;

    Block(long byteSize) {
      this.byteSize = byteSize;
    }

    void open() {
      arena = Arena.ofShared();
      segment = HostMemory.segment(byteSize, arena);
    }

    /** Ends a block that was counted, and did not open. */
    void abandon() {
      allocated.addAndGet(-byteSize);
      if (arena != null) {
        arena.close();
      }
    }

    @Override
    public MemorySegment segment() {
      return segment;
    }

    @Override
    public void close() {
      if (arena.scope().isAlive()) {
        try {
          arena.close(); // throws if somebody holds the segment, and then nothing has changed
        } finally {
          if (!arena.scope().isAlive()) {
            allocated.addAndGet(-byteSize);
          }
        }
      }
    }
  }
}
