package dev.weft.gpu;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/**
 * A stand-in for CUDA's driver that runs the kernels on the host (fake_driver.cpp), compiled with
 * g++ and loaded once in a process; what it cannot be made for is skipped with its reason.
 */
@SuppressWarnings("restricted") // calls a native library, as it must
final class FakeDriver {
  private static final List<String> SOURCES =
      List.of(
          "cuda/fake_driver.cpp",
          "kernels/fill_shim.cpp",
          "kernels/cuda_shim.h",
          "kernels/fill.cu",
          "kernels/ieee.cuh",
          "kernels/normal.cuh",
          "kernels/philox.cuh",
          "kernels/plan.cuh",
          "kernels/store.cuh",
          "kernels/stream.cuh",
          "kernels/truncated.cuh");

  private static FakeDriver instance;
  private static String reason;

  private final SymbolLookup symbols;

  private FakeDriver(Path library) {
    symbols = SymbolLookup.libraryLookup(library, Arena.global());
  }

  /** The driver of this process, with nothing planted; weft finds it as the machine's. */
  static synchronized FakeDriver load() {
    if (instance == null && reason == null) {
      try {
        Path folder = Files.createTempDirectory("weft-fake-driver");
        instance = new FakeDriver(build(folder));
        System.setProperty("weft.cuda.path", folder.toString());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
    Assumptions.assumeTrue(instance != null, () -> reason);
    instance.call("fake_reset");
    return instance;
  }

  private static Path build(Path folder) throws IOException, InterruptedException {
    for (String source : SOURCES) {
      Path file = folder.resolve(Path.of(source).getFileName());
      try (InputStream in = FakeDriver.class.getResourceAsStream(source)) {
        Files.copy(in, file);
      }
      file.toFile().deleteOnExit();
    }
    Path library = folder.resolve("libcuda.so.1");
    Path log = folder.resolve("log");
    boolean fma = Files.readString(Path.of("/proc/cpuinfo")).contains(" fma ");
    Process process =
        new ProcessBuilder(
                "g++",
                "-std=c++17",
                "-O2",
                "-ffp-contract=off",
                fma ? "-mfma" : "-w",
                "-fPIC",
                "-shared",
                "-Wl,-soname,libcuda.so.1",
                "-I" + folder,
                "-x",
                "c++",
                "fake_driver.cpp",
                "fill_shim.cpp",
                "-o",
                library.toString())
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    if (process.waitFor() != 0) {
      throw new AssertionError("g++: " + Files.readString(log));
    }
    library.toFile().deleteOnExit();
    log.toFile().deleteOnExit();
    folder.toFile().deleteOnExit();
    return library;
  }

  /** The {@code after}-th call from now on of a function fails, and so do later ones. */
  void fail(String call, int after, int status) {
    try (Arena arena = Arena.ofConfined()) {
      call("fake_fail", arena.allocateFrom(call), after, status);
    }
  }

  /** What the machine is. */
  void machine(int devices, int driver, int capability, long bytes) {
    call("fake_machine", devices, driver, capability, bytes);
  }

  /** How often a function was called since {@link #load}. */
  long calls(String call) {
    try (Arena arena = Arena.ofConfined()) {
      return call("fake_calls", arena.allocateFrom(call));
    }
  }

  /** What is not given back: bytes, streams, events, pinned or contexts. */
  long held(String what) {
    try (Arena arena = Arena.ofConfined()) {
      return call("fake_held", arena.allocateFrom(what));
    }
  }

  private long call(String name, Object... arguments) {
    java.lang.foreign.MemoryLayout[] layouts = new java.lang.foreign.MemoryLayout[arguments.length];
    for (int i = 0; i < arguments.length; i++) {
      layouts[i] =
          switch (arguments[i]) {
            case MemorySegment s -> ValueLayout.ADDRESS;
            case Integer n -> ValueLayout.JAVA_INT;
            case Long n -> ValueLayout.JAVA_LONG;
            default -> throw new AssertionError(arguments[i]);
          };
    }
    MethodHandle function =
        Linker.nativeLinker()
            .downcallHandle(
                symbols.findOrThrow(name), FunctionDescriptor.of(ValueLayout.JAVA_LONG, layouts));
    try {
      return (long) function.invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }
}
