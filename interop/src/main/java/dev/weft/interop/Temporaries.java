package dev.weft.interop;

import dev.weft.internal.Checks;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * The files that this process must not leave behind. While there are any, a shutdown hook waits
 * until nobody is in the middle of a swap, and then removes the rest. A file is created and noted
 * in one step, so the hook misses none; from then on nobody creates or renames another.
 *
 * <p>The hook is registered with the first file and removed after the last: a program that writes
 * nothing keeps nothing of weft alive.
 */
final class Temporaries {
  /** How long the end of the process waits for renames that have begun. */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);

  /** Called before every change to the file system; a test ends the writer at one of them. */
  static volatile Runnable beforeStep = () -> {};

  // All guarded by the class.
  private static final Set<Path> OPEN = new HashSet<>();
  private static Thread hook;
  private static int swaps;
  private static boolean ending;

  private Temporaries() {}

  /** Creates a file that is removed at the end of the process unless it is forgotten. */
  static synchronized FileChannel create(
      Path file, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    requireGoingOn(file);
    beforeStep.run();
    FileChannel channel = FileChannel.open(file, options, attributes);
    note(file);
    return channel;
  }

  /** Removes an existing file at the end of the process unless it is forgotten. */
  static synchronized void note(Path file) {
    OPEN.add(file);
    register();
  }

  /** The file has become another's, or has another name now. */
  static synchronized void forget(Path file) {
    OPEN.remove(file);
    deregister();
  }

  /** Removes a file. */
  static synchronized void delete(Path file) throws IOException {
    try {
      beforeStep.run();
      Files.deleteIfExists(file);
    } finally {
      forget(file);
    }
  }

  /**
   * Begins to rename files; the process does not end before {@link #endSwap}.
   *
   * @throws IOException if it is ending already
   */
  static synchronized void beginSwap(Path file) throws IOException {
    requireGoingOn(file);
    swaps++;
  }

  static synchronized void endSwap() {
    swaps--;
    Temporaries.class.notifyAll();
  }

  /** Whether the hook is registered; for tests. */
  static synchronized boolean isWatched() {
    return hook != null;
  }

  private static void requireGoingOn(Path file) throws IOException {
    if (ending) {
      throw new IOException(
          Checks.message("write", "need a process that is not ending", "file", file));
    }
  }

  private static void register() {
    if (hook == null) {
      Thread thread = new Thread(Temporaries::removeAll, "weft-temporaries");
      try {
        Runtime.getRuntime().addShutdownHook(thread);
        hook = thread;
      } catch (IllegalStateException e) {
        // A hook of the program's is writing: it ends its file, or the process ends before it.
      }
    }
  }

  private static void deregister() {
    if (OPEN.isEmpty() && hook != null) {
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        // it runs, or will
      }
      hook = null;
    }
  }

  private static synchronized void removeAll() {
    ending = true;
    long end = System.nanoTime() + PATIENCE_NANOS;
    try {
      for (long left = PATIENCE_NANOS; swaps > 0 && left > 0; left = end - System.nanoTime()) {
        TimeUnit.NANOSECONDS.timedWait(Temporaries.class, left);
      }
    } catch (InterruptedException e) {
      // what is there is removed now
    }
    for (Path file : OPEN) {
      try {
        Files.deleteIfExists(file);
      } catch (IOException e) {
        // the process is ending; the next writer of the name removes it
      }
    }
    OPEN.clear();
  }
}
