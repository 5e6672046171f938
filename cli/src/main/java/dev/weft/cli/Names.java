package dev.weft.cli;

import dev.weft.interop.TensorFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** Checks the names of files before any work begins, and opens what is to be read. */
final class Names {
  private Names() {}

  /**
   * The file to be written, whose name must have one of {@code ends}, in large letters or small
   * ones, and its directory exist.
   */
  static Path output(String option, String name, String... ends) {
    Path file = path(option, name);
    String last = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    if (List.of(ends).stream().noneMatch(end -> last.endsWith(end) && !last.equals(end))) {
      throw UsageException.of(
          option, "need a name that ends in " + String.join(", ", ends), "out", name);
    }
    Path directory = file.toAbsolutePath().getParent();
    if (!Files.isDirectory(directory)) {
      throw UsageException.of(option, "need a directory that exists", "directory", directory);
    }
    return file;
  }

  /** The file to be read. */
  static Path input(String option, String name) {
    Path file = path(option, name);
    if (!Files.isRegularFile(file)) {
      String kind =
          Files.isDirectory(file) ? "a directory" : Files.exists(file) ? "no file" : "missing";
      throw UsageException.of(option, "need a file that exists", "file", name, "kind", kind);
    }
    return file;
  }

  /** The file of tensors to be read; it must be closed. Its warnings are told. */
  static TensorFile open(Streams streams, String command, String name) throws IOException {
    Path file = input("FILE", name);
    List<String> ends = List.of(".npy", ".safetensors", ".safetensors.index.json");
    String last = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    if (ends.stream().noneMatch(last::endsWith)) {
      throw UsageException.of(
          "FILE", "need a file that ends in " + String.join(", ", ends), "file", name);
    }
    TensorFile opened = TensorFile.open(file);
    opened.warnings().forEach(warning -> streams.complain(command + ": warning: " + warning));
    return opened;
  }

  private static Path path(String option, String name) {
    try {
      return Path.of(name);
    } catch (InvalidPathException e) {
      throw UsageException.of(option, "need a path (" + e.getReason() + ")", "path", name);
    }
  }
}
