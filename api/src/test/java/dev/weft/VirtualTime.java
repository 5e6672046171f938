package dev.weft;

/** A stopwatch of a machine that is as busy as a test wants; nobody waits for it. */
final class VirtualTime implements Stopwatch {
  private double nanos = 1;
  double share = 1;
  double processShare; // of the processors, while the measuring thread pauses

  /** Lets time pass. */
  void pass(double seconds) {
    nanos += 1e9 * seconds;
  }

  double seconds() {
    return nanos * 1e-9;
  }

  /** Looking at it takes three microseconds. */
  @Override
  public long nanos() {
    nanos += 3000;
    return (long) nanos;
  }

  @Override
  public long processNanos() {
    return (long) (processShare * nanos);
  }

  @Override
  public void pause(long millis) {
    pass(1e-3 * millis);
  }

  @Override
  public double share(long millis) {
    pause(millis);
    return share;
  }
}
