package dev.weft.cpu.nn;

import dev.weft.cpu.parallel.Spares;
import dev.weft.nn.Labels;
import java.lang.foreign.MemorySegment;

/**
 * Softmax cross-entropy and its gradient, row by row: {@code (Σq)·ln Σe − Σ q·(x − max)}, e = exp(x
 * − max), and {@code (e·Σq/Σe − q)/B}.
 */
final class CrossEntropyTask<A> extends SumTask {
  private final ArrayType<A> type;
  private final Rows<A> rows;
  private final Spares<A> tiles;
  private MemorySegment x;
  private Labels labels;
  private MemorySegment target;
  private MemorySegment gradient;
  private double smoothing;
  private long batch;
  private long columns;

  CrossEntropyTask(ArrayType<A> type, Rows<A> rows, Spares<A> tiles) {
    this.type = type;
    this.rows = rows;
    this.tiles = tiles;
  }

  long prepare(
      MemorySegment x,
      Labels labels,
      MemorySegment target,
      MemorySegment gradient,
      double smoothing,
      long batch,
      long columns) {
    this.x = x;
    this.labels = labels;
    this.target = target;
    this.gradient = gradient;
    this.smoothing = smoothing;
    this.batch = batch;
    this.columns = columns;
    return cut(columns == 0 ? 0 : batch, Math.max(1, MIN_CHUNK / 4 / Math.max(1, columns)));
  }

  @Override
  double sum(long from, long end) {
    A tile = tiles.take();
    A other = tiles.take();
    A lanes = tiles.take();
    try {
      double sum = 0;
      for (long row = from; row < end; row++) {
        sum += row(row, tile, other, lanes);
      }
      return sum;
    } finally {
      tiles.give(tile);
      tiles.give(other);
      tiles.give(lanes);
    }
  }

  private double row(long row, A tile, A other, A lanes) {
    long at = row * columns;
    double max = rows.max(x, at, columns, tile, lanes);
    double hit; // Σ q·(x − max) of the target
    double mass; // its Σ q
    if (labels != null) {
      type.load(x, at + labels.get(row), tile, 0, 1);
      hit = type.get(tile, 0) - max;
      mass = 1;
    } else {
      hit = rows.dot(x, max, target, at, columns, tile, other, lanes);
      mass = rows.sum(target, 0, at, columns, tile, other, lanes);
    }
    double keep = 1 - smoothing;
    double spread = smoothing / columns;
    hit *= keep;
    mass = keep * mass + smoothing;
    if (smoothing > 0) {
      hit += spread * rows.sum(x, max, at, columns, tile, other, lanes);
    }
    if (!(Math.abs(hit) <= Double.MAX_VALUE)) {
      hit = carefulHit(row, at, max, keep, spread, tile, other);
    }
    double sum = rows.expSum(x, at, columns, max, gradient, at, tile, lanes);
    if (gradient != null) {
      gradient(row, at, mass / (sum * batch), keep / batch, spread / batch, tile, other);
    }
    return mass * rows.log(sum) - hit;
  }

  /**
   * Σ (keep·q + spread)·(x − max) once more, where it is not finite: 0·∞ is 0, and halves of finite
   * numbers do not overflow in f64.
   */
  private double carefulHit(
      long row, long at, double max, double keep, double spread, A tile, A other) {
    double sum = 0;
    for (long j = 0; j < columns; j += TILE) {
      int n = (int) Math.min(TILE, columns - j);
      type.load(x, at + j, tile, 0, n);
      if (labels == null) {
        type.load(target, at + j, other, 0, n);
      }
      for (int i = 0; i < n; i++) {
        double q = labels == null ? type.get(other, i) : labels.get(row) == j + i ? 1 : 0;
        double weight = Math.fma(keep, q, spread);
        if (weight != 0) {
          sum = Math.fma(weight, 0.5 * type.get(tile, i) - 0.5 * max, sum);
        }
      }
    }
    return 2 * sum;
  }

  /** {@code g = g·factor − spread − keep·target}. */
  private void gradient(
      long row, long at, double factor, double keep, double spread, A tile, A other) {
    for (long j = 0; j < columns; j += TILE) {
      int n = (int) Math.min(TILE, columns - j);
      type.load(gradient, at + j, tile, 0, n);
      rows.scale(tile, n, factor);
      if (spread > 0) {
        type.subtract(tile, n, spread);
      }
      if (labels == null) {
        type.load(target, at + j, other, 0, n);
        type.addScaled(tile, -keep, other, n);
      } else {
        long label = labels.get(row) - j;
        if (label >= 0 && label < n) {
          type.set(tile, (int) label, type.get(tile, (int) label) - keep);
        }
      }
      type.store(tile, 0, gradient, at + j, n);
    }
  }

  @Override
  public void clear() {
    x = null;
    labels = null;
    target = null;
    gradient = null;
  }
}
