package dev.weft.gpu.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * fill.cu compiled as C++ by g++ behind cuda_shim.h, so that its kernels run where there is no GPU.
 * Built once for a JVM. A launch is a loop over the grid on the calling thread.
 */
@SuppressWarnings("restricted") // calls a native library, as it must
final class HostShim {
  private static HostShim shared;
  private static String missing;

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

  /** Why the kernels cannot be compiled here; null if they can. */
  static synchronized String missing() {
    if (shared == null && missing == null) {
      try {
        shared = new HostShim(build());
      } catch (IOException e) {
        missing = "g++ does not start: " + e.getMessage();
      }
    }
    return missing;
  }

  /** The compiled kernels. */
  static synchronized HostShim shared() {
    if (missing() != null) {
      throw new IllegalStateException(missing);
    }
    return shared;
  }

  /** Runs a kernel over {@code grid} blocks of {@code block} threads. */
  void launch(FillKernel kernel, int grid, int block, MemorySegment arguments) {
    try {
      int status = (int) launch.invokeExact(names[kernel.ordinal()], grid, block, arguments);
      if (status != 0) {
        throw new AssertionError("no kernel " + kernel.symbol());
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

  private static Path build() throws IOException {
    Path folder = Files.createTempDirectory("weft-shim");
    Path library = folder.resolve("libfill_shim.so");
    Path kernels = resource("/dev/weft/gpu/kernels/fill.cu").getParent();
    List<String> command = new ArrayList<>();
    command.addAll(
        List.of("g++", "-O2", "-std=c++17", "-ffp-contract=off", "-fno-strict-aliasing"));
    command.addAll(List.of("-fPIC", "-shared", "-Wall", "-Wextra", "-Werror"));
    command.addAll(List.of("-Wno-unknown-pragmas", "-Wno-unused-function"));
    if (hasFma()) {
      command.add("-mfma");
    }
    command.addAll(List.of("-I", kernels.toString(), "-o", library.toString()));
    command.add(resource("/dev/weft/gpu/kernels/fill_shim.cpp").toString());
    Process compiler = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(compiler.getInputStream().readAllBytes());
    try {
      if (!compiler.waitFor(1, TimeUnit.MINUTES) || compiler.exitValue() != 0) {
        throw new AssertionError(String.join(" ", command) + "\n" + output);
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder)));
    return library;
  }

  /** Whether this is an x86 that has FMA: elsewhere it is the compiler's default, or a call. */
  private static boolean hasFma() throws IOException {
    Path cpu = Path.of("/proc/cpuinfo");
    return System.getProperty("os.arch").equals("amd64")
        && Files.isReadable(cpu)
        && Files.readString(cpu).contains(" fma ");
  }

  static Path resource(String name) {
    URL url = HostShim.class.getResource(name);
    if (url == null) {
      throw new AssertionError(name + " is no resource");
    }
    try {
      return Path.of(url.toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private static void delete(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(folder);
    } catch (IOException e) {
      // the system clears its folder of temporary files
    }
  }
}
