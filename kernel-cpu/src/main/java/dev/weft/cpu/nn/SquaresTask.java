package dev.weft.cpu.nn;

import dev.weft.cpu.parallel.Spares;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Σ x² in f64: chunks whose length depends on the count alone, each in 8 lanes, then in order. */
final class SquaresTask<A> implements Task {
  private static final int MOST_CHUNKS = 4096;
  private static final int LANES = 8;

  private final ArrayType<A> type;
  private final Spares<A> tiles;
  private final Spares<double[]> doubles;
  private final double[] sums = new double[MOST_CHUNKS];
  private MemorySegment x;
  private long count;
  private long chunk;

  SquaresTask(ArrayType<A> type, Spares<A> tiles, Spares<double[]> doubles) {
    this.type = type;
    this.tiles = tiles;
    this.doubles = doubles;
  }

  long prepare(MemorySegment x, long count) {
    this.x = x;
    this.count = count;
    chunk = Math.max(MIN_CHUNK, Math.ceilDiv(Math.ceilDiv(count, MOST_CHUNKS), TILE) * TILE);
    return Math.ceilDiv(count, chunk);
  }

  /** The sum, once all chunks are done. */
  double sum() {
    double sum = 0;
    for (int i = 0; i < Math.ceilDiv(count, chunk); i++) {
      sum += sums[i];
    }
    return sum;
  }

  @Override
  public void run(long index) {
    long end = Math.min(count, (index + 1) * chunk);
    A tile = tiles.take();
    double[] wide = doubles.take();
    double[] lanes = doubles.take();
    try {
      Arrays.fill(lanes, 0, LANES, 0);
      for (long at = index * chunk; at < end; at += TILE) {
        int n = (int) Math.min(TILE, end - at);
        type.load(x, at, tile, 0, n);
        type.widen(tile, wide, n);
        Arrays.fill(wide, n, Math.ceilDiv(n, LANES) * LANES, 0);
        for (int i = 0; i < n; i += LANES) {
          for (int l = 0; l < LANES; l++) {
            lanes[l] = Math.fma(wide[i + l], wide[i + l], lanes[l]);
          }
        }
      }
      double sum = 0;
      for (int l = 0; l < LANES; l++) {
        sum += lanes[l];
      }
      sums[(int) index] = sum;
    } finally {
      tiles.give(tile);
      doubles.give(wide);
      doubles.give(lanes);
    }
  }

  @Override
  public void clear() {
    x = null;
  }
}
