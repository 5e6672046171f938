package dev.weft.cli;

import dev.weft.internal.Checks;
import java.util.Locale;
import java.util.function.LongSupplier;

/** A progress bar on standard error; silent unless a person watches and the work takes a while. */
final class ProgressBar implements AutoCloseable {
  private static final int WIDTH = 32;
  private static final long FIRST_NANOS = 300_000_000;
  private static final long EVERY_NANOS = 100_000_000;

  private final Streams streams;
  private final String what;
  private final long totalBytes;
  private final LongSupplier clock;
  private final long begin;
  private long next;
  private boolean shown;

  ProgressBar(Streams streams, String what, long totalBytes) {
    this(streams, what, totalBytes, System::nanoTime);
  }

  /** With a clock in nanoseconds. */
  ProgressBar(Streams streams, String what, long totalBytes, LongSupplier clock) {
    this.streams = streams;
    this.what = Checks.cut(Printable.line(what), WIDTH); // a model's name
    this.totalBytes = Math.max(1, totalBytes);
    this.clock = clock;
    begin = clock.getAsLong();
    next = begin + FIRST_NANOS;
  }

  /** Tells how many bytes are done. */
  void at(long bytes) {
    long now = clock.getAsLong();
    if (streams.terminal() && now - next >= 0) {
      next = now + EVERY_NANOS;
      shown = true;
      double part = Math.min(1, (double) bytes / totalBytes);
      int full = (int) (part * WIDTH);
      double rate = bytes / Math.max(1.0, now - begin);
      String bar = "=".repeat(full) + " ".repeat(WIDTH - full);
      streams
          .err()
          .printf(Locale.ROOT, "\r%s [%s] %3.0f %% %.2f GB/s", what, bar, 100 * part, rate);
      streams.err().flush();
    }
  }

  /** Takes the bar away. */
  void clear() {
    if (shown) {
      shown = false;
      streams.err().print("\r" + " ".repeat(what.length() + WIDTH + 24) + "\r");
      streams.err().flush();
    }
  }

  @Override
  public void close() {
    clear();
  }
}
