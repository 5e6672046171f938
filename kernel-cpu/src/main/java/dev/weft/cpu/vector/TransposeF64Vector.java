package dev.weft.cpu.vector;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link TransposeF64} by vectors of 512 bits, 8 × 8 elements at a time, as {@link
 * TransposeF32Vector}: three interleavings of row i with row i + 4, 24 permutations for 64
 * elements.
 */
final class TransposeF64Vector implements TransposeF64 {
  private static final VectorShape SHAPE = VectorWidth.shape(MethodHandles.lookup());
  private static final VectorSpecies<Double> D = VectorSpecies.of(double.class, SHAPE);
  private static final VectorSpecies<Long> L = VectorSpecies.of(long.class, SHAPE);
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int SIDE = 8;
  private static final int HALF = SIDE / 2;
  private static final long[] ZIP = new long[2 * SIDE];

  private static final ThreadLocal<long[]> SCRATCH =
      ThreadLocal.withInitial(() -> new long[2 * SIDE * SIDE]);

  static {
    for (int at = 0; at < 2 * SIDE; at++) { // two vectors a, b become a0 b0 a1 b1 …
      ZIP[at] = at / 2 + at % 2 * SIDE;
    }
  }

  /** Made by {@link VectorWidth#load}. */
  TransposeF64Vector() {}

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
    long[] scratch = SCRATCH.get();
    for (int k = 0; k < columns; k += SIDE) {
      zipRows(x, (origin + k) * Double.BYTES, rowStride * Double.BYTES, count - 1, scratch);
      zip(scratch);
      last(scratch, count, out, at + k * ld, ld);
    }
  }

  /** Of rows that there are not, the last one stands in. */
  private static void zipRows(MemorySegment x, long from, long rowBytes, int last, long[] out) {
    LongVector low = LongVector.fromArray(L, ZIP, 0);
    LongVector high = LongVector.fromArray(L, ZIP, SIDE);
    for (int i = 0; i < HALF; i++) {
      long upper = from + Math.min(i, last) * rowBytes;
      long lower = from + Math.min(i + HALF, last) * rowBytes;
      LongVector a = LongVector.fromMemorySegment(L, x, upper, ORDER);
      LongVector b = LongVector.fromMemorySegment(L, x, lower, ORDER);
      low.selectFrom(a, b).intoArray(out, 2 * i * SIDE);
      high.selectFrom(a, b).intoArray(out, (2 * i + 1) * SIDE);
    }
  }

  /** From the first half of the scratch to the second. */
  private static void zip(long[] scratch) {
    LongVector low = LongVector.fromArray(L, ZIP, 0);
    LongVector high = LongVector.fromArray(L, ZIP, SIDE);
    for (int i = 0; i < HALF; i++) {
      LongVector a = LongVector.fromArray(L, scratch, i * SIDE);
      LongVector b = LongVector.fromArray(L, scratch, (i + HALF) * SIDE);
      low.selectFrom(a, b).intoArray(scratch, SIDE * SIDE + 2 * i * SIDE);
      high.selectFrom(a, b).intoArray(scratch, SIDE * SIDE + (2 * i + 1) * SIDE);
    }
  }

  private static void last(long[] in, int count, double[] out, int to, int ld) {
    LongVector low = LongVector.fromArray(L, ZIP, 0);
    LongVector high = LongVector.fromArray(L, ZIP, SIDE);
    VectorMask<Double> rows = D.indexInRange(0, count);
    for (int i = 0; i < HALF; i++) {
      LongVector a = LongVector.fromArray(L, in, SIDE * SIDE + i * SIDE);
      LongVector b = LongVector.fromArray(L, in, SIDE * SIDE + (i + HALF) * SIDE);
      DoubleVector even = low.selectFrom(a, b).reinterpretAsDoubles();
      DoubleVector odd = high.selectFrom(a, b).reinterpretAsDoubles();
      even.intoArray(out, to + 2 * i * ld, rows);
      odd.intoArray(out, to + (2 * i + 1) * ld, rows);
    }
  }
}
