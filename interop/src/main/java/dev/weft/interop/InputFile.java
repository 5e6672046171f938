package dev.weft.interop;

import dev.weft.internal.Checks;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;

/**
 * A file that is read part by part while others may shorten or replace it. Reading then fails with
 * an exception that says so. It is read into buffers, because access to a mapping behind the end of
 * its file ends in an InternalError or ends the JVM.
 *
 * <p>Any number of threads may read. Between reads, one file of a {@link Group} is open at most.
 */
final class InputFile implements AutoCloseable {
  /** Bytes that are read at once. */
  private static final int PART = 1 << 20;

  /** Files of which one stays open while none is read: the one that was read last. */
  static final class Group {
    private InputFile kept;
  }

  private final Path path;
  private final Group group;
  private final long byteSize;
  private final Object key;
  private final Arena arena = Arena.ofShared();

  // Guarded by the group.
  private FileChannel channel;
  private int readers;
  private boolean closed;
  private MemorySegment mapping;

  /** Opens {@code path}, which must be a regular file. */
  InputFile(Path path) throws IOException {
    this(path, new Group());
  }

  /** Opens {@code path}, which must be a regular file, as one of a group. */
  InputFile(Path path, Group group) throws IOException {
    this.path = path;
    this.group = group;
    if (!Files.isRegularFile(path)) {
      throw new IOException(
          Checks.message(
              "open",
              "need a regular file",
              "file",
              path,
              "kind",
              Files.isDirectory(path) ? "directory" : Files.exists(path) ? "other" : "missing"));
    }
    FileChannel opened = FileChannel.open(path, StandardOpenOption.READ);
    try {
      byteSize = opened.size();
      key = fileKey(path);
    } catch (IOException | RuntimeException | Error e) {
      opened.close();
      throw e;
    }
    synchronized (group) {
      channel = opened;
      readers = 1;
    }
    leave();
  }

  /** The bytes that the file had when it was opened. */
  long byteSize() {
    return byteSize;
  }

  /** The memory of this file's mapping and of copies of its elements, freed by {@link #close}. */
  Arena arena() {
    return arena;
  }

  /**
   * Fills {@code out}, native or heap, with the bytes from {@code position} on; the range was
   * checked against {@link #byteSize}.
   *
   * @throws IOException {@code read: need a file that keeps its length, and it became shorter …}
   */
  void read(long position, MemorySegment out) throws IOException {
    for (long done = 0; done < out.byteSize(); done += PART) {
      MemorySegment part = out.asSlice(done, Math.min(PART, out.byteSize() - done));
      if (part.isNative()) {
        read(position + done, part.asByteBuffer());
      } else {
        part.copyFrom(MemorySegment.ofArray(bytes(position + done, (int) part.byteSize())));
      }
    }
  }

  /** {@code length} bytes from {@code position} on; as {@link #read(long, MemorySegment)}. */
  byte[] bytes(long position, int length) throws IOException {
    byte[] bytes = new byte[length];
    for (int done = 0; done < length; done += PART) {
      read(position + done, ByteBuffer.wrap(bytes, done, Math.min(PART, length - done)).slice());
    }
    return bytes;
  }

  private void read(long position, ByteBuffer out) throws IOException {
    while (out.hasRemaining()) {
      FileChannel open = enter();
      try {
        if (open.read(out, position + out.position()) < 0) {
          throw shorter(position + out.limit(), position + out.position());
        }
      } catch (ClosedByInterruptException e) {
        throw e;
      } catch (ClosedChannelException e) {
        // another thread was interrupted while it read: enter opens the file again, or throws
      } finally {
        leave();
      }
    }
  }

  /**
   * The whole file, mapped until {@link #close}.
   *
   * @throws UncheckedIOException if it became shorter, or cannot be mapped
   */
  MemorySegment map() {
    synchronized (group) {
      try {
        if (mapping == null) {
          FileChannel open = enter();
          try {
            if (open.size() < byteSize) {
              throw shorter(byteSize, open.size());
            }
            mapping = open.map(MapMode.READ_ONLY, 0, byteSize, arena);
          } finally {
            leave();
          }
        }
        return mapping;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private FileChannel enter() throws IOException {
    synchronized (group) {
      if (closed) {
        throw new IllegalStateException(Checks.message("read", "need an open file", "file", path));
      }
      if (channel == null || !channel.isOpen()) {
        channel = reopen();
      }
      if (group.kept == this) {
        group.kept = null;
      }
      readers++;
      return channel;
    }
  }

  private void leave() throws IOException {
    synchronized (group) {
      if (--readers > 0) {
        return;
      }
      if (closed) {
        shut();
        return;
      }
      InputFile before = group.kept;
      group.kept = this;
      if (before != null) {
        before.shut();
      }
    }
  }

  private FileChannel reopen() throws IOException {
    FileChannel opened = FileChannel.open(path, StandardOpenOption.READ);
    try {
      if (!Objects.equals(fileKey(path), key)) {
        throw new IOException(
            Checks.message(
                "read",
                "need the file that was opened, and another has its name now",
                "file",
                path));
      }
      return opened;
    } catch (IOException | RuntimeException | Error e) {
      opened.close();
      throw e;
    }
  }

  private void shut() throws IOException {
    FileChannel open = channel;
    channel = null;
    if (open != null) {
      open.close();
    }
  }

  private IOException shorter(long needed, long found) {
    return new IOException(
        Checks.message(
            "read",
            "need a file that keeps its length, and it became shorter while it was read",
            "file",
            path,
            "needed",
            needed,
            "bytes",
            found));
  }

  /** What tells a file from another of the same name; null where the system has no such thing. */
  private static Object fileKey(Path path) throws IOException {
    return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
  }

  /** Ends all use of the file; a read in another thread ends first. */
  @Override
  public void close() {
    synchronized (group) {
      if (closed) {
        return;
      }
      closed = true;
      if (group.kept == this) {
        group.kept = null;
      }
      try {
        if (readers == 0) {
          shut();
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } finally {
        arena.close();
      }
    }
  }
}
