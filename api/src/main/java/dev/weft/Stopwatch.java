package dev.weft;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What a calibration measures time by; tests have one of their own. */
interface Stopwatch {
  /** Nanoseconds since some moment. */
  long nanos();

  /** Time of processors that this process has taken; 0 where the platform does not tell. */
  long processNanos();

  /** Does nothing for a while. */
  void pause(long millis);

  /**
   * The share of all processors that this process gets when it wants all: 1 where it is alone, less
   * where others run. It takes {@code millis} to find out.
   */
  double share(long millis);

  /** The clock of this machine. */
  Stopwatch REAL =
      new Stopwatch() {
        @Override
        public long nanos() {
          return System.nanoTime();
        }

        @Override
        public long processNanos() {
          return ProcessHandle.current()
              .info()
              .totalCpuDuration()
              .map(Duration::toNanos)
              .orElse(0L);
        }

        @Override
        public void pause(long millis) {
          try {
            Thread.sleep(millis);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // and measure what there is
          }
        }

        @Override
        public double share(long millis) {
          int processors = Runtime.getRuntime().availableProcessors();
          long before = processNanos();
          long begin = nanos();
          List<Thread> threads = new ArrayList<>();
          try {
            while (threads.size() < processors) {
              threads.add(Thread.ofPlatform().daemon().start(() -> spin(begin, millis)));
            }
          } catch (OutOfMemoryError e) {
            processors = Math.max(1, threads.size()); // as many as the system has threads for
          }
          for (Thread thread : threads) {
            try {
              thread.join();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt(); // the others end soon
            }
          }
          double taken = processNanos() - before;
          return before == 0 ? 1 : taken / ((double) processors * (nanos() - begin));
        }

        private void spin(long begin, long millis) {
          while (nanos() - begin < millis * 1_000_000) {
            Thread.onSpinWait();
          }
        }
      };
}
