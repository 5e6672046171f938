package dev.weft.interop;

import dev.weft.internal.Checks;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A whole file, mapped read-only. */
final class MappedFile implements AutoCloseable {
  private final Arena arena = Arena.ofShared();
  private final MemorySegment bytes;

  /** Maps {@code file}, which must be a regular file. */
  MappedFile(Path file) throws IOException {
    try {
      if (!Files.isRegularFile(file)) {
        throw new IOException(
            Checks.message(
                "open",
                "need a regular file",
                "file",
                file,
                "kind",
                Files.isDirectory(file) ? "directory" : Files.exists(file) ? "other" : "missing"));
      }
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
        bytes = channel.map(MapMode.READ_ONLY, 0, channel.size(), arena);
      }
    } catch (IOException | RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  MemorySegment bytes() {
    return bytes;
  }

  /** A copy of {@code length} bytes from {@code offset}; both were checked. */
  byte[] copy(long offset, int length) {
    return bytes.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE);
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
