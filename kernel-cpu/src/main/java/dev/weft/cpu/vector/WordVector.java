package dev.weft.cpu.vector;

import static jdk.incubator.vector.VectorOperators.LSHR;

import dev.weft.DType;
import dev.weft.cpu.StreamFill;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link WordLoops} in vectors: equals {@link dev.weft.cpu.scalar.ScalarFillKernels} bit for bit.
 */
final class WordVector implements WordLoops {
  private static final Variant VARIANT =
      VectorWidth.data(MethodHandles.lookup(), WordLoops.Variant.class);
  private static final Class<? extends MemorySegment> MEMORY = VARIANT.memory().type();
  private static final Class<?> ELEMENT = VARIANT.memory().element();
  private static final VectorShape SHAPE = VectorShape.forBitSize(VARIANT.bits());
  private static final VectorSpecies<Long> L = VectorSpecies.of(long.class, SHAPE);
  private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, SHAPE);
  private static final VectorSpecies<Float> F = VectorSpecies.of(float.class, SHAPE);
  private static final VectorSpecies<Double> D = VectorSpecies.of(double.class, SHAPE);
  private static final int VL = L.length();
  private static final int VI = I.length();

  // Of the two ints of every long: shuffles of two lanes are boxed at 128 bits.
  private static final int[] ZIP = new int[2 * VI];
  private static final int[] UNZIP = new int[2 * VI];

  private static final int[] KEEP_INTS = new int[2 * VI];
  private static final int[] UNZIP_INTS = new int[2 * VI];

  static {
    for (int at = 0; at < 2 * VI; at++) { // a, b become a0 b0 a1 b1 …, and back
      KEEP_INTS[at] = at;
      UNZIP_INTS[at] = 2 * (at % VI) + at / VI;
      int zipped = at / 4 * 2 + at % 2 + (at % 4 < 2 ? 0 : VI);
      ZIP[at] = zipped;
      UNZIP[zipped] = at;
    }
  }

  /** Made by {@link VectorWidth#load}. */
  WordVector() {}

  @Override
  public void run(StreamFill fill, long[] words, int count, MemorySegment out, long byteOffset) {
    if (fill.dtype() != DType.F64) {
      truncatedNormalF32(fill, words, count, out, byteOffset);
      return;
    }
    switch (fill.kind()) {
      case UNIFORM -> uniform(fill, words, count, out, byteOffset);
      case NORMAL -> normal(fill, words, count, out, byteOffset);
      case TRUNCATED_NORMAL -> truncatedNormal(fill, words, count, out, byteOffset);
      case BITS -> throw new AssertionError("words are words");
    }
  }

  private static void uniform(
      StreamFill fill, long[] words, int count, MemorySegment target, long byteOffset) {
    MemorySegment out = MEMORY.cast(target); // a type that the compiler knows
    DoubleVector scale = DoubleVector.broadcast(D, fill.scale());
    DoubleVector shift = DoubleVector.broadcast(D, fill.shift());
    DoubleVector least = DoubleVector.broadcast(D, fill.least());
    DoubleVector most = DoubleVector.broadcast(D, fill.most());
    for (int i = 0; i < count; i += VL) {
      LongVector k = LongVector.fromArray(L, words, i).lanewise(LSHR, 11);
      DoubleVector value = NormalF64Vector.unsigned(D, k).mul(0x1p-53).fma(scale, shift);
      Target.store(
          value.max(least).min(most).reinterpretAsInts(), out, byteOffset + 8L * i, ELEMENT);
    }
  }

  private static void normal(
      StreamFill fill, long[] words, int count, MemorySegment target, long byteOffset) {
    MemorySegment out = MEMORY.cast(target);
    IntVector zipLow = IntVector.fromArray(I, ZIP, 0);
    IntVector zipHigh = IntVector.fromArray(I, ZIP, VI);
    IntVector even = IntVector.fromArray(I, UNZIP, 0);
    IntVector odd = IntVector.fromArray(I, UNZIP, VI);
    DoubleVector scale = DoubleVector.broadcast(D, fill.scale());
    DoubleVector shift = DoubleVector.broadcast(D, fill.shift());
    for (int i = 0; i < count; i += 2 * VL) {
      IntVector low = LongVector.fromArray(L, words, i).reinterpretAsInts();
      IntVector high = LongVector.fromArray(L, words, i + VL).reinterpretAsInts();
      LongVector x = even.selectFrom(low, high).reinterpretAsLongs();
      LongVector y = odd.selectFrom(low, high).reinterpretAsLongs();
      DoubleVector radius = NormalF64Vector.radius(D, NormalF64Vector.unit(D, x), 0);
      DoubleVector a = NormalF64Vector.angle(D, y);
      DoubleVector sin = NormalF64Vector.sin(D, a);
      DoubleVector cos = NormalF64Vector.cos(D, a);
      IntVector first =
          radius.mul(NormalF64Vector.sinOfTurn(y, sin, cos)).fma(scale, shift).reinterpretAsInts();
      IntVector second =
          radius.mul(NormalF64Vector.cosOfTurn(y, sin, cos)).fma(scale, shift).reinterpretAsInts();
      long at = byteOffset + 8L * i;
      Target.store(zipLow.selectFrom(first, second), out, at, ELEMENT);
      Target.store(zipHigh.selectFrom(first, second), out, at + 8L * VL, ELEMENT);
    }
  }

  private static void truncatedNormal(
      StreamFill fill, long[] words, int count, MemorySegment target, long byteOffset) {
    MemorySegment out = MEMORY.cast(target);
    DoubleVector scale = DoubleVector.broadcast(D, fill.scale());
    DoubleVector shift = DoubleVector.broadcast(D, fill.shift());
    DoubleVector least = DoubleVector.broadcast(D, fill.least());
    DoubleVector most = DoubleVector.broadcast(D, fill.most());
    for (int i = 0; i < count; i += VL) {
      LongVector x = LongVector.fromArray(L, words, i);
      DoubleVector value =
          TruncatedNormalF64Vector.sample(D, x, fill.truncated64()).fma(scale, shift);
      Target.store(
          value.max(least).min(most).reinterpretAsInts(), out, byteOffset + 8L * i, ELEMENT);
    }
  }

  private static void truncatedNormalF32(
      StreamFill fill, long[] words, int count, MemorySegment target, long byteOffset) {
    MemorySegment out = MEMORY.cast(target);
    boolean halves = fill.dtype() == DType.BF16;
    int[] places = halves ? UNZIP_INTS : KEEP_INTS;
    IntVector first = IntVector.fromArray(I, places, 0);
    IntVector second = IntVector.fromArray(I, places, VI);
    FloatVector scale = FloatVector.broadcast(F, (float) fill.scale());
    FloatVector shift = FloatVector.broadcast(F, (float) fill.shift());
    FloatVector least = FloatVector.broadcast(F, (float) fill.least());
    FloatVector most = FloatVector.broadcast(F, (float) fill.most());
    for (int i = 0; i < count; i += 2 * VI) {
      IntVector low = LongVector.fromArray(L, words, i / 2).reinterpretAsInts();
      IntVector high = LongVector.fromArray(L, words, i / 2 + VL).reinterpretAsInts();
      FloatVector z =
          TruncatedNormalF32Vector.sample(I, F, first.selectFrom(low, high), fill.truncated32())
              .fma(scale, shift);
      FloatVector zb =
          TruncatedNormalF32Vector.sample(I, F, second.selectFrom(low, high), fill.truncated32())
              .fma(scale, shift);
      IntVector value = Rounding.bounded(z, least, most);
      IntVector valueB = Rounding.bounded(zb, least, most);
      if (halves) {
        Target.store(Rounding.bfloat16(value, valueB), out, byteOffset + 2L * i, ELEMENT);
      } else {
        Target.store(value, out, byteOffset + 4L * i, ELEMENT);
        Target.store(valueB, out, byteOffset + 4L * (i + VI), ELEMENT);
      }
    }
  }
}
