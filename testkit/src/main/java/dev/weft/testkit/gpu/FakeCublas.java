package dev.weft.testkit.gpu;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A stand-in for cuBLAS beside {@link FakeDriver} (fake_cublas.cpp), which weft finds as the
 * machine's.
 */
@SuppressWarnings("restricted") // calls a native library, as it must
public final class FakeCublas {
  /** A status to plant: the call does nothing and says success. */
  public static final int IGNORED = -1;

  /** Likewise: the call takes the other operation, transposed or not. */
  public static final int FLIPPED = -2;

  private static FakeCublas instance;

  private final SymbolLookup symbols;

  private FakeCublas(Path library) {
    symbols = SymbolLookup.libraryLookup(library, Arena.global());
  }

  /** That of this process, with nothing planted; needs the driver, which is loaded before. */
  public static synchronized FakeCublas load() {
    if (instance == null) {
      try {
        copy(HostCompiler.build("libcublasLt.so.12", "fake_libraries.cpp"));
        instance = new FakeCublas(copy(HostCompiler.build("libcublas.so.12", "fake_cublas.cpp")));
      } catch (IOException e) {
        throw new UncheckedIOException(e); // the driver was built
      }
    }
    instance.call("fake_cublas_reset");
    return instance;
  }

  private static Path copy(Path built) throws IOException {
    Path library = FakeDriver.folder().resolve(built.getFileName());
    Files.copy(built, library).toFile().deleteOnExit();
    return library;
  }

  /** The {@code after}-th call from now on of a function fails, and so do later ones. */
  public void fail(String call, int after, int status) {
    try (Arena arena = Arena.ofConfined()) {
      call("fake_cublas_fail", arena.allocateFrom(call), after, status);
    }
  }

  /** How often a function was called since {@link #load}. */
  public long calls(String call) {
    try (Arena arena = Arena.ofConfined()) {
      return call("fake_cublas_calls", arena.allocateFrom(call));
    }
  }

  /** Handles that are not given back. */
  public long held() {
    return call("fake_cublas_held");
  }

  /** Takes every handle as given back. */
  public void forget() {
    call("fake_cublas_forget");
  }

  private long call(String name, Object... arguments) {
    return FakeDriver.call(symbols, name, arguments);
  }
}
