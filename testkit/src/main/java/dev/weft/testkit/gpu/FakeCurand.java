package dev.weft.testkit.gpu;

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
public final class FakeCurand {
  /** A status to plant: the call does nothing and says success. */
  public static final int IGNORED = -1;

  private static FakeCurand instance;

  private final SymbolLookup symbols;

  private FakeCurand(Path library) {
    symbols = SymbolLookup.libraryLookup(library, Arena.global());
  }

  /** That of this process, with nothing planted; needs the driver, which is loaded before. */
  public static synchronized FakeCurand load() {
    if (instance == null) {
      try {
        Path built = HostCompiler.build("libcurand.so.10", "fake_curand.cpp");
        Path library = FakeDriver.folder().resolve(built.getFileName());
        Files.copy(built, library).toFile().deleteOnExit();
        instance = new FakeCurand(library);
      } catch (IOException e) {
        throw new UncheckedIOException(e); // the driver was built
      }
    }
    instance.call("fake_curand_reset");
    return instance;
  }

  /** The {@code after}-th call from now on of a function fails, and so do later ones. */
  public void fail(String call, int after, int status) {
    try (Arena arena = Arena.ofConfined()) {
      call("fake_curand_fail", arena.allocateFrom(call), after, status);
    }
  }

  /** How often a function was called since {@link #load}. */
  public long calls(String call) {
    try (Arena arena = Arena.ofConfined()) {
      return call("fake_curand_calls", arena.allocateFrom(call));
    }
  }

  /** Generators that are not given back. */
  public long held() {
    return call("fake_curand_held");
  }

  /** Takes every generator as given back. */
  public void forget() {
    call("fake_curand_forget");
  }

  private long call(String name, Object... arguments) {
    return FakeDriver.call(symbols, name, arguments);
  }
}
