package dev.weft.cpu.parallel;

import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * Runs the chunks of one operation on several threads, the caller's among them. Chunks are claimed
 * one by one, so that a thread that comes late, or never, costs speed alone.
 *
 * <p>With its own pool an operation allocates nothing; a second operation that comes while the pool
 * is busy runs on its caller's thread. With the caller's executor each operation submits threads −
 * 1 tasks.
 */
public final class Workers implements AutoCloseable {
  private static final long SPIN_NANOS = 50_000;

  private final int threads;
  private final Executor executor;
  private final Round shared = new Round();
  private final AtomicBoolean busy = new AtomicBoolean();
  private Thread[] pool;
  private volatile boolean closed;

  /**
   * A group of {@code threads} threads.
   *
   * @param executor runs the others' share, or null for a pool of daemon threads
   */
  public Workers(int threads, Executor executor) {
    this.threads = threads;
    this.executor = executor;
  }

  /** Threads that work on one operation, the caller's among them. */
  public int threads() {
    return threads;
  }

  /**
   * Calls {@code body.run(i)} once for every {@code 0 <= i < chunks} and returns when all are done.
   * If a call throws, the chunks not yet claimed are dropped and the first exception is thrown
   * here.
   */
  public void run(long chunks, Body body) {
    if (chunks <= 1 || threads == 1) {
      for (long i = 0; i < chunks; i++) {
        body.run(i);
      }
    } else if (executor != null) {
      runOnExecutor(chunks, body);
    } else if (!closed && busy.compareAndSet(false, true)) {
      try {
        startPool();
        shared.open(chunks, body);
        for (Thread thread : pool) {
          LockSupport.unpark(thread);
        }
        shared.workAndWait();
      } finally {
        busy.set(false);
      }
    } else {
      for (long i = 0; i < chunks; i++) {
        body.run(i);
      }
    }
  }

  private void runOnExecutor(long chunks, Body body) {
    Round round = new Round();
    round.open(chunks, body);
    Runnable share = () -> round.join(0);
    for (long i = Math.min(threads, chunks) - 1; i > 0; i--) {
      try {
        executor.execute(share);
      } catch (RuntimeException e) { // a full or closed executor: the caller's thread does the work
        break;
      }
    }
    round.workAndWait();
  }

  private void startPool() {
    if (pool == null) {
      Thread[] started = new Thread[threads - 1];
      for (int i = 0; i < started.length; i++) {
        started[i] =
            Thread.ofPlatform().daemon().name("weft-cpu-" + (i + 1)).unstarted(this::serve);
        started[i].start();
      }
      pool = started;
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
        for (Thread thread : pool) {
          LockSupport.unpark(thread);
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
