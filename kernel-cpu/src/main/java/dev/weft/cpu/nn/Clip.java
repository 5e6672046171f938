package dev.weft.cpu.nn;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;

import dev.weft.DType;
import dev.weft.spi.NnEngine;
import java.lang.foreign.MemorySegment;

/**
 * How the gradients of a step are scaled so that their norm is at most a limit; reused from step to
 * step.
 *
 * <p>They are multiplied by limit/norm, rounded to their type. Where that factor is subnormal, or
 * where f64 does not hold the square of the norm, each is divided by the norm first, and the
 * quotient, at most 1, multiplied by the limit: then nothing overflows, and nothing is lost that
 * the result would hold.
 */
public final class Clip {
  private double factor = 1;
  private boolean dividing;
  private double unit;
  private double norm; // times unit
  private double limit;

  /**
   * Sets what a step needs.
   *
   * @param squares what {@link NnEngine#sumOfSquares} gave; null to scale nothing
   */
  void set(DType dtype, MemorySegment squares, double limit) {
    factor = 1;
    dividing = false;
    if (squares == null) {
      return;
    }
    this.limit = limit;
    unit = 1;
    double sum = sum(squares, 0);
    if (dtype == DType.F64) {
      if (sum > Double.MAX_VALUE) {
        unit = NnEngine.SHRINK;
        sum = sum(squares, 1);
      } else if (sum < NnEngine.LEAST_SQUARES) {
        unit = NnEngine.GROW;
        sum = sum(squares, 2);
      }
    }
    norm = Math.sqrt(sum);
    if (norm > limit * unit) {
      factor = limit / norm;
      double least = dtype == DType.F32 ? Float.MIN_NORMAL : Double.MIN_NORMAL;
      dividing = unit != 1 || factor < least;
    }
  }

  private static double sum(MemorySegment squares, long index) {
    return squares.get(JAVA_DOUBLE_UNALIGNED, Double.BYTES * index);
  }

  /** Scales the first {@code count} gradients. */
  void scale(float[] g, int count) {
    if (dividing) {
      for (int i = 0; i < count; i++) {
        g[i] = (float) (g[i] * unit / norm * limit);
      }
    } else if (factor != 1) {
      float f = (float) factor;
      for (int i = 0; i < count; i++) {
        g[i] *= f;
      }
    }
  }

  /** Scales the first {@code count} gradients. */
  void scale(double[] g, int count) {
    if (dividing) {
      for (int i = 0; i < count; i++) {
        g[i] = g[i] * unit / norm * limit;
      }
    } else if (factor != 1) {
      for (int i = 0; i < count; i++) {
        g[i] *= factor;
      }
    }
  }
}
