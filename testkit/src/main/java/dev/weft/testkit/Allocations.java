package dev.weft.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Measures what operations leave on the heap. */
public final class Allocations {
  /** Less than this per call is what measuring takes. */
  private static final int SMALLEST_OBJECT = 16;

  private static final long PATIENCE_NANOS = 20_000_000_000L;

  /** In a longer measurement some other thread of the JVM is likely to allocate. */
  private static final long LONG_NANOS = 50_000_000;

  private Allocations() {}

  /**
   * Fails unless a repeated call allocates nothing once it is compiled, for as long as the compiler
   * may take on a busy machine.
   *
   * @param calls of one measurement; fewer, but two, where they take long, since other threads of
   *     the JVM allocate as well
   */
  public static void assertNone(String what, int calls, Runnable call) {
    assertThat(perCall(calls, PATIENCE_NANOS, call))
        .as("%s: bytes per call", what)
        .isLessThan(SMALLEST_OBJECT);
  }

  /**
   * Heap bytes of all threads for one call: the least of many measurements, until it is none.
   *
   * @param patienceNanos processor time of this thread after which no measurement is begun
   */
  public static long perCall(int calls, long patienceNanos, Runnable call) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long least = Long.MAX_VALUE;
    Patience patience = Patience.ofNanos(patienceNanos);
    int count = calls;
    while (least >= SMALLEST_OBJECT && patience.lasts()) {
      long begin = System.nanoTime();
      long before = threads.getTotalThreadAllocatedBytes();
      for (int i = 0; i < count; i++) {
        call.run();
      }
      least = Math.min(least, (threads.getTotalThreadAllocatedBytes() - before) / count);
      if (System.nanoTime() - begin > LONG_NANOS) {
        count = Math.min(count, Math.max(2, count / 2));
      }
    }
    return least;
  }
}
