package dev.weft.cpu.nn;

import dev.weft.cpu.scalar.MathF32;

/** Temporary. */
public final class TmpRows {
  private TmpRows() {}

  /** F32. */
  public static final class F32 implements RowKernel<float[]> {
    @Override
    public void max(float[] x, int at, int count, float[] lanes) {
      for (int i = 0; i < count; i++) {
        lanes[i % 16] = x[at + i] > lanes[i % 16] ? x[at + i] : lanes[i % 16];
      }
    }

    @Override
    public void expSum(float[] x, int at, int count, double shift, float[] lanes) {
      for (int i = 0; i < count; i++) {
        x[at + i] = MathF32.exp(x[at + i] - (float) shift);
        lanes[i % 16] += x[at + i];
      }
    }

    @Override
    public void scale(float[] x, int at, int count, double factor) {
      for (int i = 0; i < count; i++) {
        x[at + i] *= (float) factor;
      }
    }

    @Override
    public void dot(float[] x, float[] y, int count, float[] lanes) {
      for (int i = 0; i < count; i++) {
        lanes[i % 16] = Math.fma(x[i], y[i], lanes[i % 16]);
      }
    }
  }

  /** F64. */
  public static final class F64 implements RowKernel<double[]> {
    @Override
    public void max(double[] x, int at, int count, double[] lanes) {
      for (int i = 0; i < count; i++) {
        lanes[i % 16] = x[at + i] > lanes[i % 16] ? x[at + i] : lanes[i % 16];
      }
    }

    @Override
    public void expSum(double[] x, int at, int count, double shift, double[] lanes) {
      for (int i = 0; i < count; i++) {
        x[at + i] = Math.exp(x[at + i] - shift);
        lanes[i % 16] += x[at + i];
      }
    }

    @Override
    public void scale(double[] x, int at, int count, double factor) {
      for (int i = 0; i < count; i++) {
        x[at + i] *= factor;
      }
    }

    @Override
    public void dot(double[] x, double[] y, int count, double[] lanes) {
      for (int i = 0; i < count; i++) {
        lanes[i % 16] = Math.fma(x[i], y[i], lanes[i % 16]);
      }
    }
  }
}
