package dev.weft.cpu.nn;

import dev.weft.cpu.scalar.MathF64;
import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;

/**
 * Sums over rows in memory, part by part through a tile of {@link Task#TILE} elements. A sum is 16
 * lanes and a tree over them, whatever the vectors.
 */
final class Rows<A> {
  private static final int LANES = RowKernel.LANES;

  private final ArrayType<A> type;
  private final Supplier<RowKernel<A>> loader;
  private RowKernel<A> loaded; // when it is first needed; a race loads it twice

  Rows(ArrayType<A> type, Supplier<RowKernel<A>> loader) {
    this.type = type;
    this.loader = loader;
  }

  private RowKernel<A> kernel() {
    RowKernel<A> kernel = loaded;
    if (kernel == null) {
      kernel = loader.get();
      loaded = kernel;
    }
    return kernel;
  }

  /** The largest element; −∞ if all are NaN. */
  double max(MemorySegment x, long at, long count, A tile, A lanes) {
    type.fill(lanes, 0, LANES, Double.NEGATIVE_INFINITY);
    for (long j = 0; j < count; j += Task.TILE) {
      int n = (int) Math.min(Task.TILE, count - j);
      type.load(x, at + j, tile, 0, n);
      kernel().max(tile, 0, n, lanes);
    }
    double max = type.get(lanes, 0);
    for (int l = 1; l < LANES; l++) {
      double next = type.get(lanes, l);
      max = next > max ? next : max;
    }
    return max;
  }

  /**
   * The sum of exp(x − max), whose terms are written to {@code out}.
   *
   * @param out null if the terms are not needed
   */
  double expSum(
      MemorySegment x,
      long at,
      long count,
      double max,
      MemorySegment out,
      long outAt,
      A tile,
      A lanes) {
    type.fill(lanes, 0, LANES, 0);
    for (long j = 0; j < count; j += Task.TILE) {
      int n = (int) Math.min(Task.TILE, count - j);
      type.load(x, at + j, tile, 0, n);
      kernel().expSum(tile, 0, n, max, lanes);
      if (out != null) {
        type.store(tile, 0, out, outAt + j, n);
      }
    }
    return tree(lanes);
  }

  /** Multiplies a row by {@code factor}, rounded to the type first. */
  void scale(MemorySegment x, long at, long count, A tile, double factor) {
    for (long j = 0; j < count; j += Task.TILE) {
      int n = (int) Math.min(Task.TILE, count - j);
      type.load(x, at + j, tile, 0, n);
      kernel().scale(tile, 0, n, factor);
      type.store(tile, 0, x, at + j, n);
    }
  }

  /** Σ (x − shift)·y. */
  double dot(
      MemorySegment x,
      double shift,
      MemorySegment y,
      long at,
      long count,
      A tile,
      A other,
      A lanes) {
    type.fill(lanes, 0, LANES, 0);
    for (long j = 0; j < count; j += Task.TILE) {
      int n = (int) Math.min(Task.TILE, count - j);
      type.load(x, at + j, tile, 0, n);
      type.subtract(tile, n, shift);
      type.load(y, at + j, other, 0, n);
      kernel().dot(tile, other, n, lanes);
    }
    return tree(lanes);
  }

  /** Σ (x − shift). */
  double sum(MemorySegment x, double shift, long at, long count, A tile, A ones, A lanes) {
    type.fill(lanes, 0, LANES, 0);
    type.fill(ones, 0, (int) Math.min(Task.TILE, count), 1);
    for (long j = 0; j < count; j += Task.TILE) {
      int n = (int) Math.min(Task.TILE, count - j);
      type.load(x, at + j, tile, 0, n);
      type.subtract(tile, n, shift);
      kernel().dot(tile, ones, n, lanes);
    }
    return tree(lanes);
  }

  /** {@code x[i] *= factor}, rounded to the type first. */
  void scale(A x, int count, double factor) {
    kernel().scale(x, 0, count, factor);
  }

  /** {@code x[i] = exp(x[i])}, x ≤ 0. */
  void exp(A x, int count, A lanes) {
    kernel().expSum(x, 0, count, 0, lanes);
  }

  /** ln x of a sum, in f64. */
  double log(double x) {
    return x > 0 && x <= Double.MAX_VALUE ? MathF64.log(x) : Double.NaN;
  }

  private double tree(A lanes) {
    for (int half = LANES / 2; half > 0; half /= 2) {
      type.add(lanes, 0, lanes, half, half);
    }
    return type.get(lanes, 0);
  }
}
