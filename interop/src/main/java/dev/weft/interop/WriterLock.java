package dev.weft.interop;

import dev.weft.internal.Checks;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The right to write the files of one name: the system's lock of the empty file {@code .NAME.lock}
 * beside them, and an entry in this process, whose own locks the system does not tell apart. The
 * lock ends with the process, however it ends. The file is removed with the lock, and stays if the
 * process is killed; then the next writer takes it over.
 *
 * <p>A file that is removed may be open in another process, which then gets a lock of no use. So it
 * is marked by a byte before its lock is given back, and who finds the byte, or no file under the
 * name, begins again.
 *
 * <p>Where the file system has no locks, only the writers of this process exclude each other.
 */
final class WriterLock implements AutoCloseable {
  private static final String OP = "write";
  private static final int TRIES = 100;
  private static final Set<Object> HELD = new HashSet<>();

  private final Object key;
  private final Path file;
  private final FileChannel channel; // null where the file system has no locks
  private final boolean takenOver;

  private WriterLock(Object key, Path file, FileChannel channel, boolean takenOver) {
    this.key = key;
    this.file = file;
    this.channel = channel;
    this.takenOver = takenOver;
  }

  /**
   * Locks {@code .name.lock} in {@code directory}.
   *
   * @param target what is to be written, for messages
   * @throws IOException {@code write: need no other writer of the file, got …} if there is one
   */
  static WriterLock of(Path directory, String name, Path target) throws IOException {
    if (Thread.currentThread().isInterrupted()) {
      throw new InterruptedIOException(
          Checks.message(OP, "need a thread that is not interrupted", "file", target));
    }
    Object identity = Files.readAttributes(directory, BasicFileAttributes.class).fileKey();
    Object key = List.of(identity == null ? directory.toRealPath() : identity, name);
    Path file = directory.resolve("." + name + ".lock");
    synchronized (HELD) {
      if (!HELD.add(key)) { // before the file is opened: closing it would end the other's lock
        throw busy(target, file);
      }
    }
    try {
      // Whoever watches the end of the process sees no lock that is half taken.
      synchronized (Temporaries.class) {
        for (int i = 0; i < TRIES; i++) {
          WriterLock lock = attempt(key, file, target);
          if (lock != null) {
            return lock;
          }
        }
      }
      throw new IOException(
          Checks.message(
              OP, "need a lock file that is weft's, or none", "file", target, "lock", file));
    } catch (IOException | RuntimeException | Error e) {
      release(key);
      throw e;
    }
  }

  /** Null if the file was removed meanwhile, by the writer before. */
  private static WriterLock attempt(Object key, Path file, Path target) throws IOException {
    boolean there = false;
    FileChannel channel;
    try {
      channel = Temporaries.create(file, options(StandardOpenOption.CREATE_NEW));
    } catch (FileAlreadyExistsException e) {
      there = true;
      try {
        channel = FileChannel.open(file, options(LinkOption.NOFOLLOW_LINKS));
      } catch (NoSuchFileException gone) {
        return null;
      } catch (IOException unreadable) {
        throw new IOException(
            Checks.message(
                OP,
                "need a lock file that can be opened (" + reason(unreadable) + ")",
                "file",
                target,
                "lock",
                file),
            unreadable);
      }
    } catch (FileSystemException e) {
      throw new IOException(
          Checks.message(
              OP,
              "need a directory that files can be created in (" + reason(e) + ")",
              "file",
              target),
          e);
    }
    boolean locked = false;
    boolean interrupted = Thread.interrupted(); // it ends the writing, not this
    try {
      FileLock lock;
      try {
        lock = channel.tryLock();
      } catch (OverlappingFileLockException e) {
        throw busy(target, file);
      } catch (ClosedChannelException e) {
        throw e;
      } catch (IOException noLocksHere) {
        if (!there) {
          Temporaries.delete(file);
        }
        return new WriterLock(key, file, null, false);
      }
      if (lock == null) {
        throw busy(target, file);
      }
      if (channel.size() > 0 || !Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
        return null;
      }
      locked = true;
      Temporaries.note(file);
      return new WriterLock(key, file, channel, there);
    } finally {
      if (!locked) {
        Temporaries.forget(file);
        channel.close();
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Whether the writer before was killed, and may have left temporary files. */
  boolean isTakenOver() {
    return takenOver;
  }

  @Override
  public void close() throws IOException {
    try {
      if (channel != null) {
        boolean interrupted = Thread.interrupted();
        try (channel) {
          Temporaries.delete(file);
          mark();
        } finally {
          interrupted |= Thread.interrupted();
          if (interrupted) {
            Thread.currentThread().interrupt();
          }
        }
      }
    } finally {
      release(key);
    }
  }

  private void mark() {
    try {
      channel.write(ByteBuffer.allocate(1), 0);
    } catch (IOException e) {
      // an interrupt, or a full disk; that there is no file under the name is a sign as well
    }
  }

  /** What the system says, without the file's name. */
  static String reason(IOException e) {
    return e instanceof FileSystemException f && f.getReason() != null
        ? f.getReason()
        : e.getClass().getSimpleName();
  }

  private static Set<OpenOption> options(OpenOption more) {
    return Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, more);
  }

  private static void release(Object key) {
    synchronized (HELD) {
      HELD.remove(key);
    }
  }

  private static IOException busy(Path target, Path file) {
    return new IOException(
        Checks.message(OP, "need no other writer of the file", "file", target, "lock", file));
  }
}
