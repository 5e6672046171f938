package dev.weft.interop;

import dev.weft.internal.Checks;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;

/** Small files of text, bounded; and texts of files as messages show them. */
final class Texts {
  /** The most bytes that a manifest, an index, a receipt or a header may have. */
  static final int MAX_BYTES = 100_000_000;

  private static final int MOST = 100;

  private Texts() {}

  /** Whether a file's name ends in {@code end}, which is in lower case, in letters of any case. */
  static boolean endsWith(String name, String end) {
    return name.toLowerCase(Locale.ROOT).endsWith(end);
  }

  /** The same of the last name of a path. */
  static boolean endsWith(Path file, String end) {
    return endsWith(String.valueOf(file.getFileName()), end);
  }

  /** The bytes of {@code file}. */
  static byte[] read(Path file) throws IOException {
    try (InputFile input = new InputFile(file)) {
      long size = input.byteSize();
      if (size > MAX_BYTES) {
        throw new FormatException(
            "json", "need at most " + MAX_BYTES + " bytes", "file", file, "bytes", size);
      }
      return input.bytes(0, (int) size);
    }
  }

  /** A name from a file as messages show it: of at most 100 characters. */
  static String shorten(String name) {
    return Checks.cut(name, MOST);
  }
}
