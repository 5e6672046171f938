package dev.weft.gpu;

import dev.weft.gpu.kernels.HostCompiler;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A stand-in for cuRAND beside {@link FakeDriver} (fake_curand.cpp), which weft finds as the
 * machine's.
 */
@SuppressWarnings("restricted") // calls a native library, as it must
final class FakeCurand {
  /** A status to plant: the call does nothing and says success. */
  static final int IGNORED = -1;

  private static FakeCurand instance;

  private final SymbolLookup symbols;

  private FakeCurand(Path library) {
    symbols = SymbolLookup.libraryLookup(library, Arena.global());
  }

  /** That of this process, with nothing planted. */
  static synchronized FakeCurand load(FakeDriver driver) {
    if (instance == null) {
      try {
        Path built = HostCompiler.build("libcurand.so.10", "/dev/weft/gpu/cuda/fake_curand.cpp");
        Path library = driver.folder().resolve(built.getFileName());
        Files.copy(built, library);
        instance = new FakeCurand(library);
      } catch (IOException e) {
        throw new UncheckedIOException(e); // the driver was built
      }
    }
    instance.call("fake_curand_reset");
    return instance;
  }

  /** The {@code after}-th call from now on of a function fails, and so do later ones. */
  void fail(String call, int after, int status) {
    try (Arena arena = Arena.ofConfined()) {
      call("fake_curand_fail", arena.allocateFrom(call), after, status);
    }
  }

  /** How often a function was called since {@link #load}. */
  long calls(String call) {
    try (Arena arena = Arena.ofConfined()) {
      return call("fake_curand_calls", arena.allocateFrom(call));
    }
  }

  /** Generators that are not given back. */
  long held() {
    return call("fake_curand_held");
  }

  /** Takes every generator as given back. */
  void forget() {
    call("fake_curand_forget");
  }

  private long call(String name, Object... arguments) {
    return FakeDriver.call(symbols, name, arguments);
  }
}
