package dev.weft;

import dev.weft.internal.Checks;
import java.lang.ref.Cleaner;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Memory of a tensor or packed matrix, given back when its owner has closed it and nobody holds it
 * any more. It knows nothing of its owner, so that a lost one can be found.
 */
final class Allocation {
  private static final System.Logger LOG = System.getLogger("dev.weft");

  private final Runnable release;
  private final String what;
  private final Set<Allocation> open;
  private boolean closed;
  private boolean reported;
  private volatile Cleaner.Cleanable watch; // null until it has an owner
  private final AtomicInteger holders = new AtomicInteger(1); // the owner is one

  /**
   * Memory that is there.
   *
   * @param release gives it back, or throws {@link IllegalStateException} and changes nothing while
   *     other code uses the memory; whatever it throws, it may be called again, and does nothing
   *     once the memory is back
   * @param what it is, in a report of a leak
   * @param open holds every one that has an owner who has not closed it
   */
  Allocation(Runnable release, String what, Set<Allocation> open) {
    this.release = Objects.requireNonNull(release);
    this.what = what;
    this.open = open;
  }

  /** It is its owner's from now on: closes and reports it when the owner is lost. */
  void watch(Cleaning cleaning, Object owner) {
    open.add(this);
    watch = cleaning.watch(owner, () -> closeLost(cleaning));
  }

  private void closeLost(Cleaning cleaning) {
    try {
      reportAndClose();
    } catch (IllegalStateException e) { // somebody still uses what the owner gave them
      cleaning.later(() -> closeLost(cleaning));
    }
  }

  /** Keeps the memory until {@link #drop}; to be called while somebody else holds it. */
  void hold() {
    int now;
    do {
      now = holders.get();
    } while (!holders.compareAndSet(now, now + 1));
  }

  /**
   * Ends what {@link #hold} began. If it throws, the memory is held as before, and this may be
   * called again.
   *
   * @throws IllegalStateException {@code close: need memory that no other code is using (…), got
   *     memory=…}
   */
  void drop() {
    if (holders.decrementAndGet() > 0) {
      return;
    }
    boolean done = false;
    try {
      release.run();
      done = true;
    } catch (IllegalStateException e) {
      throw new IllegalStateException(
          Checks.message(
              "close",
              "need memory that no other code is using (" + e.getMessage() + ")",
              "memory",
              what),
          e);
    } finally {
      if (!done) {
        hold();
      }
    }
  }

  /**
   * The owner needs it no more; a second call does nothing, but ends after the first. A backend
   * that is closed while a lost owner is found finds the allocation open, and waits until it has
   * gone.
   *
   * @throws IllegalStateException as {@link #drop}; it is then not closed
   */
  synchronized void close() {
    if (!closed) {
      drop();
      closed = true;
      open.remove(this);
      if (watch != null) {
        watch.clean(); // so that the garbage collector need not look at it any more
      }
    }
  }

  /**
   * The same for an owner whose operations are counted.
   *
   * @return false if one of them is running
   * @throws IllegalStateException as {@link #drop}; the owner is then open as before
   */
  synchronized boolean close(Usage usage) {
    if (!usage.close()) {
      return false;
    }
    try {
      close();
    } catch (IllegalStateException e) {
      usage.reopen();
      throw e;
    }
    return true;
  }

  /** It never had an owner, and whoever gave the memory keeps it. */
  synchronized void forget() {
    closed = true;
    open.remove(this);
    if (watch != null) {
      watch.clean();
    }
  }

  synchronized void reportAndClose() {
    if (!closed) {
      if (!reported) {
        reported = true;
        LOG.log(System.Logger.Level.WARNING, "leak: {0} was never closed", what);
      }
      close();
    }
  }
}
