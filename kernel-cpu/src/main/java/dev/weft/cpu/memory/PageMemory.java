package dev.weft.cpu.memory;

import dev.weft.MemoryLimitException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

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
    long mapped = byteSize + HUGE_PAGE; // room to align
    try {
      long address =
          (long) MMAP.invokeExact(0L, mapped, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
      if (address == -1) {
        throw new MemoryLimitException("mmap", "need pages that the system can give", byteSize, 0);
      }
      long aligned = (address + HUGE_PAGE - 1) & -HUGE_PAGE;
      int ignored = (int) MADVISE.invokeExact(aligned, byteSize, MADV_HUGEPAGE); // advice alone
      return MemorySegment.ofAddress(aligned)
          .reinterpret(byteSize, arena, segment -> unmap(address, mapped));
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
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
