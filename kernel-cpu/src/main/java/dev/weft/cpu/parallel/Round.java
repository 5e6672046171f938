package dev.weft.cpu.parallel;

import dev.weft.internal.Failures;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * The chunks of one operation and who is working on them. A round is open while there may be chunks
 * left; a thread joins an open round, and the caller waits for those that joined and for no others.
 * A thread that comes when the round is over, or comes twice, does no harm.
 *
 * <p>{@code state} holds the round's number in the upper 32 bits, {@link #OPEN} and the number of
 * threads that have joined. The object is reused, round by round.
 */
final class Round {
  private static final long OPEN = 1L << 31;
  private static final long SPIN_NANOS = 50_000;

  private final AtomicLong state = new AtomicLong();
  private final AtomicLong next = new AtomicLong();
  private final AtomicInteger left = new AtomicInteger();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private long chunks;
  private Workers.Body body;
  private volatile Thread caller;

  /** Number of the latest round that was opened. */
  long round() {
    return state.get() >>> 32;
  }

  /** Opens the next round; the caller alone may do it, after {@link #workAndWait} of the last. */
  void open(long chunks, Workers.Body body) {
    this.chunks = chunks;
    this.body = body;
    caller = Thread.currentThread();
    failure.set(null);
    left.set(0);
    next.set(0);
    state.set((round() + 1 & 0x7FFFFFFFL) << 32 | OPEN);
  }

  /**
   * Works on round {@code number} if it is still open; a number of 0 means whichever there is.
   * Throws nothing: what the body throws is the caller's.
   */
  void join(long number) {
    long now;
    do {
      now = state.get();
      if ((now & OPEN) == 0 || number != 0 && now >>> 32 != number) {
        return;
      }
    } while (!state.compareAndSet(now, now + 1));
    try {
      work();
    } catch (Throwable e) {
      fail(e);
    } finally {
      Thread waiting = caller;
      left.incrementAndGet(); // the round may be gone from here on
      LockSupport.unpark(waiting);
    }
  }

  /**
   * The caller's share; returns, or throws, when every thread that joined has left: the first thing
   * that failed, as it was thrown. Later ones are dropped.
   */
  void workAndWait() {
    try {
      work();
    } catch (Throwable e) {
      fail(e);
    }
    await(close());
    body = null;
    caller = null;
    Throwable thrown = failure.getAndSet(null);
    if (thrown != null) {
      Failures.raise(thrown);
    }
  }

  /** Drops the chunks that nobody has claimed; {@code e} is thrown if it is the first. */
  void fail(Throwable e) {
    failure.compareAndSet(null, e);
    next.set(chunks);
  }

  /** Lets nobody join any more; returns how many have. */
  private int close() {
    long now;
    do {
      now = state.get();
    } while (!state.compareAndSet(now, now & ~OPEN));
    return (int) (now & OPEN - 1);
  }

  private void await(int joined) {
    boolean interrupted = false;
    long end = System.nanoTime() + SPIN_NANOS;
    while (left.get() != joined) {
      if (System.nanoTime() < end) {
        Thread.onSpinWait();
      } else {
        try {
          LockSupport.park(this);
        } catch (Throwable e) { // a virtual thread may find no memory to park with
          Thread.onSpinWait();
        }
        interrupted |= Thread.interrupted();
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void work() {
    long end = chunks;
    Workers.Body todo = body;
    for (long i = next.getAndIncrement(); i < end; i = next.getAndIncrement()) {
      todo.run(i);
    }
  }
}
