package dev.weft.cpu.vector;

import static jdk.incubator.vector.VectorOperators.GT;

import dev.weft.cpu.nn.RowKernel;
import dev.weft.cpu.scalar.RowF32;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** {@link RowF32} in vectors, with the same bits. */
final class RowF32Vector implements RowKernel<float[]> {
  private static final VectorShape SHAPE = VectorWidth.shape(MethodHandles.lookup());
  private static final VectorSpecies<Float> F = VectorSpecies.of(float.class, SHAPE);
  private static final int V = F.length();

  /** For {@link Exact}. */
  private static final Class<?> FLOATS = FloatVector.zero(F).getClass();

  private static final Class<?> INTS =
      IntVector.zero(VectorSpecies.of(int.class, SHAPE)).getClass();

  /** Made by {@link VectorWidth#load}. */
  RowF32Vector() {}

  /** Elements in whole groups of lanes. */
  private static int whole(int count) {
    return count - count % LANES;
  }

  @Override
  @Exact
  public void max(float[] x, int at, int count, float[] lanes) {
    int whole = whole(count);
    for (int lane = 0; lane < LANES; lane += V) {
      FloatVector most = FloatVector.fromArray(F, lanes, lane);
      for (int i = lane; i < whole; i += LANES) {
        FloatVector value = FloatVector.fromArray(F, x, at + i);
        most = most.blend(value, value.compare(GT, most));
      }
      most.intoArray(lanes, lane);
    }
    RowF32.max(x, at, whole, count, lanes);
  }

  @Override
  @Exact
  public void expSum(float[] x, int at, int count, double shift, float[] lanes) {
    FloatVector s = FloatVector.broadcast(F, (float) shift);
    int whole = whole(count);
    for (int lane = 0; lane < LANES; lane += V) {
      FloatVector sum = FloatVector.fromArray(F, lanes, lane);
      for (int i = lane; i < whole; i += LANES) {
        FloatVector e = MathF32Vector.exp(F, FloatVector.fromArray(F, x, at + i).sub(s));
        e.intoArray(x, at + i);
        sum = sum.add(e);
      }
      sum.intoArray(lanes, lane);
    }
    RowF32.expSum(x, at, whole, count, (float) shift, lanes);
  }

  @Override
  @Exact
  public void scale(float[] x, int at, int count, double factor) {
    FloatVector f = FloatVector.broadcast(F, (float) factor);
    int whole = whole(count);
    for (int i = at; i < at + whole; i += V) {
      FloatVector.fromArray(F, x, i).mul(f).intoArray(x, i);
    }
    RowF32.scale(x, at, whole, count, (float) factor);
  }

  @Override
  @Exact
  public void dot(float[] x, float[] y, int count, float[] lanes) {
    int whole = whole(count);
    for (int lane = 0; lane < LANES; lane += V) {
      FloatVector sum = FloatVector.fromArray(F, lanes, lane);
      for (int i = lane; i < whole; i += LANES) {
        sum = FloatVector.fromArray(F, x, i).fma(FloatVector.fromArray(F, y, i), sum);
      }
      sum.intoArray(lanes, lane);
    }
    RowF32.dot(x, y, whole, count, lanes);
  }
}
