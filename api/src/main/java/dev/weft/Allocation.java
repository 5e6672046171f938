package dev.weft;

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
  private volatile Cleaner.Cleanable watch; // null until it has an owner
  private final AtomicInteger holders = new AtomicInteger(1); // the owner is one

  /**
   * Memory that is there.
   *
   * @param release gives it back; called once
   * @param what it is, in a report of a leak
   * @param open holds every one that its owner has not closed
   */
  Allocation(Runnable release, String what, Set<Allocation> open) {
    this.release = Objects.requireNonNull(release);
    this.what = what;
    this.open = open;
    open.add(this);
  }

  /** Closes and reports it when its owner is lost unclosed. */
  void watch(Cleaner cleaner, Object owner) {
    watch = cleaner.register(owner, this::reportAndClose);
  }

  /** Keeps the memory until {@link #drop}; to be called while somebody else holds it. */
  void hold() {
    holders.incrementAndGet();
  }

  void drop() {
    if (holders.decrementAndGet() == 0) {
      release.run();
    }
  }

  /**
   * The owner needs it no more; a second call does nothing, but ends after the first. A backend
   * that is closed while a lost owner is found finds the allocation open, and waits until it has
   * gone.
   */
  synchronized void close() {
    if (!closed) {
      closed = true;
      if (watch != null) {
        watch.clean(); // so that the garbage collector need not look at it any more
      }
      try {
        drop();
      } finally {
        open.remove(this);
      }
    }
  }

  synchronized void reportAndClose() {
    if (!closed) {
      LOG.log(System.Logger.Level.WARNING, "leak: {0} was never closed", what);
      close();
    }
  }
}
