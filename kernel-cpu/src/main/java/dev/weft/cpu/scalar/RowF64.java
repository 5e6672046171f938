package dev.weft.cpu.scalar;

import dev.weft.cpu.nn.RowKernel;

/** {@link RowKernel} of F64: the definition of its bits. */
public final class RowF64 implements RowKernel<double[]> {
  @Override
  public void max(double[] x, int at, int count, double[] lanes) {
    max(x, at, 0, count, lanes);
  }

  @Override
  public void expSum(double[] x, int at, int count, double shift, double[] lanes) {
    expSum(x, at, 0, count, shift, lanes);
  }

  @Override
  public void scale(double[] x, int at, int count, double factor) {
    scale(x, at, 0, count, factor);
  }

  @Override
  public void dot(double[] x, double[] y, int count, double[] lanes) {
    dot(x, y, 0, count, lanes);
  }

  /** {@link #max(double[], int, int, double[])} of the elements {@code from <= i < count}. */
  public static void max(double[] x, int at, int from, int count, double[] lanes) {
    for (int i = from; i < count; i++) {
      double value = x[at + i];
      lanes[i % LANES] = value > lanes[i % LANES] ? value : lanes[i % LANES];
    }
  }

  /** The same for {@link #expSum(double[], int, int, double, double[])}. */
  public static void expSum(double[] x, int at, int from, int count, double shift, double[] lanes) {
    for (int i = from; i < count; i++) {
      x[at + i] = MathF64.exp(x[at + i] - shift);
      lanes[i % LANES] += x[at + i];
    }
  }

  /** The same for {@link #scale(double[], int, int, double)}. */
  public static void scale(double[] x, int at, int from, int count, double factor) {
    for (int i = from; i < count; i++) {
      x[at + i] *= factor;
    }
  }

  /** The same for {@link #dot(double[], double[], int, double[])}. */
  public static void dot(double[] x, double[] y, int from, int count, double[] lanes) {
    for (int i = from; i < count; i++) {
      lanes[i % LANES] = Math.fma(x[i], y[i], lanes[i % LANES]);
    }
  }
}
