package dev.weft.gpu.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What is said where a library is not there; in a process of its own, since the linker finds by its
 * name what was loaded before.
 */
@SuppressWarnings("restricted") // asks the linker, as it must
class MissingLibraryTest {
  @TempDir private Path folder;

  private LibrarySearch search(Path named, Path... toolkits) {
    ClassLoader none = new URLClassLoader(new URL[0], null);
    return new LibrarySearch(named, none, folder.resolve("cache"), List.of(toolkits));
  }

  private static void assumeThatTheSystemHasNone(CudaLibrary library) {
    try (Arena arena = Arena.ofConfined()) {
      SymbolLookup.libraryLookup(library.file(), arena);
      Assumptions.abort("the system has " + library.file());
    } catch (IllegalArgumentException e) {
      // as assumed
    }
  }

  @ParameterizedTest
  @EnumSource
  void theMessageNamesTheLibraryAndTheWaysToGetIt(CudaLibrary library) {
    assumeThatTheSystemHasNone(library);
    assertThatThrownBy(() -> search(null, folder.resolve("lib64")).load(library))
        .isInstanceOfSatisfying(
            UnavailableException.class,
            e ->
                assertThat(e.remedy())
                    .contains("org.bytedeco:cuda")
                    .contains("linux-x86_64")
                    .contains("toolkit of CUDA 12")
                    .contains("-Dweft.cuda.path"))
        .hasMessage(library.file() + " is missing");
  }

  /** CUDA 13's libraries have other names, and other contents. */
  @Test
  void whereThereIsCuda13AloneTheMessageSaysSo() throws IOException {
    assumeThatTheSystemHasNone(CudaLibrary.CUBLAS);
    Path file = Files.createFile(folder.resolve("libcublas.so.13"));
    Files.createFile(folder.resolve("libcublas.so.13.1.0"));
    Files.createFile(folder.resolve("libcublasLt.so.13"));
    for (LibrarySearch search : List.of(search(null, folder), search(folder))) {
      assertThatThrownBy(() -> search.load(CudaLibrary.CUBLAS))
          .isInstanceOf(UnavailableException.class)
          .hasMessage(
              "libcublas.so.12 is missing; "
                  + file
                  + " is of another CUDA and does not stand in for it");
    }
  }

  @Test
  void theMessageSaysWhatDoesNotLoad() throws IOException {
    assumeThatTheSystemHasNone(CudaLibrary.CURAND);
    Path file = Files.writeString(folder.resolve("libcurand.so.10"), "nothing");
    assertThatThrownBy(() -> search(null, folder).load(CudaLibrary.CURAND))
        .isInstanceOf(UnavailableException.class)
        .hasMessage("libcurand.so.10 is missing; " + file + " is no library for Linux on x86-64");
  }
}
