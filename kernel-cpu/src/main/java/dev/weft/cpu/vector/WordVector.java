package dev.weft.cpu.vector;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.OR;
import static jdk.incubator.vector.VectorOperators.UGE;
import static jdk.incubator.vector.VectorOperators.XOR;

import dev.weft.DType;
import dev.weft.spi.fill.StreamFill;
import dev.weft.spi.fill.TruncatedNormalPlanF32;
import dev.weft.spi.fill.TruncatedNormalPlanF64;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
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

  /** For {@link Exact}. */
  private static final Class<?> BYTES =
      ByteVector.zero(VectorSpecies.of(byte.class, SHAPE)).getClass();

  private static final Class<?> SHORTS =
      ShortVector.zero(VectorSpecies.of(short.class, SHAPE)).getClass();
  private static final Class<?> INTS = IntVector.zero(I).getClass();
  private static final Class<?> LONGS = LongVector.zero(L).getClass();
  private static final Class<?> FLOATS = FloatVector.zero(F).getClass();
  private static final Class<?> DOUBLES = DoubleVector.zero(D).getClass();

  // Of the two ints of every long: shuffles of two lanes are boxed at 128 bits.
  private static final int[] ZIP = new int[2 * VI];
  private static final int[] UNZIP = new int[2 * VI];

  private static final int[] UNZIP_INTS = new int[2 * VI];

  static {
    for (int at = 0; at < 2 * VI; at++) { // a, b become a0 b0 a1 b1 …, and back
      UNZIP_INTS[at] = 2 * (at % VI) + at / VI;
      int zipped = at / 4 * 2 + at % 2 + (at % 4 < 2 ? 0 : VI);
      ZIP[at] = zipped;
      UNZIP[zipped] = at;
    }
  }

  /** Made by {@link VectorWidth#load}. */
  WordVector() {}

  @Override
  public void run(
      StreamFill fill,
      long[] words,
      long[] scratch,
      int count,
      MemorySegment out,
      long byteOffset) {
    if (fill.dtype() != DType.F64) {
      middleF32(fill, words, scratch, count);
      tailF32(fill, words, scratch, count);
      elements(fill, words, count, out, byteOffset);
      return;
    }
    switch (fill.kind()) {
      case UNIFORM -> uniform(fill, words, count, out, byteOffset);
      case NORMAL -> {
        radius(words, count);
        turn(fill, words, count, out, byteOffset);
      }
      case TRUNCATED_NORMAL -> {
        middle(fill, words, scratch, count);
        tail(fill, words, scratch, count, out, byteOffset);
      }
      case BITS -> throw new AssertionError("words are words");
    }
  }

  @Exact
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

  /** Of two vectors of words x0 y0 x1 y1 … makes the radii of the x, and the y. */
  @Exact
  private static void radius(long[] words, int count) {
    IntVector even = IntVector.fromArray(I, UNZIP, 0);
    IntVector odd = IntVector.fromArray(I, UNZIP, VI);
    for (int i = 0; i < count; i += 2 * VL) {
      IntVector low = LongVector.fromArray(L, words, i).reinterpretAsInts();
      IntVector high = LongVector.fromArray(L, words, i + VL).reinterpretAsInts();
      LongVector x = even.selectFrom(low, high).reinterpretAsLongs();
      LongVector y = odd.selectFrom(low, high).reinterpretAsLongs();
      DoubleVector radius = NormalF64Vector.radius(D, NormalF64Vector.unit(D, x), 0);
      radius.reinterpretAsLongs().intoArray(words, i);
      y.intoArray(words, i + VL);
    }
  }

  /** Of what {@link #radius} made, the normals. */
  @Exact
  private static void turn(
      StreamFill fill, long[] words, int count, MemorySegment target, long byteOffset) {
    MemorySegment out = MEMORY.cast(target);
    IntVector zipLow = IntVector.fromArray(I, ZIP, 0);
    IntVector zipHigh = IntVector.fromArray(I, ZIP, VI);
    DoubleVector scale = DoubleVector.broadcast(D, fill.scale());
    DoubleVector shift = DoubleVector.broadcast(D, fill.shift());
    for (int i = 0; i < count; i += 2 * VL) {
      DoubleVector radius = LongVector.fromArray(L, words, i).reinterpretAsDoubles();
      LongVector y = LongVector.fromArray(L, words, i + VL);
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

  /** Makes of words the truncated normals outside the tail, and of scratch the tails' p. */
  @Exact
  private static void middle(StreamFill fill, long[] words, long[] scratch, int count) {
    TruncatedNormalPlanF64 plan = fill.truncated64();
    for (int i = 0; i < count; i += VL) {
      LongVector x = LongVector.fromArray(L, words, i).lanewise(XOR, plan.flip());
      LongVector above = TruncatedNormalF64Vector.above(x, plan);
      DoubleVector p = TruncatedNormalF64Vector.tail(D, x, above, plan);
      DoubleVector q = TruncatedNormalF64Vector.middle(D, x, above, plan);
      p.reinterpretAsLongs().intoArray(scratch, i);
      q.mul(TruncatedNormalF64Vector.ratio(D, p))
          .reinterpretAsLongs()
          .lanewise(XOR, TruncatedNormalF64Vector.sign(above, plan))
          .intoArray(words, i);
    }
  }

  /** Of what {@link #middle} made, all truncated normals. */
  @Exact
  private static void tail(
      StreamFill fill,
      long[] words,
      long[] scratch,
      int count,
      MemorySegment target,
      long byteOffset) {
    TruncatedNormalPlanF64 plan = fill.truncated64();
    MemorySegment out = MEMORY.cast(target);
    DoubleVector scale = DoubleVector.broadcast(D, fill.scale());
    DoubleVector shift = DoubleVector.broadcast(D, fill.shift());
    DoubleVector least = DoubleVector.broadcast(D, fill.least());
    DoubleVector most = DoubleVector.broadcast(D, fill.most());
    for (int i = 0; i < count; i += VL) {
      DoubleVector p = LongVector.fromArray(L, scratch, i).reinterpretAsDoubles();
      LongVector z = LongVector.fromArray(L, words, i);
      LongVector inTail = p.sub(plan.cut()).reinterpretAsLongs().lanewise(ASHR, 63); // p < cut
      if (inTail.reduceLanes(OR) != 0) {
        LongVector other = TruncatedNormalF64Vector.inTail(D, p, plan).reinterpretAsLongs();
        LongVector magnitude = inTail.lanewise(LSHR, 1);
        z = z.lanewise(XOR, z.lanewise(XOR, other).and(magnitude));
      }
      DoubleVector value = z.reinterpretAsDoubles().fma(scale, shift);
      Target.store(
          value.max(least).min(most).reinterpretAsInts(), out, byteOffset + 8L * i, ELEMENT);
    }
  }

  @Exact
  private static void middleF32(StreamFill fill, long[] words, long[] scratch, int count) {
    TruncatedNormalPlanF32 plan = fill.truncated32();
    IntVector split = IntVector.broadcast(I, plan.split());
    for (int i = 0; i < count / 2; i += VL) {
      IntVector word = LongVector.fromArray(L, words, i).reinterpretAsInts();
      IntVector x = word.lanewise(XOR, plan.flip());
      VectorMask<Integer> above = x.compare(UGE, split);
      FloatVector p = TruncatedNormalF32Vector.tail(F, x, above, plan);
      FloatVector q = TruncatedNormalF32Vector.middle(F, x, above, plan);
      p.reinterpretAsLongs().intoArray(scratch, i);
      q.mul(TruncatedNormalF32Vector.ratio(F, TruncatedNormalF32Vector.root(p)))
          .reinterpretAsInts()
          .lanewise(XOR, TruncatedNormalF32Vector.sign(I, above, plan))
          .reinterpretAsLongs()
          .intoArray(words, i);
    }
  }

  /** Of what {@link #middleF32} made, all truncated normals. */
  @Exact
  private static void tailF32(StreamFill fill, long[] words, long[] scratch, int count) {
    TruncatedNormalPlanF32 plan = fill.truncated32();
    for (int i = 0; i < count / 2; i += VL) {
      FloatVector p = LongVector.fromArray(L, scratch, i).reinterpretAsFloats();
      VectorMask<Float> inTail = p.lt(plan.cut());
      if (inTail.anyTrue()) {
        FloatVector z = LongVector.fromArray(L, words, i).reinterpretAsFloats();
        IntVector sign = z.reinterpretAsInts().and(0x80000000);
        IntVector tail = TruncatedNormalF32Vector.inTail(F, p, plan).reinterpretAsInts();
        z.blend(tail.or(sign).reinterpretAsFloats(), inTail)
            .reinterpretAsLongs()
            .intoArray(words, i);
      }
    }
  }

  /** Scales, shifts, bounds and stores F32, also for a fill of F16, or BF16. */
  @Exact
  private static void elements(
      StreamFill fill, long[] words, int count, MemorySegment target, long byteOffset) {
    MemorySegment out = MEMORY.cast(target);
    boolean halves = fill.dtype() == DType.BF16;
    IntVector even = IntVector.fromArray(I, UNZIP_INTS, 0);
    IntVector odd = IntVector.fromArray(I, UNZIP_INTS, VI);
    FloatVector scale = FloatVector.broadcast(F, (float) fill.scale());
    FloatVector shift = FloatVector.broadcast(F, (float) fill.shift());
    FloatVector least = FloatVector.broadcast(F, (float) fill.least());
    FloatVector most = FloatVector.broadcast(F, (float) fill.most());
    for (int i = 0; i < count / 2; i += 2 * VL) {
      FloatVector z = LongVector.fromArray(L, words, i).reinterpretAsFloats();
      FloatVector zb = LongVector.fromArray(L, words, i + VL).reinterpretAsFloats();
      IntVector value = Rounding.bounded(z.fma(scale, shift), least, most);
      IntVector valueB = Rounding.bounded(zb.fma(scale, shift), least, most);
      if (halves) {
        IntVector evens = even.selectFrom(value, valueB);
        IntVector odds = odd.selectFrom(value, valueB);
        Target.store(Rounding.bfloat16(evens, odds), out, byteOffset + 4L * i, ELEMENT);
      } else {
        Target.store(value, out, byteOffset + 8L * i, ELEMENT);
        Target.store(valueB, out, byteOffset + 8L * (i + VL), ELEMENT);
      }
    }
  }
}
