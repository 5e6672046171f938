package dev.weft.bench;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CountDownLatch;

/**
 * The rate at which plain stores can fill a piece of memory: no fill can be faster. Each thread
 * stores one value over its own contiguous share, again and again, for a given time; nothing but
 * the beginning is synchronised.
 */
final class StoreRoof {
  private static final long ALIGNMENT = 4096;

  private StoreRoof() {}

  /** A loop over a thread's own share of the memory. */
  @FunctionalInterface
  interface Pass {
    void over(MemorySegment share);
  }

  /**
   * Bytes per second that {@code threads} threads store together into {@code memory}.
   *
   * @param nanos how long to store; at least one pass is made
   */
  static double bytesPerSecond(MemorySegment memory, int threads, long nanos) {
    return bytesPerSecond(memory, threads, nanos, StoreRoof::store);
  }

  /** As {@link #bytesPerSecond(MemorySegment, int, long)} for another loop than plain stores. */
  static double bytesPerSecond(MemorySegment memory, int threads, long nanos, Pass pass) {
    if (threads == 1) {
      return rate(memory, nanos, pass);
    }
    long share = memory.byteSize() / threads / ALIGNMENT * ALIGNMENT;
    if (share == 0) {
      throw new IllegalArgumentException(
          "roof: need a page for every thread, got bytes=" + memory.byteSize());
    }
    double[] rates = new double[threads];
    CountDownLatch ready = new CountDownLatch(threads);
    Thread[] team = new Thread[threads];
    for (int t = 0; t < threads; t++) {
      int me = t;
      team[t] =
          new Thread(
              () -> {
                MemorySegment mine = memory.asSlice(me * share, share);
                ready.countDown();
                while (ready.getCount() > 0) {
                  Thread.onSpinWait();
                }
                rates[me] = rate(mine, nanos, pass);
              },
              "store-roof-" + t);
      team[t].start();
    }
    double sum = 0;
    for (int t = 0; t < threads; t++) {
      try {
        team[t].join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("roof: need an undisturbed measurement", e);
      }
      sum += rates[t];
    }
    return sum;
  }

  private static double rate(MemorySegment memory, long nanos, Pass pass) {
    // The clock is read once for about 1 MiB, so that it costs nothing beside a small memory.
    long passes = Math.max(1, (1 << 20) / memory.byteSize());
    long done = 0;
    long start = System.nanoTime();
    long now;
    do {
      for (long p = 0; p < passes; p++) {
        pass.over(memory);
      }
      done += passes;
      now = System.nanoTime();
    } while (now - start < nanos);
    return (double) done * memory.byteSize() / (now - start) * 1e9;
  }

  /** Becomes a loop of whole-vector stores. */
  private static void store(MemorySegment memory) {
    long count = memory.byteSize() / Float.BYTES;
    for (long i = 0; i < count; i++) {
      memory.set(ValueLayout.JAVA_FLOAT_UNALIGNED, i * Float.BYTES, 0.5f);
    }
  }
}
