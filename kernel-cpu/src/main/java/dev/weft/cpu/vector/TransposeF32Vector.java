package dev.weft.cpu.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link TransposeF32} by vectors of 512 bits, 16 × 16 elements at a time.
 *
 * <p>Interleaving row i with row i + 8, for every i < 8, puts 16 rows of 16 into 16 new rows; four
 * times that is the transposed matrix. Two times make rows 4·i … 4·i + 3 of rows i, i + 4, i + 8
 * and i + 12, so that few vectors are in use at a time, and between the two halves the rows go
 * through 1 KiB of memory: all of it in one method is more than HotSpot's first compiler can take,
 * and without it there is no second. 64 permutations for 256 elements.
 */
final class TransposeF32Vector implements TransposeF32 {
  private static final VectorSpecies<Integer> S =
      VectorSpecies.of(int.class, VectorWidth.shape(MethodHandles.lookup()));
  private static final VectorSpecies<Float> F = VectorSpecies.of(float.class, S.vectorShape());
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int SIDE = 16;
  private static final int QUARTER = SIDE / 4;
  private static final int ROW_BYTES = SIDE * Float.BYTES;
  private static final int[] ZIP = new int[2 * SIDE];

  private static final ThreadLocal<MemorySegment> SCRATCH =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(SIDE * ROW_BYTES, ROW_BYTES));

  /** For {@link Exact}. */
  private static final Class<?> INTS = IntVector.zero(S).getClass();

  private static final Class<?> FLOATS = FloatVector.zero(F).getClass();

  static {
    for (int at = 0; at < 2 * SIDE; at++) { // two vectors a, b become a0 b0 a1 b1 …
      ZIP[at] = at / 2 + at % 2 * SIDE;
    }
  }

  /** Made by {@link VectorWidth#load}. */
  TransposeF32Vector() {}

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
    MemorySegment scratch = VectorWidth.NATIVE.cast(SCRATCH.get());
    for (int k = 0; k < columns; k += SIDE) {
      half(
          in,
          (origin + k) * Float.BYTES,
          rowStride * Float.BYTES,
          count - 1,
          scratch,
          0,
          ROW_BYTES);
      halfIntoArray(scratch, count, out, at + k * ld, ld);
    }
  }

  @Override
  public void pack(
      MemorySegment x,
      long origin,
      long rowStride,
      int count,
      int columns,
      MemorySegment out,
      long at,
      int ld) {
    MemorySegment in = VectorWidth.NATIVE.cast(x);
    MemorySegment to = VectorWidth.NATIVE.cast(out);
    MemorySegment scratch = VectorWidth.NATIVE.cast(SCRATCH.get());
    for (int k = 0; k < columns; k += SIDE) {
      half(
          in,
          (origin + k) * Float.BYTES,
          rowStride * Float.BYTES,
          count - 1,
          scratch,
          0,
          ROW_BYTES);
      long row = (at + (long) k * ld) * Float.BYTES;
      half(scratch, 0, ROW_BYTES, SIDE - 1, to, row, (long) ld * Float.BYTES);
    }
  }

  /** Of rows after the last the last one stands in. */
  @Exact
  private static void half(
      MemorySegment x,
      long from,
      long rowBytes,
      int last,
      MemorySegment out,
      long to,
      long ldBytes) {
    IntVector low = IntVector.fromArray(S, ZIP, 0);
    IntVector high = IntVector.fromArray(S, ZIP, SIDE);
    for (int i = 0; i < QUARTER; i++) {
      IntVector a = row(x, from, rowBytes, i, last);
      IntVector b = row(x, from, rowBytes, i + QUARTER, last);
      IntVector c = row(x, from, rowBytes, i + 2 * QUARTER, last);
      IntVector d = row(x, from, rowBytes, i + 3 * QUARTER, last);
      IntVector ac = low.selectFrom(a, c);
      IntVector bd = low.selectFrom(b, d);
      long at = to + 4 * i * ldBytes;
      low.selectFrom(ac, bd).intoMemorySegment(out, at, ORDER);
      high.selectFrom(ac, bd).intoMemorySegment(out, at + ldBytes, ORDER);
      ac = high.selectFrom(a, c);
      bd = high.selectFrom(b, d);
      low.selectFrom(ac, bd).intoMemorySegment(out, at + 2 * ldBytes, ORDER);
      high.selectFrom(ac, bd).intoMemorySegment(out, at + 3 * ldBytes, ORDER);
    }
  }

  @Exact
  private static void halfIntoArray(MemorySegment x, int count, float[] out, int to, int ld) {
    IntVector low = IntVector.fromArray(S, ZIP, 0);
    IntVector high = IntVector.fromArray(S, ZIP, SIDE);
    VectorMask<Float> rows = F.indexInRange(0, count);
    for (int i = 0; i < QUARTER; i++) {
      IntVector a = row(x, 0, ROW_BYTES, i, SIDE);
      IntVector b = row(x, 0, ROW_BYTES, i + QUARTER, SIDE);
      IntVector c = row(x, 0, ROW_BYTES, i + 2 * QUARTER, SIDE);
      IntVector d = row(x, 0, ROW_BYTES, i + 3 * QUARTER, SIDE);
      IntVector ac = low.selectFrom(a, c);
      IntVector bd = low.selectFrom(b, d);
      int at = to + 4 * i * ld;
      low.selectFrom(ac, bd).reinterpretAsFloats().intoArray(out, at, rows);
      high.selectFrom(ac, bd).reinterpretAsFloats().intoArray(out, at + ld, rows);
      ac = high.selectFrom(a, c);
      bd = high.selectFrom(b, d);
      low.selectFrom(ac, bd).reinterpretAsFloats().intoArray(out, at + 2 * ld, rows);
      high.selectFrom(ac, bd).reinterpretAsFloats().intoArray(out, at + 3 * ld, rows);
    }
  }

  @Inlined
  static IntVector row(MemorySegment x, long from, long rowBytes, int i, int last) {
    return IntVector.fromMemorySegment(S, x, from + Math.min(i, last) * rowBytes, ORDER);
  }
}
