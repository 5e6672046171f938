package dev.weft.interop;

import dev.weft.internal.Checks;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A file that appears whole or not at all. It is written as {@code .NAME.PID.N.tmp} in the
 * directory of its target and takes the target's name at {@link #commit}, with its data and its
 * directory entry on the disk; until then an existing target stays as it is. {@link #close} before
 * that leaves nothing behind, and so does the end of the process, unless it is killed.
 *
 * <p>The room is reserved first ({@code posix_fallocate}), so that a full disk is found before the
 * first byte and a mapping never meets one.
 *
 * @since 0.1
 */
public final class AtomicFile implements AutoCloseable {
  private static final String OP = "write";
  private static final int ZEROS = 1 << 20;
  private static final AtomicInteger COUNT = new AtomicInteger();
  private static final Set<Path> OPEN = ConcurrentHashMap.newKeySet();

  static {
    Runtime.getRuntime().addShutdownHook(new Thread(() -> OPEN.forEach(AtomicFile::delete)));
  }

  private final Path target;
  private final long byteSize;
  private final Path temporary;
  private final FileChannel channel;
  private final Arena arena = Arena.ofShared();
  private final List<MemorySegment> mappings = new ArrayList<>();
  private boolean reserved;
  private boolean committed;

  private AtomicFile(Path target, long byteSize) throws IOException {
    this.target = target;
    this.byteSize = byteSize;
    Path directory = checkTarget(target);
    String name = target.getFileName().toString();
    String start = "." + name.substring(0, Math.min(60, name.length())) + ".";
    Path free;
    FileChannel opened = null;
    do {
      free =
          directory.resolve(
              start + ProcessHandle.current().pid() + "." + COUNT.getAndIncrement() + ".tmp");
      OPEN.add(free);
      try {
        opened =
            FileChannel.open(
                free,
                StandardOpenOption.CREATE_NEW,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
      } catch (FileAlreadyExistsException e) {
        OPEN.remove(free); // left over by a killed process with the same number
      } catch (IOException e) {
        OPEN.remove(free);
        throw new IOException(
            Checks.message(
                OP,
                "need a directory that files can be created in (" + reason(e) + ")",
                "file",
                target),
            e);
      }
    } while (opened == null);
    temporary = free;
    channel = opened;
  }

  /**
   * Begins a file of exactly {@code byteSize} bytes, and reserves its room where that is possible.
   *
   * @throws NoSpaceException if there is too little room
   * @throws IOException if the target is not a regular file, or its directory is missing or not
   *     writable
   */
  public static AtomicFile create(Path target, long byteSize) throws IOException {
    AtomicFile file = new AtomicFile(target, byteSize);
    try {
      if (byteSize > 0) {
        switch (Posix.reserve(file.temporary, byteSize)) {
          case DONE -> file.reserved = true;
          case FULL -> throw file.noSpace();
          case UNAVAILABLE -> {}
        }
      }
      return file;
    } catch (IOException | RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  /**
   * Writes a whole small file.
   *
   * @throws IOException as {@link #create}
   */
  public static void write(Path target, byte[] content) throws IOException {
    try (AtomicFile file = create(target, content.length)) {
      file.write(ByteBuffer.wrap(content), 0);
      file.commit();
    }
  }

  /**
   * Throws unless a file called {@code target} can be begun; returns its directory.
   *
   * @throws IOException if the target exists and is no regular file, or its directory is missing
   */
  static Path checkTarget(Path target) throws IOException {
    if (target.getFileName() == null || target.getFileName().toString().isEmpty()) {
      throw new IOException(Checks.message(OP, "need a file name", "file", target));
    }
    Path directory = target.toAbsolutePath().getParent();
    if (!Files.isDirectory(directory)) {
      throw new IOException(
          Checks.message(
              OP, "need a directory that exists", "file", target, "directory", directory));
    }
    String kind =
        Files.isSymbolicLink(target)
            ? "symbolic link"
            : Files.isDirectory(target) ? "directory" : "special file";
    if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)
        && !Files.isRegularFile(target, LinkOption.NOFOLLOW_LINKS)) {
      throw new IOException(
          Checks.message(OP, "need a regular file or none", "file", target, "kind", kind));
    }
    return directory;
  }

  /** The file that it becomes. */
  public Path target() {
    return target;
  }

  /**
   * Writes the rest of {@code bytes} at {@code position}. May be called from any thread.
   *
   * @throws NoSpaceException if there is too little room
   */
  public void write(ByteBuffer bytes, long position) throws IOException {
    try {
      long at = position;
      while (bytes.hasRemaining()) {
        at += channel.write(bytes, at);
      }
    } catch (IOException e) {
      if (channel.isOpen() && Files.getFileStore(temporary).getUsableSpace() < bytes.remaining()) {
        throw noSpace();
      }
      throw e;
    }
  }

  /** Whether every block of the file is there already, so that {@link #map} need not write any. */
  boolean isReserved() {
    return reserved;
  }

  /**
   * Maps a range for reading and writing, until {@link #commit} or {@link #close}; its blocks are
   * there.
   *
   * @throws NoSpaceException if there is too little room
   */
  public MemorySegment map(long position, long length) throws IOException {
    if (!reserved) {
      MemorySegment zeros = Arena.ofAuto().allocate(Math.min(ZEROS, Math.max(1, length)));
      for (long done = 0; done < length; done += zeros.byteSize()) {
        long part = Math.min(zeros.byteSize(), length - done);
        write(zeros.asSlice(0, part).asByteBuffer(), position + done);
      }
    }
    MemorySegment mapping = channel.map(MapMode.READ_WRITE, position, length, arena);
    mappings.add(mapping);
    return mapping;
  }

  /**
   * What {@code fault} of a mapping means if somebody else shortened the file.
   *
   * @throws InternalError {@code fault}, if nobody did
   */
  IOException shortened(InternalError fault) throws IOException {
    if (channel.size() >= byteSize) {
      throw fault;
    }
    return new IOException(
        Checks.message(
            OP,
            "need a file that keeps its length, and it became shorter while it was written",
            "file",
            temporary,
            "needed",
            byteSize,
            "bytes",
            channel.size()),
        fault);
  }

  /**
   * Puts the data on the disk and gives the file its name.
   *
   * @throws IllegalStateException unless all bytes were written
   */
  public void commit() throws IOException {
    if (channel.size() != byteSize) {
      throw new IllegalStateException(
          Checks.message(OP, "need every byte written", "bytes", channel.size(), "of", byteSize));
    }
    try {
      mappings.forEach(MemorySegment::force);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    closeMappings();
    channel.force(true);
    channel.close();
    try {
      Files.move(
          temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (AtomicMoveNotSupportedException e) {
      throw new IOException(
          Checks.message(OP, "need a file system with atomic moves", "file", target), e);
    }
    committed = true;
    OPEN.remove(temporary);
    force(target.toAbsolutePath().getParent());
  }

  /** Removes the file unless it was committed. */
  @Override
  public void close() throws IOException {
    if (!committed) {
      closeMappings();
      try {
        channel.close();
      } finally {
        Files.deleteIfExists(temporary);
        OPEN.remove(temporary);
      }
    }
  }

  /** Puts the entries of a directory on the disk, where the platform opens directories. */
  static void force(Path directory) throws IOException {
    if (System.getProperty("os.name").startsWith("Windows")) {
      return;
    }
    try (FileChannel entries = FileChannel.open(directory, StandardOpenOption.READ)) {
      entries.force(true);
    }
  }

  private void closeMappings() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  /** Removes what was written, to see how much room there is without it. */
  private NoSpaceException noSpace() throws IOException {
    channel.truncate(0);
    long available = Files.getFileStore(temporary).getUsableSpace();
    return new NoSpaceException(target, byteSize, available);
  }

  private static String reason(IOException e) {
    return e instanceof FileSystemException f && f.getReason() != null
        ? f.getReason()
        : e.getClass().getSimpleName();
  }

  private static void delete(Path temporary) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      // the process is ending; the name says what the file is
    }
  }
}
