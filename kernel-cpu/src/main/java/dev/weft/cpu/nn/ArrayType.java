package dev.weft.cpu.nn;

import dev.weft.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Java arrays of one element type, and their way from and to memory. The compiler makes vectors of
 * these loops, with the same bits.
 *
 * @param <A> {@code float[]} for F32, {@code double[]} for F64
 */
public interface ArrayType<A> {
  /** {@code float[]}. */
  ArrayType<float[]> F32 = new OfFloat();

  /** {@code double[]}. */
  ArrayType<double[]> F64 = new OfDouble();

  /** The element type. */
  DType dtype();

  /** A new array of zeros. */
  A array(int length);

  /** {@code out[to + i] = x[at + i]}, {@code 0 <= i < count}; {@code at} in elements. */
  void load(MemorySegment x, long at, A out, int to, int count);

  /** {@code x[at + i] = in[from + i]}. */
  void store(A in, int from, MemorySegment x, long at, int count);

  /** {@code x[at + i] += y[from + i]}. */
  void add(A x, int at, A y, int from, int count);

  /** {@code x[i] -= value}, rounded to the type first. */
  void subtract(A x, int count, double value);

  /** {@code x[i] *= y[i]}. */
  void multiply(A x, A y, int count);

  /** {@code x[i] = fma(factor, y[i], x[i])}; factor is rounded to the type first. */
  void addScaled(A x, double factor, A y, int count);

  /** Sets elements {@code from} to {@code to - 1} to {@code value}, rounded. */
  void fill(A x, int from, int to, double value);

  /** Element {@code i}. */
  double get(A x, int i);

  /** Sets element {@code i} to {@code value}, rounded once. */
  void set(A x, int i, double value);

  /** {@code out[i] = x[i]}, exact. */
  void widen(A x, double[] out, int count);

  /** {@code out[i] = x[i]}, rounded once. */
  void narrow(double[] x, A out, int count);

  /** {@link ArrayType#F32}. */
  final class OfFloat implements ArrayType<float[]> {
    private OfFloat() {}

    @Override
    public DType dtype() {
      return DType.F32;
    }

    @Override
    public float[] array(int length) {
      return new float[length];
    }

    @Override
    public void load(MemorySegment x, long at, float[] out, int to, int count) {
      MemorySegment.copy(x, ValueLayout.JAVA_FLOAT_UNALIGNED, at * Float.BYTES, out, to, count);
    }

    @Override
    public void store(float[] in, int from, MemorySegment x, long at, int count) {
      MemorySegment.copy(in, from, x, ValueLayout.JAVA_FLOAT_UNALIGNED, at * Float.BYTES, count);
    }

    @Override
    public void add(float[] x, int at, float[] y, int from, int count) {
      for (int i = 0; i < count; i++) {
        x[at + i] += y[from + i];
      }
    }

    @Override
    public void subtract(float[] x, int count, double value) {
      float v = (float) value;
      for (int i = 0; i < count; i++) {
        x[i] -= v;
      }
    }

    @Override
    public void multiply(float[] x, float[] y, int count) {
      for (int i = 0; i < count; i++) {
        x[i] *= y[i];
      }
    }

    @Override
    public void addScaled(float[] x, double factor, float[] y, int count) {
      float f = (float) factor;
      for (int i = 0; i < count; i++) {
        x[i] = Math.fma(f, y[i], x[i]);
      }
    }

    @Override
    public void fill(float[] x, int from, int to, double value) {
      Arrays.fill(x, from, to, (float) value);
    }

    @Override
    public double get(float[] x, int i) {
      return x[i];
    }

    @Override
    public void set(float[] x, int i, double value) {
      x[i] = (float) value;
    }

    @Override
    public void widen(float[] x, double[] out, int count) {
      for (int i = 0; i < count; i++) {
        out[i] = x[i];
      }
    }

    @Override
    public void narrow(double[] x, float[] out, int count) {
      for (int i = 0; i < count; i++) {
        out[i] = (float) x[i];
      }
    }
  }

  /** {@link ArrayType#F64}. */
  final class OfDouble implements ArrayType<double[]> {
    private OfDouble() {}

    @Override
    public DType dtype() {
      return DType.F64;
    }

    @Override
    public double[] array(int length) {
      return new double[length];
    }

    @Override
    public void load(MemorySegment x, long at, double[] out, int to, int count) {
      MemorySegment.copy(x, ValueLayout.JAVA_DOUBLE_UNALIGNED, at * Double.BYTES, out, to, count);
    }

    @Override
    public void store(double[] in, int from, MemorySegment x, long at, int count) {
      MemorySegment.copy(in, from, x, ValueLayout.JAVA_DOUBLE_UNALIGNED, at * Double.BYTES, count);
    }

    @Override
    public void add(double[] x, int at, double[] y, int from, int count) {
      for (int i = 0; i < count; i++) {
        x[at + i] += y[from + i];
      }
    }

    @Override
    public void subtract(double[] x, int count, double value) {
      double v = value;
      for (int i = 0; i < count; i++) {
        x[i] -= v;
      }
    }

    @Override
    public void multiply(double[] x, double[] y, int count) {
      for (int i = 0; i < count; i++) {
        x[i] *= y[i];
      }
    }

    @Override
    public void addScaled(double[] x, double factor, double[] y, int count) {
      double f = factor;
      for (int i = 0; i < count; i++) {
        x[i] = Math.fma(f, y[i], x[i]);
      }
    }

    @Override
    public void fill(double[] x, int from, int to, double value) {
      Arrays.fill(x, from, to, value);
    }

    @Override
    public double get(double[] x, int i) {
      return x[i];
    }

    @Override
    public void set(double[] x, int i, double value) {
      x[i] = value;
    }

    @Override
    public void widen(double[] x, double[] out, int count) {
      System.arraycopy(x, 0, out, 0, count);
    }

    @Override
    public void narrow(double[] x, double[] out, int count) {
      System.arraycopy(x, 0, out, 0, count);
    }
  }
}
