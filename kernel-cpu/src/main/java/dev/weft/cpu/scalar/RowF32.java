package dev.weft.cpu.scalar;

import dev.weft.cpu.nn.RowKernel;

/** {@link RowKernel} of F32: the definition of its bits. */
public final class RowF32 implements RowKernel<float[]> {
  @Override
  public void max(float[] x, int at, int count, float[] lanes) {
    max(x, at, 0, count, lanes);
  }

  @Override
  public void expSum(float[] x, int at, int count, double shift, float[] lanes) {
    expSum(x, at, 0, count, (float) shift, lanes);
  }

  @Override
  public void scale(float[] x, int at, int count, double factor) {
    scale(x, at, 0, count, (float) factor);
  }

  @Override
  public void dot(float[] x, float[] y, int count, float[] lanes) {
    dot(x, y, 0, count, lanes);
  }

  /** {@link #max(float[], int, int, float[])} of the elements {@code from <= i < count}. */
  public static void max(float[] x, int at, int from, int count, float[] lanes) {
    for (int i = from; i < count; i++) {
      float value = x[at + i];
      lanes[i % LANES] = value > lanes[i % LANES] ? value : lanes[i % LANES];
    }
  }

  /** The same for {@link #expSum(float[], int, int, double, float[])}. */
  public static void expSum(float[] x, int at, int from, int count, float shift, float[] lanes) {
    for (int i = from; i < count; i++) {
      x[at + i] = MathF32.exp(x[at + i] - shift);
      lanes[i % LANES] += x[at + i];
    }
  }

  /** The same for {@link #scale(float[], int, int, double)}. */
  public static void scale(float[] x, int at, int from, int count, float factor) {
    for (int i = from; i < count; i++) {
      x[at + i] *= factor;
    }
  }

  /** The same for {@link #dot(float[], float[], int, float[])}. */
  public static void dot(float[] x, float[] y, int from, int count, float[] lanes) {
    for (int i = from; i < count; i++) {
      lanes[i % LANES] = Math.fma(x[i], y[i], lanes[i % LANES]);
    }
  }
}
