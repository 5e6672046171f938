package dev.weft.cpu.memory;

import dev.weft.MemoryLimitException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.function.Consumer;

/**
 * Pages straight from Linux: mmap, then madvise(MADV_HUGEPAGE). The constants are Linux's on x86-64
 * and AArch64.
 */
@SuppressWarnings("restricted") // without native access, Arena.allocate serves
final class PageMemory {
  private static final int PROT_READ_WRITE = 1 | 2;
  private static final int MAP_PRIVATE_ANONYMOUS = 0x02 | 0x20;
  private static final int MADV_HUGEPAGE = 14;
  private static final long HUGE_PAGE = 2L << 20;

  private static final MethodHandle MMAP;
  private static final MethodHandle MUNMAP;
  private static final MethodHandle MADVISE;

  static {
    MethodHandle mmap = null;
    MethodHandle munmap = null;
    MethodHandle madvise = null;
    if (System.getProperty("os.name").equals("Linux")) {
      try {
        mmap =
            handle(
                "mmap",
                FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_LONG));
        munmap =
            handle(
                "munmap",
                FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
        madvise =
            handle(
                "madvise",
                FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT));
      } catch (IllegalCallerException | java.util.NoSuchElementException e) {
        mmap = null; // native access is denied to this module: Arena.allocate serves
      }
    }
    MMAP = mmap;
    MUNMAP = munmap;
    MADVISE = madvise;
  }

  private PageMemory() {}

  /**
   * Fresh pages, aligned to a huge page and given back when {@code arena} closes; null where they
   * cannot be had this way at all.
   *
   * @throws MemoryLimitException if the system refuses
   */
  static MemorySegment map(long byteSize, Arena arena) {
    if (MMAP == null) {
      return null;
    }
    if (byteSize > Long.MAX_VALUE - HUGE_PAGE) {
      throw new MemoryLimitException("mmap", "need pages that the system can give", byteSize, 0);
    }
    Mapping mapping = new Mapping(byteSize + HUGE_PAGE); // room to align
    try {
      mapping.open();
      if (mapping.address == -1) {
        throw new MemoryLimitException("mmap", "need pages that the system can give", byteSize, 0);
      }
      long aligned = (mapping.address + HUGE_PAGE - 1) & -HUGE_PAGE;
      int ignored = (int) MADVISE.invokeExact(aligned, byteSize, MADV_HUGEPAGE); // advice alone
      return MemorySegment.ofAddress(aligned).reinterpret(byteSize, arena, mapping);
    } catch (Throwable e) {
      mapping.accept(null);
      switch (e) {
        case RuntimeException unchecked -> throw unchecked;
        case Error error -> throw error;
        default -> throw new AssertionError(e);
      }
    }
  }

  /** Pages that are given back once: by their arena, or at once if they do not get to have one. */
  private static final class Mapping implements Consumer<MemorySegment> {
    private final long byteSize;
    private long address = -1;

    Mapping(long byteSize) {
      this.byteSize = byteSize;
    }

    void open() throws Throwable {
      address =
          (long) MMAP.invokeExact(0L, byteSize, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
    }

    @Override
    public synchronized void accept(MemorySegment segment) {
      if (address != -1) {
        unmap(address, byteSize);
        address = -1;
      }
    }
  }

  private static void unmap(long address, long byteSize) {
    try {
      int ignored = (int) MUNMAP.invokeExact(address, byteSize);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().find(name).orElseThrow(), descriptor);
  }
}
