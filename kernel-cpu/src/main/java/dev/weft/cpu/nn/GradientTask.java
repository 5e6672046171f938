package dev.weft.cpu.nn;

import dev.weft.cpu.dense.Gemm;
import dev.weft.cpu.parallel.Spares;
import java.lang.foreign.MemorySegment;

/**
 * {@code dz = dy·f'(z)} and the sums of dz's columns. Where they are wanted, a chunk is a strip of
 * columns through all rows, so that each sum is one thread's, in the order of a matrix product: for
 * each {@link Gemm#KC} rows a sum that begins with 0, added to those before.
 */
final class GradientTask<A> implements Task {
  /** Columns of a strip: whole cache lines. */
  private static final int MIN_STRIP = 64;

  private static final int MAX_STRIP = TILE / 2;

  private final ArrayType<A> type;
  private final Spares<A> tiles;
  private ActivationKernel<A> f;
  private double alpha;
  private MemorySegment saved;
  private MemorySegment dy;
  private MemorySegment dz;
  private MemorySegment db;
  private boolean accumulate;
  private long rows;
  private long columns;
  private int strip;

  GradientTask(ArrayType<A> type, Spares<A> tiles) {
    this.type = type;
    this.tiles = tiles;
  }

  /**
   * Prepares one.
   *
   * @param f null for a derivative of 1
   * @param db null if no sums are wanted
   */
  long prepare(
      ActivationKernel<A> f,
      double alpha,
      MemorySegment saved,
      MemorySegment dy,
      MemorySegment dz,
      MemorySegment db,
      boolean accumulate,
      long rows,
      long columns,
      int threads) {
    this.f = f;
    this.alpha = alpha;
    this.saved = saved;
    this.dy = dy;
    this.dz = dz;
    this.db = db;
    this.accumulate = accumulate;
    this.rows = rows;
    this.columns = columns;
    if (db == null) {
      return Math.ceilDiv(rows * columns, MIN_CHUNK);
    }
    int wanted = rows * columns < MIN_CHUNK ? 1 : threads; // a strip's width changes no bit
    long fair = Math.ceilDiv(Math.ceilDiv(columns, wanted), 16) * 16;
    strip = Math.clamp(fair, MIN_STRIP, MAX_STRIP);
    return Math.ceilDiv(columns, strip);
  }

  @Override
  public void run(long index) {
    A values = tiles.take();
    A gradient = tiles.take();
    A sums = tiles.take(); // of the block in the first half, of all before in the second
    try {
      if (db == null) {
        elements(index, values, gradient);
      } else {
        strip(index * strip, values, gradient, sums);
      }
    } finally {
      tiles.give(values);
      tiles.give(gradient);
      tiles.give(sums);
    }
  }

  private void elements(long index, A values, A gradient) {
    long end = Math.min(rows * columns, (index + 1) * MIN_CHUNK);
    for (long at = index * MIN_CHUNK; at < end; at += TILE) {
      part(at, (int) Math.min(TILE, end - at), values, gradient);
    }
  }

  private void strip(long first, A values, A gradient, A sums) {
    int n = (int) Math.min(strip, columns - first);
    boolean summed = accumulate;
    if (accumulate) {
      type.load(db, first, sums, MAX_STRIP, n);
    }
    for (long row = 0; row < rows; row += Gemm.KC) {
      type.fill(sums, 0, n, 0);
      long end = Math.min(rows, row + Gemm.KC);
      for (long i = row; i < end; i++) {
        part(i * columns + first, n, values, gradient);
        type.add(sums, 0, gradient, 0, n);
      }
      if (summed) {
        type.add(sums, MAX_STRIP, sums, 0, n);
      } else {
        copy(sums, n);
        summed = true;
      }
    }
    if (!summed) {
      type.fill(sums, MAX_STRIP, MAX_STRIP + n, 0);
    }
    type.store(sums, MAX_STRIP, db, first, n);
  }

  private void copy(A sums, int n) {
    System.arraycopy(sums, 0, sums, MAX_STRIP, n);
  }

  /** Part of a row, or of several: dz, also left in {@code gradient}. */
  private void part(long at, int n, A values, A gradient) {
    type.load(dy, at, gradient, 0, n);
    if (f != null) {
      type.load(saved, at, values, 0, n);
      f.backward(values, gradient, n, alpha);
      type.store(gradient, 0, dz, at, n);
    } else if (dz != dy) {
      type.store(gradient, 0, dz, at, n);
    }
  }

  @Override
  public void clear() {
    f = null;
    saved = null;
    dy = null;
    dz = null;
    db = null;
  }
}
