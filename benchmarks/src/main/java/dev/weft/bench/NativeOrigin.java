package dev.weft.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * From which files the code of a process comes, so that no library is measured under the name of
 * another: one BLAS exports the functions of all, and calls its own through the process's table of
 * symbols, where the library that was loaded first answers.
 *
 * @param maps the lines of {@code /proc/PID/maps}
 */
record NativeOrigin(List<String> maps) {
  /** Libraries that export a BLAS or have one inside, by the beginning of their file's name. */
  private static final Map<String, String> BLAS =
      Map.of(
          "libmkl_", "mkl",
          "libopenblas", "openblas",
          "libblis", "blis",
          "libdnnl", "onednn",
          "libtorch_cpu", "pytorch",
          "libtensorflow", "tensorflow",
          "libnd4jcpu", "nd4j",
          "libblas", "another BLAS",
          "libcblas", "another BLAS",
          "libatlas", "another BLAS");

  /** Of this process. */
  static NativeOrigin here() {
    try {
      return new NativeOrigin(Files.readAllLines(Path.of("/proc/self/maps")));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The file that {@code address} lies in; empty if it lies in none. */
  Optional<Path> file(long address) {
    for (String line : maps) {
      String[] range = line.substring(0, line.indexOf(' ')).split("-");
      if (Long.compareUnsigned(address, Long.parseUnsignedLong(range[0], 16)) >= 0
          && Long.compareUnsigned(address, Long.parseUnsignedLong(range[1], 16)) < 0) {
        return path(line);
      }
    }
    return Optional.empty();
  }

  /** The libraries with a BLAS that are loaded, each with its files' names. */
  Map<String, TreeSet<String>> libraries() {
    Map<String, TreeSet<String>> loaded = new TreeMap<>();
    for (String line : maps) {
      String file = path(line).map(it -> it.getFileName().toString()).orElse("");
      BLAS.forEach(
          (beginning, library) -> {
            if (file.startsWith(beginning)) {
              loaded.computeIfAbsent(library, key -> new TreeSet<>()).add(file);
            }
          });
    }
    return loaded;
  }

  /**
   * Requires that a function is {@code library}'s own and that no other BLAS is in the process.
   *
   * @param file beginning of the name of the file that the function has to lie in
   * @throws IllegalStateException if it is not so: {@code peer: need …}
   */
  void requireOwn(String library, String function, long address, String file) {
    String lies = file(address).map(it -> it.getFileName().toString()).orElse("no file");
    if (!lies.startsWith(file)) {
      throw new IllegalStateException(
          "peer: need a function of the library itself, got library="
              + library
              + ", function="
              + function
              + ", file="
              + lies);
    }
    Map<String, TreeSet<String>> others = libraries();
    others.remove(library);
    if (!others.isEmpty()) {
      throw new IllegalStateException(
          "peer: need a process without another BLAS, got library="
              + library
              + ", others="
              + others);
    }
  }

  private static Optional<Path> path(String line) {
    int at = line.indexOf('/');
    return at < 0 ? Optional.empty() : Optional.of(Path.of(line.substring(at)));
  }
}
