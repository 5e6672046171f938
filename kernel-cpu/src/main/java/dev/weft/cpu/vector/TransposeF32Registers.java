package dev.weft.cpu.vector;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link TransposeF32} by vectors of 256 bits, 8 × 8 elements at a time, which fit 16 registers:
 * for s = 4, 2 and 1 the elements of row i whose column has s and those of row i + s whose column
 * has it not change places. 48 operations for 64 elements.
 */
final class TransposeF32Registers implements TransposeF32 {
  private static final VectorSpecies<Float> S =
      VectorSpecies.of(float.class, VectorWidth.shape(MethodHandles.lookup()));
  private static final int SIDE = 8;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final VectorShuffle<Float> SWAP_4 = VectorShuffle.fromOp(S, lane -> lane ^ 4);
  private static final VectorShuffle<Float> SWAP_2 = VectorShuffle.fromOp(S, lane -> lane ^ 2);
  private static final VectorShuffle<Float> SWAP_1 = VectorShuffle.fromOp(S, lane -> lane ^ 1);
  private static final VectorMask<Float> HAS_4 = VectorMask.fromLong(S, 0b11110000);
  private static final VectorMask<Float> HAS_2 = VectorMask.fromLong(S, 0b11001100);
  private static final VectorMask<Float> HAS_1 = VectorMask.fromLong(S, 0b10101010);

  /** Made by {@link VectorWidth#load}. */
  TransposeF32Registers() {}

  @Override
  public void pack(
      MemorySegment x,
      long origin,
      long rowStride,
      int count,
      int columns,
      float[] out,
      int at,
      int ld) {
    MemorySegment in = VectorWidth.NATIVE.cast(x);
    long rowBytes = rowStride * Float.BYTES;
    for (int k = 0; k < columns; k += SIDE) {
      long from = (origin + k) * Float.BYTES;
      FloatVector r0 = FloatVector.fromMemorySegment(S, in, from, ORDER);
      FloatVector r1 = FloatVector.fromMemorySegment(S, in, from + rowBytes, ORDER);
      FloatVector r2 = FloatVector.fromMemorySegment(S, in, from + 2 * rowBytes, ORDER);
      FloatVector r3 = FloatVector.fromMemorySegment(S, in, from + 3 * rowBytes, ORDER);
      FloatVector r4 = FloatVector.fromMemorySegment(S, in, from + 4 * rowBytes, ORDER);
      FloatVector r5 = FloatVector.fromMemorySegment(S, in, from + 5 * rowBytes, ORDER);
      FloatVector r6 = FloatVector.fromMemorySegment(S, in, from + 6 * rowBytes, ORDER);
      FloatVector r7 = FloatVector.fromMemorySegment(S, in, from + 7 * rowBytes, ORDER);
      FloatVector s0 = r0.blend(r4.rearrange(SWAP_4), HAS_4);
      FloatVector s4 = r0.rearrange(SWAP_4).blend(r4, HAS_4);
      FloatVector s1 = r1.blend(r5.rearrange(SWAP_4), HAS_4);
      FloatVector s5 = r1.rearrange(SWAP_4).blend(r5, HAS_4);
      FloatVector s2 = r2.blend(r6.rearrange(SWAP_4), HAS_4);
      FloatVector s6 = r2.rearrange(SWAP_4).blend(r6, HAS_4);
      FloatVector s3 = r3.blend(r7.rearrange(SWAP_4), HAS_4);
      FloatVector s7 = r3.rearrange(SWAP_4).blend(r7, HAS_4);
      FloatVector t0 = s0.blend(s2.rearrange(SWAP_2), HAS_2);
      FloatVector t2 = s0.rearrange(SWAP_2).blend(s2, HAS_2);
      FloatVector t1 = s1.blend(s3.rearrange(SWAP_2), HAS_2);
      FloatVector t3 = s1.rearrange(SWAP_2).blend(s3, HAS_2);
      FloatVector t4 = s4.blend(s6.rearrange(SWAP_2), HAS_2);
      FloatVector t6 = s4.rearrange(SWAP_2).blend(s6, HAS_2);
      FloatVector t5 = s5.blend(s7.rearrange(SWAP_2), HAS_2);
      FloatVector t7 = s5.rearrange(SWAP_2).blend(s7, HAS_2);
      FloatVector u0 = t0.blend(t1.rearrange(SWAP_1), HAS_1);
      FloatVector u1 = t0.rearrange(SWAP_1).blend(t1, HAS_1);
      FloatVector u2 = t2.blend(t3.rearrange(SWAP_1), HAS_1);
      FloatVector u3 = t2.rearrange(SWAP_1).blend(t3, HAS_1);
      FloatVector u4 = t4.blend(t5.rearrange(SWAP_1), HAS_1);
      FloatVector u5 = t4.rearrange(SWAP_1).blend(t5, HAS_1);
      FloatVector u6 = t6.blend(t7.rearrange(SWAP_1), HAS_1);
      FloatVector u7 = t6.rearrange(SWAP_1).blend(t7, HAS_1);
      int to = at + k * ld;
      u0.intoArray(out, to);
      u1.intoArray(out, to + ld);
      u2.intoArray(out, to + 2 * ld);
      u3.intoArray(out, to + 3 * ld);
      u4.intoArray(out, to + 4 * ld);
      u5.intoArray(out, to + 5 * ld);
      u6.intoArray(out, to + 6 * ld);
      u7.intoArray(out, to + 7 * ld);
    }
  }
}
