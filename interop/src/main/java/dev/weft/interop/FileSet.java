package dev.weft.interop;

import dev.weft.internal.Failures;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The files that one writer writes under one name, in one directory: a tensor and its receipt, or
 * the shards of a model and their index. One writer at a time has a name; a second one is refused
 * at once. The files take their names together, when all of them are on the disk.
 *
 * <p>The swap: what the last file replaces is removed, the files are renamed in their order, the
 * last of them last. So the last file never stands beside others than its own, wherever the swap is
 * cut off; and the end of the process waits for a swap that has begun.
 */
final class FileSet implements AutoCloseable {
  /** Chars of a name that the names of temporary files repeat; 180 bytes in UTF-8 at most. */
  private static final int NAME_CHARS = 60;

  /** A shard or an index of a model belongs to the model's name, a receipt to its tensor's. */
  private static final Pattern SAFETENSORS =
      Pattern.compile(
          "(.+?)(-\\d{5}-of-\\d{5})?\\.safetensors(\\.index\\.json)?",
          Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

  private static final Pattern RECEIPT =
      Pattern.compile("(.+\\.npy)\\.json", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

  private static final AtomicInteger COUNT = new AtomicInteger();

  private final Path directory;
  private final String name;
  private final WriterLock lock;
  private final List<AtomicFile> files = new ArrayList<>();
  private boolean closed;

  private FileSet(Path directory, String name, WriterLock lock) {
    this.directory = directory;
    this.name = name;
    this.lock = lock;
  }

  /**
   * Begins the files that belong to the name of {@code target}.
   *
   * @throws IOException {@code write: need no other writer of the file, got …}, or as {@link
   *     AtomicFile#checkTarget}
   */
  static FileSet open(Path target) throws IOException {
    Path directory = AtomicFile.checkTarget(target);
    String name = hidden(nameOf(target.getFileName().toString()));
    FileSet set = new FileSet(directory, name, WriterLock.of(directory, name, target));
    try {
      if (set.lock.isTakenOver()) {
        set.removeLeftovers();
      }
      return set;
    } catch (RuntimeException | Error e) {
      set.close();
      throw e;
    }
  }

  /**
   * Begins a file of the set; its content comes next.
   *
   * @throws NoSpaceException if there is too little room
   * @throws IOException as {@link AtomicFile#create}
   */
  AtomicFile begin(Path target, long byteSize) throws IOException {
    AtomicFile file = new AtomicFile(this, target, byteSize);
    files.add(file);
    file.reserve();
    return file;
  }

  /** A name for a temporary file that none has had in this process. */
  Path temporary() {
    long pid = ProcessHandle.current().pid();
    return directory.resolve("." + name + "." + pid + "." + COUNT.getAndIncrement() + ".tmp");
  }

  /**
   * Puts all files on the disk and gives them their names, in the order in which they were begun.
   *
   * @param replaced removed before the first file takes its name; null for none
   * @throws IOException if it fails; unless all have their names by then, none of them is there
   */
  void commit(Path replaced) throws IOException {
    if (closed) {
      throw new IllegalStateException("write: need files that are not closed");
    }
    for (AtomicFile file : files) {
      file.finish();
    }
    Temporaries.beginSwap(files.getFirst().target());
    int named = 0;
    try {
      if (replaced != null && Files.exists(replaced)) {
        Temporaries.delete(replaced);
        force(directory);
      }
      for (; named < files.size(); named++) {
        if (named > 0 && named == files.size() - 1) {
          force(directory); // the last one vouches for the others
        }
        files.get(named).rename();
      }
      force(directory);
    } catch (IOException | RuntimeException | Error e) {
      if (named < files.size()) {
        remove(files.subList(0, named), e);
      }
      throw e;
    } finally {
      Temporaries.endSwap();
    }
    close();
  }

  /** Removes what has not been committed, and lets the next writer in. */
  @Override
  public void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    Failures failures = new Failures();
    for (AtomicFile file : files) {
      failures.attempt(file::discard);
    }
    failures.attempt(lock::close).raise();
  }

  /**
   * Puts the entries of a directory on the disk, where the platform opens directories. An interrupt
   * waits until the swap is over.
   */
  private static void force(Path directory) throws IOException {
    if (System.getProperty("os.name").startsWith("Windows")) {
      return;
    }
    Temporaries.beforeStep.run();
    boolean interrupted = Thread.interrupted();
    try {
      for (boolean forced = false; !forced; ) {
        try (FileChannel entries = FileChannel.open(directory, StandardOpenOption.READ)) {
          entries.force(true);
          forced = true;
        } catch (ClosedByInterruptException e) {
          interrupted = Thread.interrupted();
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Half of a set is none. */
  private static void remove(List<AtomicFile> named, Throwable failure) {
    for (AtomicFile file : named) {
      try {
        Temporaries.delete(file.target());
      } catch (IOException | RuntimeException | Error e) {
        failure.addSuppressed(e);
      }
    }
  }

  /** Removes the temporary files of writers of this name that were killed, if that is allowed. */
  private void removeLeftovers() {
    Pattern pattern = Pattern.compile("\\." + Pattern.quote(name) + "\\.\\d+\\.\\d+\\.tmp");
    try (Stream<Path> entries = Files.list(directory)) {
      for (Path file : (Iterable<Path>) entries::iterator) {
        if (pattern.matcher(file.getFileName().toString()).matches()) {
          Temporaries.delete(file);
        }
      }
    } catch (IOException | UncheckedIOException e) {
      // they are another user's, or the directory cannot be listed
    }
  }

  /** What a file's writer has to lock: {@code m.safetensors} for a shard or the index of m. */
  private static String nameOf(String file) {
    Matcher safetensors = SAFETENSORS.matcher(file);
    if (safetensors.matches()) {
      return safetensors.group(1) + ".safetensors";
    }
    Matcher receipt = RECEIPT.matcher(file);
    return receipt.matches() ? receipt.group(1) : file;
  }

  /** The name, cut between characters if it is long; then a digest tells it from others. */
  private static String hidden(String name) {
    if (name.length() <= NAME_CHARS) {
      return name;
    }
    boolean pair = Character.isHighSurrogate(name.charAt(NAME_CHARS - 1));
    String digest = String.format(Locale.ROOT, "~%08x", name.hashCode());
    return name.substring(0, pair ? NAME_CHARS - 1 : NAME_CHARS) + digest;
  }
}
