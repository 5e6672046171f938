package dev.weft.interop;

import dev.weft.internal.Checks;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * A file that appears whole or not at all. It is written as {@code .NAME.PID.N.tmp} in the
 * directory of its target and takes the target's name at {@link #commit}, with its data and its
 * directory entry on the disk, and with the mode of the file that it replaces; until then an
 * existing target stays as it is. {@link #close} before that leaves nothing behind, and so does the
 * end of the process, unless it is killed.
 *
 * <p>A name has one writer at a time, of all processes: from {@link #create} to {@link #commit} or
 * {@link #close} a second one is refused.
 *
 * <p>The room is reserved first ({@code posix_fallocate}), so that a full disk is found before the
 * first byte and a mapping never meets one.
 *
 * @since 0.1
 */
public final class AtomicFile implements AutoCloseable {
  private static final String OP = "write";
  private static final int ZEROS = 1 << 20;

  /** While it is written, what replaces a file is its owner's alone. */
  private static final FileAttribute<?> PRIVATE =
      PosixFilePermissions.asFileAttribute(
          Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE));

  private final FileSet set;
  private final Path target;
  private final long byteSize;
  private final PosixFileAttributes replaced; // null if there is none, or no such attributes
  private final List<MemorySegment> mappings = new ArrayList<>();
  private Path temporary;
  private FileChannel channel; // null while the file is set aside, and when it is finished
  private Arena arena; // of the mappings; null if there are none
  private boolean reserved;
  private boolean finished;
  private boolean named;

  /** Creates the temporary file. */
  AtomicFile(FileSet set, Path target, long byteSize) throws IOException {
    checkTarget(target);
    this.set = set;
    this.target = target;
    this.byteSize = byteSize;
    this.replaced = replaced(target);
    FileAttribute<?>[] attributes =
        replaced == null ? new FileAttribute<?>[0] : new FileAttribute<?>[] {PRIVATE};
    while (channel == null) {
      temporary = set.temporary();
      try {
        channel =
            Temporaries.create(
                temporary,
                Set.of(
                    StandardOpenOption.CREATE_NEW,
                    StandardOpenOption.READ,
                    StandardOpenOption.WRITE),
                attributes);
      } catch (FileAlreadyExistsException e) {
        // left over by a killed process with the same number
      } catch (FileSystemException e) {
        throw new IOException(
            Checks.message(
                OP,
                "need a directory that files can be created in (" + WriterLock.reason(e) + ")",
                "file",
                target),
            e);
      }
    }
  }

  /**
   * Begins a file of exactly {@code byteSize} bytes, and reserves its room where that is possible.
   *
   * @throws NoSpaceException if there is too little room
   * @throws IOException {@code write: need …, got file=…}: if somebody else is writing the target,
   *     if the target is not a regular file, if its directory is missing or not writable, or if a
   *     quota or a limit on the sizes of files forbids it
   */
  public static AtomicFile create(Path target, long byteSize) throws IOException {
    FileSet set = FileSet.open(target);
    try {
      return set.begin(target, byteSize);
    } catch (IOException | RuntimeException | Error e) {
      set.close();
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
   * @throws IOException if the target exists and is no regular file, its directory is missing, or
   *     its name is longer than names are there
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
    BasicFileAttributes found;
    try {
      found = Files.readAttributes(target, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    } catch (NoSuchFileException e) {
      return directory;
    } catch (FileSystemException e) {
      throw new IOException(
          Checks.message(
              OP,
              "need a name that the file system takes (" + WriterLock.reason(e) + ")",
              "file",
              target),
          e);
    }
    if (!found.isRegularFile()) {
      String kind =
          found.isSymbolicLink()
              ? "symbolic link"
              : found.isDirectory() ? "directory" : "special file";
      throw new IOException(
          Checks.message(OP, "need a regular file or none", "file", target, "kind", kind));
    }
    return directory;
  }

  /** Reserves the room, where that is possible. */
  void reserve() throws IOException {
    if (byteSize > 0) {
      Temporaries.beforeStep.run();
      switch (Posix.reserve(temporary, byteSize)) {
        case DONE -> reserved = true;
        case FULL -> throw noSpace();
        case OVER_QUOTA ->
            throw new IOException(
                Checks.message(
                    OP, "need room in the quota", "file", target, "neededBytes", byteSize));
        case TOO_LARGE ->
            throw new IOException(
                Checks.message(
                    OP,
                    "need a size that the process (ulimit -f) and the file system allow",
                    "file",
                    target,
                    "neededBytes",
                    byteSize));
        case UNAVAILABLE -> {}
      }
    }
  }

  /** The file that it becomes. */
  public Path target() {
    return target;
  }

  /**
   * Writes the rest of {@code bytes} at {@code position}. May be called from any thread.
   *
   * @throws NoSpaceException if there is too little room
   * @throws IOException if the system refuses it for another reason
   */
  public void write(ByteBuffer bytes, long position) throws IOException {
    FileChannel out = channel();
    try {
      Temporaries.beforeStep.run();
      long at = position;
      while (bytes.hasRemaining()) {
        at += out.write(bytes, at);
      }
    } catch (ClosedChannelException e) {
      throw e;
    } catch (IOException e) {
      if (Files.getFileStore(temporary).getUsableSpace() < bytes.remaining()) {
        throw noSpace();
      }
      throw new IOException(
          Checks.message(
              OP,
              "need bytes that the system takes (" + e.getMessage() + ")",
              "file",
              target,
              "neededBytes",
              byteSize),
          e);
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
    if (arena == null) {
      arena = Arena.ofShared();
    }
    MemorySegment mapping = channel().map(MapMode.READ_WRITE, position, length, arena);
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
    set.commit(null);
  }

  /** Removes the file unless it was committed. */
  @Override
  public void close() throws IOException {
    set.close();
  }

  /** Gives back the descriptor until more is written; nothing may be mapped. */
  void setAside() throws IOException {
    if (channel != null) {
      channel.close();
      channel = null;
    }
  }

  /**
   * Puts the data on the disk and gives back what they were written with; nothing can be written
   * any more.
   *
   * @throws IllegalStateException unless all bytes were written
   */
  void finish() throws IOException {
    if (finished) {
      return;
    }
    FileChannel out = channel();
    if (out.size() != byteSize) {
      throw new IllegalStateException(
          Checks.message(OP, "need every byte written", "bytes", out.size(), "of", byteSize));
    }
    Temporaries.beforeStep.run();
    try {
      mappings.forEach(MemorySegment::force);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    closeMappings();
    keepMode();
    out.force(true);
    setAside();
    finished = true;
  }

  /** Gives the finished file its name. */
  void rename() throws IOException {
    Temporaries.beforeStep.run();
    try {
      Files.move(
          temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (AtomicMoveNotSupportedException e) {
      throw new IOException(
          Checks.message(OP, "need a file system with atomic moves", "file", target), e);
    }
    named = true;
    Temporaries.forget(temporary);
  }

  /** Removes the file unless it has its name. */
  void discard() throws IOException {
    if (!named) {
      try {
        closeMappings();
        setAside();
      } finally {
        Temporaries.delete(temporary);
      }
    }
  }

  private FileChannel channel() throws IOException {
    if (channel == null) {
      channel = FileChannel.open(temporary, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }
    return channel;
  }

  private void closeMappings() {
    mappings.clear();
    if (arena != null) {
      arena.close();
      arena = null;
    }
  }

  /** What is known of the file that is replaced, if there is one and it has a mode. */
  private static PosixFileAttributes replaced(Path target) throws IOException {
    try {
      PosixFileAttributeView view =
          Files.getFileAttributeView(
              target, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
      return view == null ? null : view.readAttributes();
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  /** Gives the file the mode of the one that it replaces, and its owners where that is allowed. */
  private void keepMode() throws IOException {
    if (replaced == null) {
      return;
    }
    PosixFileAttributeView view =
        Files.getFileAttributeView(
            temporary, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
    try {
      PosixFileAttributes own = view.readAttributes();
      if (!own.group().equals(replaced.group())) {
        view.setGroup(replaced.group());
      }
      if (!own.owner().equals(replaced.owner())) {
        view.setOwner(replaced.owner());
      }
    } catch (FileSystemException e) {
      // the system lets few give files away
    }
    view.setPermissions(replaced.permissions());
  }

  /** Removes what was written, to see how much room there is without it. */
  private NoSpaceException noSpace() throws IOException {
    channel().truncate(0);
    long available = Files.getFileStore(temporary).getUsableSpace();
    return new NoSpaceException(target, byteSize, available);
  }
}
