package dev.weft.interop;

import dev.weft.internal.Checks;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A file does not fit on its file system; nothing of it was left behind.
 *
 * @since 0.1
 */
public final class NoSpaceException extends IOException {
  private static final long serialVersionUID = 1;
  private final long neededBytes;
  private final long availableBytes;

  NoSpaceException(Path file, long neededBytes, long availableBytes) {
    super(
        Checks.message(
            "write",
            "need room on the file system",
            "file",
            file,
            "neededBytes",
            neededBytes,
            "availableBytes",
            availableBytes));
    this.neededBytes = neededBytes;
    this.availableBytes = availableBytes;
  }

  /** Bytes of the whole file. */
  public long neededBytes() {
    return neededBytes;
  }

  /** Bytes that were free once the failed attempt was removed. */
  public long availableBytes() {
    return availableBytes;
  }
}
