package dev.weft.cpu.vector;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link TransposeF32} by vectors of 512 bits, 16 × 16 elements at a time.
 *
 * <p>Interleaving row i with row i + 8, for every i < 8, puts 16 rows of 16 into 16 new rows; four
 * times that is the transposed matrix. Costs 64 permutations for 256 elements. The rows go from one
 * step to the next through memory: 32 vectors in one method are more than HotSpot's first compiler
 * can take, and without it there is no second.
 */
final class TransposeF32Vector implements TransposeF32 {
  private static final VectorShape SHAPE = VectorWidth.shape(MethodHandles.lookup());
  private static final VectorSpecies<Float> F = VectorSpecies.of(float.class, SHAPE);
  private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, SHAPE);
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int SIDE = 16;
  private static final int HALF = SIDE / 2;
  private static final int[] ZIP = new int[2 * SIDE];

  private static final ThreadLocal<int[]> SCRATCH =
      ThreadLocal.withInitial(() -> new int[2 * SIDE * SIDE]);

  static {
    for (int at = 0; at < 2 * SIDE; at++) { // two vectors a, b become a0 b0 a1 b1 …
      ZIP[at] = at / 2 + at % 2 * SIDE;
    }
  }

  /** Made by {@link VectorWidth#load}. */
  TransposeF32Vector() {}

  @Override
  public void pack(int[] rows, int ldr, int count, int columns, float[] out, int at, int ld) {
    int[] scratch = SCRATCH.get();
    for (int k = 0; k < columns; k += SIDE) {
      zip(rows, k, ldr, scratch, 0);
      zip(scratch, 0, SIDE, scratch, SIDE * SIDE);
      zip(scratch, SIDE * SIDE, SIDE, scratch, 0);
      last(scratch, count, out, at + k * ld, ld);
    }
  }

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
    int[] scratch = SCRATCH.get();
    for (int k = 0; k < columns; k += SIDE) {
      zipRows(x, (origin + k) * Float.BYTES, rowStride * Float.BYTES, count - 1, scratch);
      zip(scratch, 0, SIDE, scratch, SIDE * SIDE);
      zip(scratch, SIDE * SIDE, SIDE, scratch, 0);
      last(scratch, count, out, at + k * ld, ld);
    }
  }

  /** Of rows that there are not, the last one stands in. */
  private static void zipRows(MemorySegment x, long from, long rowBytes, int last, int[] out) {
    IntVector low = IntVector.fromArray(I, ZIP, 0);
    IntVector high = IntVector.fromArray(I, ZIP, SIDE);
    for (int i = 0; i < HALF; i++) {
      long upper = from + Math.min(i, last) * rowBytes;
      long lower = from + Math.min(i + HALF, last) * rowBytes;
      IntVector a = IntVector.fromMemorySegment(I, x, upper, ORDER);
      IntVector b = IntVector.fromMemorySegment(I, x, lower, ORDER);
      low.selectFrom(a, b).intoArray(out, 2 * i * SIDE);
      high.selectFrom(a, b).intoArray(out, (2 * i + 1) * SIDE);
    }
  }

  private static void zip(int[] in, int from, int ldi, int[] out, int to) {
    IntVector low = IntVector.fromArray(I, ZIP, 0);
    IntVector high = IntVector.fromArray(I, ZIP, SIDE);
    for (int i = 0; i < HALF; i++) {
      IntVector a = IntVector.fromArray(I, in, from + i * ldi);
      IntVector b = IntVector.fromArray(I, in, from + (i + HALF) * ldi);
      low.selectFrom(a, b).intoArray(out, to + 2 * i * SIDE);
      high.selectFrom(a, b).intoArray(out, to + (2 * i + 1) * SIDE);
    }
  }

  private static void last(int[] in, int count, float[] out, int to, int ld) {
    IntVector low = IntVector.fromArray(I, ZIP, 0);
    IntVector high = IntVector.fromArray(I, ZIP, SIDE);
    VectorMask<Float> rows = F.indexInRange(0, count);
    for (int i = 0; i < HALF; i++) {
      IntVector a = IntVector.fromArray(I, in, i * SIDE);
      IntVector b = IntVector.fromArray(I, in, (i + HALF) * SIDE);
      FloatVector even = low.selectFrom(a, b).reinterpretAsFloats();
      FloatVector odd = high.selectFrom(a, b).reinterpretAsFloats();
      even.intoArray(out, to + 2 * i * ld, rows);
      odd.intoArray(out, to + (2 * i + 1) * ld, rows);
    }
  }
}
