package dev.weft.interop;

import java.io.IOException;
import java.nio.file.Path;

/** Reads small files of text, bounded. */
final class Texts {
  /** The most bytes that a manifest, an index, a receipt or a header may have. */
  static final int MAX_BYTES = 100_000_000;

  private Texts() {}

  /** The bytes of {@code file}. */
  static byte[] read(Path file) throws IOException {
    try (MappedFile mapped = new MappedFile(file)) {
      long size = mapped.bytes().byteSize();
      if (size > MAX_BYTES) {
        throw new FormatException(
            "json", "need at most " + MAX_BYTES + " bytes", "file", file, "bytes", size);
      }
      return mapped.copy(0, (int) size);
    }
  }
}
