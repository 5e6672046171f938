package dev.weft.cpu.nn;

import java.util.Arrays;

/**
 * A sum in f64 by chunks that the count alone cuts: each is one thread's, and they are added in
 * order.
 */
abstract class SumTask implements Task {
  /** Partial sums of a chunk. */
  static final int LANES = 8;

  private static final int MOST_CHUNKS = 4096;

  private final double[] sums = new double[MOST_CHUNKS];
  private long count;
  private long chunk;

  /**
   * Cuts {@code count} items.
   *
   * @param least items of a chunk at least
   * @return the number of chunks
   */
  final long cut(long count, long least) {
    this.count = count;
    chunk = Math.max(least, Math.ceilDiv(count, MOST_CHUNKS));
    return Math.ceilDiv(count, chunk);
  }

  /** The sum, once all chunks are done. */
  final double sum() {
    double sum = 0;
    for (int i = 0; i < Math.ceilDiv(count, chunk); i++) {
      sum += sums[i];
    }
    return sum;
  }

  @Override
  public final void run(long index) {
    sums[(int) index] = sum(index * chunk, Math.min(count, (index + 1) * chunk));
  }

  /** The sum of items {@code from} to {@code end − 1}. */
  abstract double sum(long from, long end);

  /** {@code lanes[l] += x[i]}, i ≡ l (mod {@link #LANES}); what is beyond count is overwritten. */
  static void add(double[] x, int count, double[] lanes) {
    Arrays.fill(x, count, Math.ceilDiv(count, LANES) * LANES, 0);
    for (int i = 0; i < count; i += LANES) {
      for (int l = 0; l < LANES; l++) {
        lanes[l] += x[i + l];
      }
    }
  }

  /** The sum of the lanes, in order. */
  static double total(double[] lanes) {
    double sum = 0;
    for (int l = 0; l < LANES; l++) {
      sum += lanes[l];
    }
    return sum;
  }
}
