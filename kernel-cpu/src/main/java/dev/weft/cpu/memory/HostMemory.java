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
    reserve(byteSize);
    Arena arena = Arena.ofShared();
    try {
      return new Block(segment(byteSize, arena), byteSize, arena);
    } catch (OutOfMemoryError | MemoryLimitException e) {
      arena.close();
      long free = limit - allocated.addAndGet(-byteSize);
      throw new MemoryLimitException(
          "allocate", "need memory that the system can give", byteSize, free);
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
    peak.accumulateAndGet(before + byteSize, Math::max);
  }

  private final class Block implements Buffer {
    private final MemorySegment segment;
    private final long byteSize;
    private final Arena arena;

    Block(MemorySegment segment, long byteSize, Arena arena) {
      this.segment = segment;
      this.byteSize = byteSize;
      this.arena = arena;
    }

    @Override
    public MemorySegment segment() {
      return segment;
    }

    @Override
    public void close() {
      arena.close();
      allocated.addAndGet(-byteSize);
    }
  }
}
