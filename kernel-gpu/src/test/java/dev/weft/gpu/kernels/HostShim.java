package dev.weft.gpu.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.weft.testkit.gpu.FakeDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/**
 * The .cu files compiled as C++ by g++ behind cuda_shim.h, so that its kernels run where there is
 * no GPU. A launch is a loop over the grid on the calling thread.
 */
@SuppressWarnings("restricted") // calls a native library, as it must
final class HostShim {
  private static HostShim shared;

  private final MethodHandle launch;
  private final MethodHandle half;
  private final MemorySegment[] names = new MemorySegment[FillKernel.values().length];

  private HostShim(Path library) {
    SymbolLookup symbols = SymbolLookup.libraryLookup(library, Arena.global());
    Linker linker = Linker.nativeLinker();
    launch =
        linker.downcallHandle(
            symbols.findOrThrow("weft_shim_launch"),
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS));
    half =
        linker.downcallHandle(
            symbols.findOrThrow("weft_shim_half"), FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    for (FillKernel kernel : FillKernel.values()) {
      names[kernel.ordinal()] = Arena.global().allocateFrom(kernel.symbol());
    }
  }

  /** The compiled kernels; a test that needs them is skipped where there is no g++. */
  static synchronized HostShim shared() {
    if (shared == null) {
      shared = new HostShim(FakeDriver.library());
    }
    return shared;
  }

  /** Runs a kernel over {@code grid} blocks of {@code block} threads. */
  void launch(FillKernel kernel, int grid, int block, MemorySegment arguments) {
    launch(names[kernel.ordinal()], grid, block, arguments);
  }

  /** The same for a kernel of another file. */
  void launch(String symbol, int grid, int block, MemorySegment arguments) {
    try (Arena arena = Arena.ofConfined()) {
      launch(arena.allocateFrom(symbol), grid, block, arguments);
    }
  }

  private void launch(MemorySegment name, int grid, int block, MemorySegment arguments) {
    try {
      int status = (int) launch.invokeExact(name, grid, block, arguments);
      if (status != 0) {
        throw new AssertionError("no kernel " + name.getString(0));
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** A launcher of grids of one size. */
  FillLaunch.Launcher grid(int grid, int block) {
    return (kernel, items, arguments) -> launch(kernel, grid, block, arguments);
  }

  /** The f16 of an f32, by the stand-in for the GPU's conversion. */
  short half(float value) {
    try {
      return (short) (int) half.invokeExact(Float.floatToRawIntBits(value));
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }
}
