package dev.weft.cpu.vector;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link TransposeF64} by vectors of 256 bits, 4 × 4 elements at a time, which fit 16 registers:
 * for s = 2 and 1 the elements of row i whose column has s and those of row i + s whose column has
 * it not change places. 16 operations for 16 elements.
 */
final class TransposeF64Registers implements TransposeF64 {
  private static final VectorSpecies<Double> S =
      VectorSpecies.of(double.class, VectorWidth.shape(MethodHandles.lookup()));
  private static final int SIDE = 4;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final VectorShuffle<Double> SWAP_2 = VectorShuffle.fromOp(S, lane -> lane ^ 2);
  private static final VectorShuffle<Double> SWAP_1 = VectorShuffle.fromOp(S, lane -> lane ^ 1);
  private static final VectorMask<Double> HAS_2 = VectorMask.fromLong(S, 0b1100);
  private static final VectorMask<Double> HAS_1 = VectorMask.fromLong(S, 0b1010);

  /** Made by {@link VectorWidth#load}. */
  TransposeF64Registers() {}

  @Override
  public void pack(
      MemorySegment x,
      long origin,
      long rowStride,
      int count,
      int columns,
      double[] out,
      int at,
      int ld) {
    MemorySegment in = VectorWidth.NATIVE.cast(x);
    long rowBytes = rowStride * Double.BYTES;
    for (int k = 0; k < columns; k += SIDE) {
      long from = (origin + k) * Double.BYTES;
      DoubleVector r0 = DoubleVector.fromMemorySegment(S, in, from, ORDER);
      DoubleVector r1 = DoubleVector.fromMemorySegment(S, in, from + rowBytes, ORDER);
      DoubleVector r2 = DoubleVector.fromMemorySegment(S, in, from + 2 * rowBytes, ORDER);
      DoubleVector r3 = DoubleVector.fromMemorySegment(S, in, from + 3 * rowBytes, ORDER);
      DoubleVector s0 = r0.blend(r2.rearrange(SWAP_2), HAS_2);
      DoubleVector s2 = r0.rearrange(SWAP_2).blend(r2, HAS_2);
      DoubleVector s1 = r1.blend(r3.rearrange(SWAP_2), HAS_2);
      DoubleVector s3 = r1.rearrange(SWAP_2).blend(r3, HAS_2);
      DoubleVector t0 = s0.blend(s1.rearrange(SWAP_1), HAS_1);
      DoubleVector t1 = s0.rearrange(SWAP_1).blend(s1, HAS_1);
      DoubleVector t2 = s2.blend(s3.rearrange(SWAP_1), HAS_1);
      DoubleVector t3 = s2.rearrange(SWAP_1).blend(s3, HAS_1);
      int to = at + k * ld;
      t0.intoArray(out, to);
      t1.intoArray(out, to + ld);
      t2.intoArray(out, to + 2 * ld);
      t3.intoArray(out, to + 3 * ld);
    }
  }
}
