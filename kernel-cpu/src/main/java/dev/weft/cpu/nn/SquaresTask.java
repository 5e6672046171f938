package dev.weft.cpu.nn;

import dev.weft.cpu.parallel.Spares;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Σ (x·unit)² in f64; unit is a power of two. */
final class SquaresTask<A> extends SumTask {
  private final ArrayType<A> type;
  private final Spares<A> tiles;
  private final Spares<double[]> doubles;
  private MemorySegment x;
  private double unit;

  SquaresTask(ArrayType<A> type, Spares<A> tiles, Spares<double[]> doubles) {
    this.type = type;
    this.tiles = tiles;
    this.doubles = doubles;
  }

  long prepare(MemorySegment x, long count, double unit) {
    this.x = x;
    this.unit = unit;
    return cut(count, MIN_CHUNK);
  }

  @Override
  double sum(long from, long end) {
    A tile = tiles.take();
    double[] squares = doubles.take();
    double[] lanes = doubles.take();
    try {
      Arrays.fill(lanes, 0, LANES, 0);
      for (long at = from; at < end; at += TILE) {
        int n = (int) Math.min(TILE, end - at);
        type.load(x, at, tile, 0, n);
        type.widen(tile, squares, n);
        for (int i = 0; i < n; i++) {
          double value = squares[i] * unit;
          squares[i] = value * value;
        }
        add(squares, n, lanes);
      }
      return total(lanes);
    } finally {
      tiles.give(tile);
      doubles.give(squares);
      doubles.give(lanes);
    }
  }

  @Override
  public void clear() {
    x = null;
  }
}
