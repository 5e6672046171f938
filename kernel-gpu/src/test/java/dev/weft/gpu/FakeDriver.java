package dev.weft.gpu;

import dev.weft.gpu.kernels.HostCompiler;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/**
 * A stand-in for CUDA's driver that runs the kernels on the host (fake_driver.cpp), compiled with
 * g++ and loaded once in a process; what it cannot be made for is skipped with its reason.
 */
@SuppressWarnings("restricted") // calls a native library, as it must
final class FakeDriver {
  private static FakeDriver instance;
  private static String reason;

  private final Path folder;
  private final SymbolLookup symbols;

  private FakeDriver(Path library) {
    folder = library.getParent();
    symbols = SymbolLookup.libraryLookup(library, Arena.global());
  }

  /** Where weft looks for libraries. */
  Path folder() {
    return folder;
  }

  /** The driver of this process, with nothing planted; weft finds it as the machine's. */
  static synchronized FakeDriver load() {
    if (instance == null && reason == null) {
      try {
        Path library =
            HostCompiler.build(
                "libcuda.so.1",
                "/dev/weft/gpu/cuda/fake_driver.cpp",
                "/dev/weft/gpu/kernels/fill_shim.cpp");
        instance = new FakeDriver(library);
        System.setProperty("weft.cuda.path", library.getParent().toString());
      } catch (IOException e) {
        reason = "g++ does not start: " + e.getMessage();
      }
    }
    Assumptions.assumeTrue(instance != null, () -> reason);
    instance.call("fake_reset");
    return instance;
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

  /** What is not given back: bytes, streams, events, pinned, modules or contexts. */
  long held(String what) {
    try (Arena arena = Arena.ofConfined()) {
      return call("fake_held", arena.allocateFrom(what));
    }
  }

  private long call(String name, Object... arguments) {
    return call(symbols, name, arguments);
  }

  /** Calls a function of a stand-in. */
  static long call(SymbolLookup symbols, String name, Object... arguments) {
    MemoryLayout[] layouts = new MemoryLayout[arguments.length];
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
