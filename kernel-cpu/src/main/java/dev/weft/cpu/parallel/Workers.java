package dev.weft.cpu.parallel;

import java.util.concurrent.Executor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * Runs the chunks of one operation on several threads, the caller's among them. Chunks are claimed
 * one by one, so that a thread that comes late, or never, costs speed alone.
 *
 * <p>With its own pool an operation allocates nothing; a second operation that comes while the pool
 * is busy runs on its caller's thread. With the caller's executor each operation submits threads −
 * 1 tasks. An executor that rejects a task, has no thread left, runs one inline, late, twice or
 * never costs speed alone.
 */
public final class Workers implements AutoCloseable {
  private static final long SPIN_NANOS = 50_000;
  private static final long SECOND = 1_000_000_000;

  /** Calls in one another that the end of a round needs, and as many again. */
  private static final int FRAMES = 32;

  private final int threads;
  private final Executor executor;
  private final ThreadFactory factory;
  private final Round shared = new Round();
  private final AtomicBoolean busy = new AtomicBoolean();
  private Thread[] pool; // of which the first ones are started; guarded by busy, as the next are
  private int started;
  private long nextStart; // when those that are missing are tried again
  private long startDelay;
  private volatile boolean closed;

  /**
   * A group of {@code threads} threads.
   *
   * @param executor runs the others' share, or null for a pool of daemon threads
   */
  public Workers(int threads, Executor executor) {
    this(
        threads,
        executor,
        Thread.ofPlatform()
            .daemon()
            .name("weft-cpu-", 1)
            .inheritInheritableThreadLocals(false) // they outlive the caller
            .factory(),
        SECOND);
  }

  /**
   * The same.
   *
   * @param factory makes the pool's threads
   * @param startDelay nanoseconds until threads that the system did not give are tried again, the
   *     first time
   */
  Workers(int threads, Executor executor, ThreadFactory factory, long startDelay) {
    this.threads = threads;
    this.executor = executor;
    this.factory = factory;
    this.startDelay = startDelay;
  }

  /** Threads that work on one operation, the caller's among them. */
  public int threads() {
    return threads;
  }

  /**
   * Calls {@code body.run(i)} once for every {@code 0 <= i < chunks} and returns when all are done.
   * If a call throws, the chunks not yet claimed are dropped, and the first thing thrown, whatever
   * it is, is thrown here when every call has ended; others are dropped.
   */
  public void run(long chunks, Body body) {
    if (chunks <= 1 || threads == 1) {
      runAlone(chunks, body);
    } else if (executor != null) {
      runOnExecutor(chunks, body);
    } else if (!closed && busy.compareAndSet(false, true)) {
      try {
        runOnPool(chunks, body);
      } finally {
        busy.set(false);
        if (closed) {
          close(); // in the middle, when the threads could not be told
        }
      }
    } else {
      runAlone(chunks, body);
    }
  }

  private static void runAlone(long chunks, Body body) {
    for (long i = 0; i < chunks; i++) {
      body.run(i);
    }
  }

  private void runOnPool(long chunks, Body body) {
    reserveStack(FRAMES);
    startPool();
    shared.open(chunks, body);
    for (int i = 0; i < started; i++) {
      LockSupport.unpark(pool[i]);
    }
    shared.workAndWait();
  }

  private void runOnExecutor(long chunks, Body body) {
    reserveStack(FRAMES);
    Round round = new Round();
    Runnable share =
        () -> {
          reserveStack(FRAMES);
          round.join(0);
        };
    round.open(chunks, body);
    for (long i = Math.min(threads, chunks) - 1; i > 0; i--) {
      try {
        executor.execute(share);
      } catch (RuntimeException | VirtualMachineError e) {
        break; // a full or closed executor, or no thread left: this thread does the work
      } catch (Throwable e) {
        round.fail(e);
        break;
      }
    }
    round.workAndWait();
  }

  /**
   * Throws StackOverflowError here, where nothing has begun, if there is not room for so many calls
   * in one another: more than a round needs to end as it must, whatever its body throws.
   */
  private static int reserveStack(int frames) {
    return frames == 0 ? 0 : 1 + reserveStack(frames - 1);
  }

  /**
   * Starts the threads that are missing. If the system gives fewer, those do the work, and the
   * others are tried again from time to time.
   */
  private void startPool() {
    if (started == threads - 1 || pool != null && System.nanoTime() - nextStart < 0) {
      return;
    }
    try {
      if (pool == null) {
        pool = new Thread[threads - 1];
      }
      while (started < pool.length) {
        pool[started] = factory.newThread(this::serve);
        pool[started].start();
        started++;
      }
    } catch (OutOfMemoryError e) {
      nextStart = System.nanoTime() + startDelay;
      startDelay = Math.min(2 * startDelay, 60 * SECOND);
    }
  }

  private void serve() {
    long seen = 0;
    while (!closed) {
      long round = shared.round();
      if (round != seen) {
        seen = round;
        shared.join(round);
      } else {
        awaitRound(seen);
      }
    }
  }

  private void awaitRound(long seen) {
    long end = System.nanoTime() + SPIN_NANOS;
    while (shared.round() == seen && !closed) {
      if (System.nanoTime() < end) {
        Thread.onSpinWait();
      } else {
        LockSupport.park(this);
      }
    }
  }

  /** Ends the pool's threads; an executor of the caller's is left alone. */
  @Override
  public void close() {
    closed = true;
    if (busy.compareAndSet(false, true)) { // nobody starts the pool from here on
      if (pool != null) {
        for (int i = 0; i < started; i++) {
          LockSupport.unpark(pool[i]);
        }
      }
    }
  }

  /** One chunk of an operation. */
  @FunctionalInterface
  public interface Body {
    /** Does chunk {@code index}; called from any of the threads. */
    void run(long index);
  }
}
