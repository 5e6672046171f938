package dev.weft.testkit;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/**
 * A deadline in processor time of the thread that sets it, which keeps running: on a busy machine
 * the thread, and the compiler beside it, get as much work done before it ends as on a quiet one.
 */
public final class Patience {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final long end;

  private Patience(long end) {
    this.end = end;
  }

  /** Ends after so many nanoseconds. */
  public static Patience ofNanos(long nanos) {
    return new Patience(now() + nanos);
  }

  /** Ends after so many seconds. */
  public static Patience ofSeconds(long seconds) {
    return ofNanos(seconds * 1_000_000_000L);
  }

  /** Whether it has not ended. */
  public boolean lasts() {
    return now() - end < 0;
  }

  /** Processor time of this thread in nanoseconds. */
  public static long now() {
    return THREADS.getCurrentThreadCpuTime();
  }

  /**
   * By how much other load stretches time now: what passes by the clock while this thread works for
   * a tenth of a second, in tenths of a second; 1 on a quiet machine.
   */
  public static double stretch() {
    long work = 100_000_000;
    long begin = System.nanoTime();
    Patience patience = ofNanos(work);
    while (patience.lasts()) {
      Thread.onSpinWait();
    }
    return Math.max(1, (System.nanoTime() - begin) / (double) work);
  }
}
