package dev.weft.cpu.nn;

/**
 * A loss in chunks of the batch, which the batch's shape alone cuts; their sums are added in order.
 */
abstract class LossTask implements Task {
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

  /** Does items {@code from} to {@code end − 1}; the sum of their losses. */
  abstract double sum(long from, long end);
}
