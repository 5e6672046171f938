package dev.weft.cpu.parallel;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * The chunks of one operation and who is working on them. A round is open while there may be chunks
 * left; a thread joins an open round, and the caller waits for those that joined and for no others.
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

  /** Works on round {@code number} if it is still open; a number of 0 means whichever there is. */
  void join(long number) {
    long now;
    do {
      now = state.get();
      if ((now & OPEN) == 0 || number != 0 && now >>> 32 != number) {
        return;
      }
    } while (!state.compareAndSet(now, now + 1));
    work();
    Thread waiting = caller;
    left.incrementAndGet(); // the round may be gone from here on
    LockSupport.unpark(waiting);
  }

  /** The caller's share; returns when every thread that joined has left. */
  void workAndWait() {
    work();
    long now;
    do {
      now = state.get();
    } while (!state.compareAndSet(now, now & ~OPEN));
    int joined = (int) (now & OPEN - 1);
    boolean interrupted = false;
    long end = System.nanoTime() + SPIN_NANOS;
    while (left.get() != joined) {
      if (System.nanoTime() < end) {
        Thread.onSpinWait();
      } else {
        LockSupport.park(this);
        interrupted |= Thread.interrupted();
      }
    }
    body = null;
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    Throwable thrown = failure.get();
    if (thrown instanceof RuntimeException e) {
      throw e;
    }
    if (thrown instanceof Error e) {
      throw e;
    }
  }

  private void work() {
    long end = chunks;
    Workers.Body todo = body;
    try {
      for (long i = next.getAndIncrement(); i < end; i = next.getAndIncrement()) {
        todo.run(i);
      }
    } catch (RuntimeException | Error e) {
      failure.compareAndSet(null, e);
      next.set(end);
    }
  }
}
