package dev.weft.cpu.nn;

import dev.weft.cpu.parallel.Spares;
import java.lang.foreign.MemorySegment;

/**
 * Softmax and its logarithm, forward and backward, row by row. Rows of any length go through a tile
 * part by part, as often as the formula needs them.
 */
final class SoftmaxTask<A> implements Task {
  /** What is done. */
  enum Pass {
    /** y = softmax(x). */
    SOFTMAX,
    /** y = ln softmax(x). */
    LOG_SOFTMAX,
    /** dz = y·(dy − Σ dy·y). */
    SOFTMAX_GRADIENT,
    /** dz = dy − eʸ·Σ dy. */
    LOG_SOFTMAX_GRADIENT
  }

  private final ArrayType<A> type;
  private final Rows<A> rows;
  private final Spares<A> tiles;
  private Pass pass;
  private MemorySegment x; // or the saved y
  private MemorySegment dy;
  private MemorySegment out;
  private long rowCount;
  private long columns;
  private long chunk;

  SoftmaxTask(ArrayType<A> type, Rows<A> rows, Spares<A> tiles) {
    this.type = type;
    this.rows = rows;
    this.tiles = tiles;
  }

  long prepare(
      Pass pass,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment out,
      long rowCount,
      long columns) {
    this.pass = pass;
    this.x = x;
    this.dy = dy;
    this.out = out;
    this.rowCount = rowCount;
    this.columns = columns;
    chunk = Math.max(1, MIN_CHUNK / 4 / Math.max(1, columns));
    return columns == 0 ? 0 : Math.ceilDiv(rowCount, chunk);
  }

  @Override
  public void run(long index) {
    A tile = tiles.take();
    A other = tiles.take();
    A lanes = tiles.take();
    try {
      long end = Math.min(rowCount, (index + 1) * chunk);
      for (long row = index * chunk; row < end; row++) {
        long at = row * columns;
        switch (pass) {
          case SOFTMAX -> softmax(at, tile, lanes);
          case LOG_SOFTMAX -> logSoftmax(at, tile, lanes);
          case SOFTMAX_GRADIENT -> softmaxGradient(at, tile, other, lanes);
          case LOG_SOFTMAX_GRADIENT -> logSoftmaxGradient(at, tile, other, lanes);
        }
      }
    } finally {
      tiles.give(tile);
      tiles.give(other);
      tiles.give(lanes);
    }
  }

  private void softmax(long at, A tile, A lanes) {
    double max = rows.max(x, at, columns, tile, lanes);
    double sum = rows.expSum(x, at, columns, max, out, at, tile, lanes);
    rows.scale(out, at, columns, tile, 1 / sum);
  }

  private void logSoftmax(long at, A tile, A lanes) {
    double max = rows.max(x, at, columns, tile, lanes);
    double sum = rows.expSum(x, at, columns, max, null, 0, tile, lanes);
    double log = rows.log(sum);
    for (long j = 0; j < columns; j += TILE) {
      int n = (int) Math.min(TILE, columns - j);
      type.load(x, at + j, tile, 0, n);
      type.subtract(tile, n, max);
      type.subtract(tile, n, log);
      type.store(tile, 0, out, at + j, n);
    }
  }

  private void softmaxGradient(long at, A y, A d, A lanes) {
    double dot = rows.dot(x, 0, dy, at, columns, y, d, lanes);
    for (long j = 0; j < columns; j += TILE) {
      int n = (int) Math.min(TILE, columns - j);
      type.load(x, at + j, y, 0, n);
      type.load(dy, at + j, d, 0, n);
      type.subtract(d, n, dot);
      type.multiply(d, y, n);
      type.store(d, 0, out, at + j, n);
    }
  }

  private void logSoftmaxGradient(long at, A y, A d, A lanes) {
    double sum = rows.sum(dy, 0, at, columns, d, y, lanes);
    for (long j = 0; j < columns; j += TILE) {
      int n = (int) Math.min(TILE, columns - j);
      type.load(x, at + j, y, 0, n);
      type.load(dy, at + j, d, 0, n);
      rows.exp(y, n, lanes);
      type.addScaled(d, -sum, y, n);
      type.store(d, 0, out, at + j, n);
    }
  }

  @Override
  public void clear() {
    x = null;
    dy = null;
    out = null;
  }
}
