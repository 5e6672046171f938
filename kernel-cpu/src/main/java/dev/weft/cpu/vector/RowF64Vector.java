package dev.weft.cpu.vector;

import static jdk.incubator.vector.VectorOperators.GT;

import dev.weft.cpu.nn.RowKernel;
import dev.weft.cpu.scalar.RowF64;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** {@link RowF64} in vectors, with the same bits. */
final class RowF64Vector implements RowKernel<double[]> {
  private static final VectorShape SHAPE = VectorWidth.shape(MethodHandles.lookup());
  private static final VectorSpecies<Double> D = VectorSpecies.of(double.class, SHAPE);
  private static final int V = D.length();

  /** For {@link Exact}. */
  private static final Class<?> DOUBLES = DoubleVector.zero(D).getClass();

  private static final Class<?> LONGS =
      LongVector.zero(VectorSpecies.of(long.class, SHAPE)).getClass();

  /** Made by {@link VectorWidth#load}. */
  RowF64Vector() {}

  /** Elements in whole groups of lanes. */
  private static int whole(int count) {
    return count - count % LANES;
  }

  @Override
  @Exact
  public void max(double[] x, int at, int count, double[] lanes) {
    int whole = whole(count);
    for (int lane = 0; lane < LANES; lane += V) {
      DoubleVector most = DoubleVector.fromArray(D, lanes, lane);
      for (int i = lane; i < whole; i += LANES) {
        DoubleVector value = DoubleVector.fromArray(D, x, at + i);
        most = most.blend(value, value.compare(GT, most));
      }
      most.intoArray(lanes, lane);
    }
    RowF64.max(x, at, whole, count, lanes);
  }

  @Override
  @Exact
  public void expSum(double[] x, int at, int count, double shift, double[] lanes) {
    DoubleVector s = DoubleVector.broadcast(D, shift);
    int whole = whole(count);
    for (int lane = 0; lane < LANES; lane += V) {
      DoubleVector sum = DoubleVector.fromArray(D, lanes, lane);
      for (int i = lane; i < whole; i += LANES) {
        DoubleVector e = MathF64Vector.exp(D, DoubleVector.fromArray(D, x, at + i).sub(s));
        e.intoArray(x, at + i);
        sum = sum.add(e);
      }
      sum.intoArray(lanes, lane);
    }
    RowF64.expSum(x, at, whole, count, shift, lanes);
  }

  @Override
  @Exact
  public void scale(double[] x, int at, int count, double factor) {
    DoubleVector f = DoubleVector.broadcast(D, factor);
    int whole = whole(count);
    for (int i = at; i < at + whole; i += V) {
      DoubleVector.fromArray(D, x, i).mul(f).intoArray(x, i);
    }
    RowF64.scale(x, at, whole, count, factor);
  }

  @Override
  @Exact
  public void dot(double[] x, double[] y, int count, double[] lanes) {
    int whole = whole(count);
    for (int lane = 0; lane < LANES; lane += V) {
      DoubleVector sum = DoubleVector.fromArray(D, lanes, lane);
      for (int i = lane; i < whole; i += LANES) {
        sum = DoubleVector.fromArray(D, x, i).fma(DoubleVector.fromArray(D, y, i), sum);
      }
      sum.intoArray(lanes, lane);
    }
    RowF64.dot(x, y, whole, count, lanes);
  }
}
