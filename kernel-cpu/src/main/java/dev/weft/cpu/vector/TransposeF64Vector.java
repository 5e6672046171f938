package dev.weft.cpu.vector;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link TransposeF64} by vectors of 512 bits, 8 × 8 elements at a time, in registers.
 *
 * <p>Interleaving row i with row i + 4, for every i < 4, puts 8 rows of 8 into 8 new rows; three
 * times that is the transposed matrix. 24 permutations for 64 elements.
 */
final class TransposeF64Vector implements TransposeF64 {
  private static final VectorSpecies<Long> S =
      VectorSpecies.of(long.class, VectorWidth.shape(MethodHandles.lookup()));
  private static final VectorSpecies<Double> OUT = VectorSpecies.of(double.class, S.vectorShape());
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int SIDE = 8;
  private static final long[] ZIP = new long[2 * SIDE];

  /** For {@link Exact}. */
  private static final Class<?> LONGS = LongVector.zero(S).getClass();

  private static final Class<?> DOUBLES = DoubleVector.zero(OUT).getClass();

  static {
    for (int at = 0; at < 2 * SIDE; at++) { // two vectors a, b become a0 b0 a1 b1 …
      ZIP[at] = at / 2 + at % 2 * SIDE;
    }
  }

  /** Made by {@link VectorWidth#load}. */
  TransposeF64Vector() {}

  @Override
  @Exact
  public void pack(
      MemorySegment x,
      long origin,
      long rowStride,
      int count,
      int columns,
      double[] out,
      int at,
      int ld) {
    MemorySegment from = VectorWidth.NATIVE.cast(x);
    transpose(from, origin, rowStride, count, columns, out, null, at, ld);
  }

  @Override
  @Exact
  public void pack(
      MemorySegment x,
      long origin,
      long rowStride,
      int count,
      int columns,
      MemorySegment out,
      long at,
      int ld) {
    MemorySegment from = VectorWidth.NATIVE.cast(x);
    MemorySegment to = VectorWidth.NATIVE.cast(out);
    transpose(from, origin, rowStride, count, columns, null, to, at, ld);
  }

  /** Of rows that there are not, the last one stands in. */
  @Inlined
  static void transpose(
      MemorySegment x,
      long origin,
      long rowStride,
      int count,
      int columns,
      double[] array,
      MemorySegment memory,
      long at,
      int ld) {
    LongVector low = LongVector.fromArray(S, ZIP, 0);
    LongVector high = LongVector.fromArray(S, ZIP, SIDE);
    VectorMask<Double> rows = OUT.indexInRange(0, count);
    long rowBytes = rowStride * Double.BYTES;
    int last = count - 1;
    for (int k = 0; k < columns; k += SIDE) {
      long from = (origin + k) * Double.BYTES;
      LongVector a0 = LongVector.fromMemorySegment(S, x, from, ORDER);
      LongVector a1 =
          LongVector.fromMemorySegment(S, x, from + Math.min(1, last) * rowBytes, ORDER);
      LongVector a2 =
          LongVector.fromMemorySegment(S, x, from + Math.min(2, last) * rowBytes, ORDER);
      LongVector a3 =
          LongVector.fromMemorySegment(S, x, from + Math.min(3, last) * rowBytes, ORDER);
      LongVector a4 =
          LongVector.fromMemorySegment(S, x, from + Math.min(4, last) * rowBytes, ORDER);
      LongVector a5 =
          LongVector.fromMemorySegment(S, x, from + Math.min(5, last) * rowBytes, ORDER);
      LongVector a6 =
          LongVector.fromMemorySegment(S, x, from + Math.min(6, last) * rowBytes, ORDER);
      LongVector a7 =
          LongVector.fromMemorySegment(S, x, from + Math.min(7, last) * rowBytes, ORDER);
      LongVector b0 = low.selectFrom(a0, a4);
      LongVector b1 = high.selectFrom(a0, a4);
      LongVector b2 = low.selectFrom(a1, a5);
      LongVector b3 = high.selectFrom(a1, a5);
      LongVector b4 = low.selectFrom(a2, a6);
      LongVector b5 = high.selectFrom(a2, a6);
      LongVector b6 = low.selectFrom(a3, a7);
      LongVector b7 = high.selectFrom(a3, a7);
      LongVector c0 = low.selectFrom(b0, b4);
      LongVector c1 = high.selectFrom(b0, b4);
      LongVector c2 = low.selectFrom(b1, b5);
      LongVector c3 = high.selectFrom(b1, b5);
      LongVector c4 = low.selectFrom(b2, b6);
      LongVector c5 = high.selectFrom(b2, b6);
      LongVector c6 = low.selectFrom(b3, b7);
      LongVector c7 = high.selectFrom(b3, b7);
      LongVector d0 = low.selectFrom(c0, c4);
      LongVector d1 = high.selectFrom(c0, c4);
      LongVector d2 = low.selectFrom(c1, c5);
      LongVector d3 = high.selectFrom(c1, c5);
      LongVector d4 = low.selectFrom(c2, c6);
      LongVector d5 = high.selectFrom(c2, c6);
      LongVector d6 = low.selectFrom(c3, c7);
      LongVector d7 = high.selectFrom(c3, c7);
      long to = at + (long) k * ld;
      store(d0, rows, array, memory, to);
      store(d1, rows, array, memory, to + ld);
      store(d2, rows, array, memory, to + 2 * ld);
      store(d3, rows, array, memory, to + 3 * ld);
      store(d4, rows, array, memory, to + 4 * ld);
      store(d5, rows, array, memory, to + 5 * ld);
      store(d6, rows, array, memory, to + 6 * ld);
      store(d7, rows, array, memory, to + 7 * ld);
    }
  }

  @Inlined
  static void store(
      LongVector x, VectorMask<Double> rows, double[] array, MemorySegment memory, long at) {
    if (array != null) {
      x.reinterpretAsDoubles().intoArray(array, (int) at, rows);
    } else {
      x.intoMemorySegment(memory, at * Double.BYTES, ORDER);
    }
  }
}
