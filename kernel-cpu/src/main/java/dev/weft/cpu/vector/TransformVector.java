package dev.weft.cpu.vector;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.I2S;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.NOT;
import static jdk.incubator.vector.VectorOperators.OR;
import static jdk.incubator.vector.VectorOperators.SQRT;
import static jdk.incubator.vector.VectorOperators.UGE;
import static jdk.incubator.vector.VectorOperators.XOR;

import dev.weft.cpu.scalar.NormalF32;
import dev.weft.cpu.scalar.NormalF64;
import dev.weft.cpu.scalar.TruncatedNormalF32;
import dev.weft.cpu.scalar.TruncatedNormalF64;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The transforms of {@link dev.weft.cpu.scalar} in vectors, operation for operation, and so bit for
 * bit. Each hot loop stands in one method with explicit operations: a vector that reaches a method
 * which the compiler does not inline is boxed.
 *
 * <p>An unsigned 32-bit word x becomes the nearest f32 through signed conversions as fma(x ≫ 16,
 * 2¹⁶, x mod 2¹⁶): both halves are exact and one rounding remains.
 */
final class TransformVector implements TileKernels.Transform {
  private static final VectorShape SHAPE = VectorWidth.shape(MethodHandles.lookup());
  private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, SHAPE);
  private static final VectorSpecies<Float> F = VectorSpecies.of(float.class, SHAPE);
  private static final VectorSpecies<Long> L = VectorSpecies.of(long.class, SHAPE);
  private static final VectorSpecies<Double> D = VectorSpecies.of(double.class, SHAPE);
  private static final VectorSpecies<Short> HALF =
      VectorSpecies.of(short.class, VectorShape.forBitSize(SHAPE.vectorBitSize() / 2));
  private static final int VI = I.length();
  private static final int VL = L.length();
  private static final int BASE = TileKernels.BASE;

  /** Pattern of 2⁵²: with an integer below 2³² in its low bits, the pattern of 2⁵² plus that. */
  private static final long WHOLE = 0x4330000000000000L;

  /** Pattern of 1.5·2⁵²: plus an integer of at most 32 bits and a sign, the pattern of that sum. */
  private static final long SIGNED = 0x4338000000000000L;

  private static final int[] ZIP = zip(VI);
  private static final int[] ZIP_LONG = halves(zip(VL)); // shuffles of two lanes would be boxed
  private static final int[] UNZIP_LONG = halves(unzip(VL));

  /** Made by {@link VectorWidth#load}. */
  TransformVector() {}

  @Override
  public void uniform(
      int[] words, float[] out, int count, float scale, float shift, float least, float most) {
    FloatVector t = FloatVector.broadcast(F, shift);
    if (scale >= 0x1p-102f && within(scale, shift, least, most)) {
      FloatVector s = FloatVector.broadcast(F, scale * 0x1p-24f); // exact
      for (int i = 0; i < count; i += VI) {
        IntVector k = IntVector.fromArray(I, words, BASE + i).lanewise(LSHR, 8);
        ((FloatVector) k.convertShape(I2F, F, 0)).fma(s, t).intoArray(out, i);
      }
      return;
    }
    FloatVector s = FloatVector.broadcast(F, scale);
    FloatVector unit = FloatVector.broadcast(F, 0x1p-24f);
    FloatVector lo = FloatVector.broadcast(F, least);
    FloatVector hi = FloatVector.broadcast(F, most);
    for (int i = 0; i < count; i += VI) {
      IntVector k = IntVector.fromArray(I, words, BASE + i).lanewise(LSHR, 8);
      FloatVector x = ((FloatVector) k.convertShape(I2F, F, 0)).mul(unit).fma(s, t);
      x.blend(lo, x.lt(lo)).blend(hi, hi.lt(x)).intoArray(out, i);
    }
  }

  /** Whether no uniform passes the bounds: it is monotone in k, so the two ends tell. */
  private static boolean within(float scale, float shift, float least, float most) {
    return Math.fma(0f, scale, shift) >= least && Math.fma(0x1.fffffep-1f, scale, shift) <= most;
  }

  @Override
  public void uniform(
      int[] words, double[] out, int count, double scale, double shift, double least, double most) {
    DoubleVector s = DoubleVector.broadcast(D, scale);
    DoubleVector t = DoubleVector.broadcast(D, shift);
    DoubleVector lo = DoubleVector.broadcast(D, least);
    DoubleVector hi = DoubleVector.broadcast(D, most);
    LongVector low = LongVector.broadcast(L, 0xFFFFFFFFL);
    LongVector whole = LongVector.broadcast(L, WHOLE);
    DoubleVector wholeValue = DoubleVector.broadcast(D, 0x1p52);
    DoubleVector p32 = DoubleVector.broadcast(D, 0x1p32);
    DoubleVector m53 = DoubleVector.broadcast(D, 0x1p-53);
    for (int i = 0; i < count; i += VL) {
      LongVector k =
          IntVector.fromArray(I, words, BASE + 2 * i).reinterpretAsLongs().lanewise(LSHR, 11);
      DoubleVector h = k.lanewise(LSHR, 32).or(whole).reinterpretAsDoubles().sub(wholeValue);
      DoubleVector l = k.and(low).or(whole).reinterpretAsDoubles().sub(wholeValue);
      h.fma(p32, l).mul(m53).fma(s, t).max(lo).min(hi).intoArray(out, i);
    }
  }

  @Override
  public void normal(int[] words, float[] out, int count, float scale, float shift) {
    IntVector low16 = IntVector.broadcast(I, 0xFFFF);
    IntVector logBase = IntVector.broadcast(I, NormalF32.LOG_BASE);
    IntVector exponentBits = IntVector.broadcast(I, 0xff800000);
    IntVector two = IntVector.broadcast(I, 2);
    IntVector eighth = IntVector.broadcast(I, 0x20000000);
    IntVector quarter = IntVector.broadcast(I, 0x40000000);
    IntVector sign = IntVector.broadcast(I, 0x80000000);
    IntVector zipLow = IntVector.fromArray(I, ZIP, 0);
    IntVector zipHigh = IntVector.fromArray(I, ZIP, VI);
    FloatVector one = FloatVector.broadcast(F, 1);
    FloatVector s = FloatVector.broadcast(F, scale);
    FloatVector t = FloatVector.broadcast(F, shift);
    FloatVector p16 = FloatVector.broadcast(F, 0x1p16f);
    FloatVector m32 = FloatVector.broadcast(F, 0x1p-32f);
    FloatVector m33 = FloatVector.broadcast(F, 0x1p-33f);
    FloatVector m62 = FloatVector.broadcast(F, 0x1p-62f);
    FloatVector logExponent = FloatVector.broadcast(F, NormalF32.LOG_EXPONENT);
    FloatVector minusTwo = FloatVector.broadcast(F, -2);
    FloatVector plusTwo = FloatVector.broadcast(F, 2);
    FloatVector log1 = FloatVector.broadcast(F, NormalF32.LOG1);
    FloatVector log2 = FloatVector.broadcast(F, NormalF32.LOG2);
    FloatVector log3 = FloatVector.broadcast(F, NormalF32.LOG3);
    FloatVector log4 = FloatVector.broadcast(F, NormalF32.LOG4);
    FloatVector log5 = FloatVector.broadcast(F, NormalF32.LOG5);
    FloatVector log6 = FloatVector.broadcast(F, NormalF32.LOG6);
    FloatVector log7 = FloatVector.broadcast(F, NormalF32.LOG7);
    FloatVector log8 = FloatVector.broadcast(F, NormalF32.LOG8);
    FloatVector sin0 = FloatVector.broadcast(F, NormalF32.SIN0);
    FloatVector sin0Low = FloatVector.broadcast(F, NormalF32.SIN0_LOW);
    FloatVector sin1 = FloatVector.broadcast(F, NormalF32.SIN1);
    FloatVector sin2 = FloatVector.broadcast(F, NormalF32.SIN2);
    FloatVector sin3 = FloatVector.broadcast(F, NormalF32.SIN3);
    FloatVector cos1 = FloatVector.broadcast(F, NormalF32.COS1);
    FloatVector cos2 = FloatVector.broadcast(F, NormalF32.COS2);
    FloatVector cos3 = FloatVector.broadcast(F, NormalF32.COS3);
    for (int i = 0; i < count; i += 2 * VI) {
      // r = √(−2 ln u)
      IntVector x = IntVector.fromArray(I, words, BASE + i);
      FloatVector high = (FloatVector) x.lanewise(LSHR, 16).convertShape(I2F, F, 0);
      FloatVector low = (FloatVector) x.and(low16).convertShape(I2F, F, 0);
      FloatVector u = high.fma(p16, low).fma(m32, m33);
      IntVector bits = u.reinterpretAsInts();
      IntVector exponent = bits.sub(logBase).and(exponentBits);
      FloatVector e = (FloatVector) exponent.convertShape(I2F, F, 0);
      FloatVector h = bits.sub(exponent).reinterpretAsFloats().fma(minusTwo, plusTwo);
      FloatVector g = h.fma(log8, log7);
      g = h.fma(g, log6);
      g = h.fma(g, log5);
      g = h.fma(g, log4);
      g = h.fma(g, log3);
      g = h.fma(g, log2);
      g = h.fma(g, log1);
      FloatVector r = e.fma(logExponent, h.mul(h).fma(g, h)).lanewise(SQRT);

      // sin and cos of the angle less its nearest quarter turn
      IntVector y = IntVector.fromArray(I, words, BASE + i + VI);
      FloatVector a = (FloatVector) y.lanewise(LSHL, 2).or(two).convertShape(I2F, F, 0);
      FloatVector b = a.mul(m62).mul(a);
      FloatVector sp = b.fma(sin3, sin2);
      sp = b.fma(sp, sin1);
      sp = b.fma(sp, sin0Low);
      FloatVector sinEighth = a.fma(sin0, a.mul(sp));
      FloatVector cp = b.fma(cos3, cos2);
      cp = b.fma(cp, cos1);
      FloatVector cosEighth = b.fma(cp, one);

      // their roles and signs by the quarter
      IntVector k = y.add(eighth);
      VectorMask<Float> odd = k.lanewise(LSHL, 1).lt(0).cast(F);
      IntVector sin =
          sinEighth.blend(cosEighth, odd).reinterpretAsInts().lanewise(XOR, k.and(sign));
      IntVector cos =
          cosEighth
              .blend(sinEighth, odd)
              .reinterpretAsInts()
              .lanewise(XOR, k.add(quarter).and(sign));
      IntVector even = r.mul(sin.reinterpretAsFloats()).fma(s, t).reinterpretAsInts();
      IntVector other = r.mul(cos.reinterpretAsFloats()).fma(s, t).reinterpretAsInts();
      zipLow.selectFrom(even, other).reinterpretAsFloats().intoArray(out, i);
      zipHigh.selectFrom(even, other).reinterpretAsFloats().intoArray(out, i + VI);
    }
  }

  @Override
  public void truncatedNormal(
      int[] words,
      float[] out,
      int count,
      TruncatedNormalF32.Plan plan,
      float scale,
      float shift,
      float least,
      float most) {
    if (plan.isSymmetric() && plan.isCentral()) {
      symmetricNormal(words, out, count, plan, scale, shift, least, most);
    } else {
      anyTruncatedNormal(words, out, count, plan, scale, shift, least, most);
    }
  }

  /** Bounds −b and b without tails: the top bit of a word is its side. */
  private static void symmetricNormal(
      int[] words,
      float[] out,
      int count,
      TruncatedNormalF32.Plan plan,
      float scale,
      float shift,
      float least,
      float most) {
    IntVector sign = IntVector.broadcast(I, 0x80000000);
    IntVector positive = IntVector.broadcast(I, 0x7fffffff);
    FloatVector s = FloatVector.broadcast(F, scale);
    FloatVector t = FloatVector.broadcast(F, shift);
    FloatVector lo = FloatVector.broadcast(F, least);
    FloatVector hi = FloatVector.broadcast(F, most);
    FloatVector width = FloatVector.broadcast(F, plan.width());
    FloatVector tail = FloatVector.broadcast(F, plan.tailAbove());
    FloatVector middle = FloatVector.broadcast(F, plan.middleAbove());
    FloatVector centre = FloatVector.broadcast(F, TruncatedNormalF32.ROOT_CENTRE);
    FloatVector root0 = FloatVector.broadcast(F, TruncatedNormalF32.ROOT0);
    FloatVector root1 = FloatVector.broadcast(F, TruncatedNormalF32.ROOT1);
    FloatVector root2 = FloatVector.broadcast(F, TruncatedNormalF32.ROOT2);
    FloatVector root3 = FloatVector.broadcast(F, TruncatedNormalF32.ROOT3);
    FloatVector root4 = FloatVector.broadcast(F, TruncatedNormalF32.ROOT4);
    FloatVector root5 = FloatVector.broadcast(F, TruncatedNormalF32.ROOT5);
    FloatVector root6 = FloatVector.broadcast(F, TruncatedNormalF32.ROOT6);
    FloatVector root7 = FloatVector.broadcast(F, TruncatedNormalF32.ROOT7);
    FloatVector root8 = FloatVector.broadcast(F, TruncatedNormalF32.ROOT8);
    FloatVector root9 = FloatVector.broadcast(F, TruncatedNormalF32.ROOT9);
    FloatVector root10 = FloatVector.broadcast(F, TruncatedNormalF32.ROOT10);
    FloatVector root11 = FloatVector.broadcast(F, TruncatedNormalF32.ROOT11);
    for (int i = 0; i < count; i += VI) {
      IntVector x = IntVector.fromArray(I, words, BASE + i).lanewise(XOR, sign);
      IntVector fromSplit = x.lanewise(XOR, x.lanewise(ASHR, 31));
      FloatVector q = ((FloatVector) fromSplit.convertShape(I2F, F, 0)).fma(width, middle);
      FloatVector p =
          ((FloatVector) fromSplit.lanewise(XOR, positive).convertShape(I2F, F, 0))
              .fma(width, tail);
      FloatVector v = p.neg().fma(p, p).lanewise(SQRT).sub(centre);
      FloatVector g = v.fma(root11, root10);
      g = v.fma(g, root9);
      g = v.fma(g, root8);
      g = v.fma(g, root7);
      g = v.fma(g, root6);
      g = v.fma(g, root5);
      g = v.fma(g, root4);
      g = v.fma(g, root3);
      g = v.fma(g, root2);
      g = v.fma(g, root1);
      g = v.fma(g, root0);
      IntVector z = q.mul(g).reinterpretAsInts().lanewise(XOR, x.and(sign));
      FloatVector value = z.reinterpretAsFloats().fma(s, t);
      value.blend(lo, value.lt(lo)).blend(hi, hi.lt(value)).intoArray(out, i);
    }
  }

  private static void anyTruncatedNormal(
      int[] words,
      float[] out,
      int count,
      TruncatedNormalF32.Plan plan,
      float scale,
      float shift,
      float least,
      float most) {
    IntVector low16 = IntVector.broadcast(I, 0xFFFF);
    FloatVector p16 = FloatVector.broadcast(F, 0x1p16f);
    IntVector sign = IntVector.broadcast(I, 0x80000000);
    IntVector flip = IntVector.broadcast(I, plan.flip());
    IntVector split = IntVector.broadcast(I, plan.split());
    FloatVector width = FloatVector.broadcast(F, plan.width());
    FloatVector cut = FloatVector.broadcast(F, plan.cut());
    for (int i = 0; i < count; i += VI) {
      IntVector x = IntVector.fromArray(I, words, BASE + i).lanewise(XOR, flip);
      VectorMask<Integer> above = x.compare(UGE, split);
      VectorMask<Float> aboveF = above.cast(F);
      IntVector end = x.blend(x.lanewise(NOT), above);
      FloatVector endHigh = (FloatVector) end.lanewise(LSHR, 16).convertShape(I2F, F, 0);
      FloatVector endLow = (FloatVector) end.and(low16).convertShape(I2F, F, 0);
      FloatVector p =
          endHigh
              .fma(p16, endLow)
              .fma(
                  width,
                  FloatVector.broadcast(F, plan.tailBelow()).blend(plan.tailAbove(), aboveF));
      IntVector mid = x.sub(split);
      mid = mid.lanewise(NOT).blend(mid, above); // split + ~x = ~(x − split)
      FloatVector midHigh = (FloatVector) mid.lanewise(LSHR, 16).convertShape(I2F, F, 0);
      FloatVector midLow = (FloatVector) mid.and(low16).convertShape(I2F, F, 0);
      FloatVector q =
          midHigh
              .fma(p16, midLow)
              .fma(
                  width,
                  FloatVector.broadcast(F, plan.middleBelow()).blend(plan.middleAbove(), aboveF));
      FloatVector v = p.neg().fma(p, p).lanewise(SQRT).sub(TruncatedNormalF32.ROOT_CENTRE);
      FloatVector g =
          v.fma(
              FloatVector.broadcast(F, TruncatedNormalF32.ROOT11),
              FloatVector.broadcast(F, TruncatedNormalF32.ROOT10));
      g = v.fma(g, FloatVector.broadcast(F, TruncatedNormalF32.ROOT9));
      g = v.fma(g, FloatVector.broadcast(F, TruncatedNormalF32.ROOT8));
      g = v.fma(g, FloatVector.broadcast(F, TruncatedNormalF32.ROOT7));
      g = v.fma(g, FloatVector.broadcast(F, TruncatedNormalF32.ROOT6));
      g = v.fma(g, FloatVector.broadcast(F, TruncatedNormalF32.ROOT5));
      g = v.fma(g, FloatVector.broadcast(F, TruncatedNormalF32.ROOT4));
      g = v.fma(g, FloatVector.broadcast(F, TruncatedNormalF32.ROOT3));
      g = v.fma(g, FloatVector.broadcast(F, TruncatedNormalF32.ROOT2));
      g = v.fma(g, FloatVector.broadcast(F, TruncatedNormalF32.ROOT1));
      g = v.fma(g, FloatVector.broadcast(F, TruncatedNormalF32.ROOT0));
      FloatVector z = q.mul(g);
      VectorMask<Float> inTail = p.lt(cut);
      if (inTail.anyTrue()) {
        IntVector bits = p.reinterpretAsInts();
        IntVector exponent = bits.sub(NormalF32.LOG_BASE).and(0xff800000);
        FloatVector e = ((FloatVector) exponent.convertShape(I2F, F, 0)).sub(plan.k() * 0x1p23f);
        FloatVector d = bits.sub(exponent).reinterpretAsFloats().mul(-2).add(2);
        FloatVector h =
            d.fma(
                FloatVector.broadcast(F, NormalF32.LOG8), FloatVector.broadcast(F, NormalF32.LOG7));
        h = d.fma(h, FloatVector.broadcast(F, NormalF32.LOG6));
        h = d.fma(h, FloatVector.broadcast(F, NormalF32.LOG5));
        h = d.fma(h, FloatVector.broadcast(F, NormalF32.LOG4));
        h = d.fma(h, FloatVector.broadcast(F, NormalF32.LOG3));
        h = d.fma(h, FloatVector.broadcast(F, NormalF32.LOG2));
        h = d.fma(h, FloatVector.broadcast(F, NormalF32.LOG1));
        FloatVector ln =
            e.fma(FloatVector.broadcast(F, NormalF32.LOG_EXPONENT), d.mul(d).fma(h, d));
        FloatVector r = ln.lanewise(SQRT);
        FloatVector w = r.lanewise(SQRT).sub(plan.tailCentre());
        h = w.fma(FloatVector.broadcast(F, plan.tail7()), FloatVector.broadcast(F, plan.tail6()));
        h = w.fma(h, FloatVector.broadcast(F, plan.tail5()));
        h = w.fma(h, FloatVector.broadcast(F, plan.tail4()));
        h = w.fma(h, FloatVector.broadcast(F, plan.tail3()));
        h = w.fma(h, FloatVector.broadcast(F, plan.tail2()));
        h = w.fma(h, FloatVector.broadcast(F, plan.tail1()));
        h = w.fma(h, FloatVector.broadcast(F, plan.tail0()));
        z = z.blend(r.add(h), inTail);
      }
      VectorMask<Integer> negative = plan.flip() == 0 ? above.not() : above;
      IntVector signs = IntVector.zero(I).blend(sign, negative);
      FloatVector value =
          z.reinterpretAsInts()
              .lanewise(XOR, signs)
              .reinterpretAsFloats()
              .fma(FloatVector.broadcast(F, scale), FloatVector.broadcast(F, shift));
      value
          .blend(least, value.lt(least))
          .blend(most, FloatVector.broadcast(F, most).lt(value))
          .intoArray(out, i);
    }
  }

  @Override
  public void normal(int[] words, double[] out, int count, double scale, double shift) {
    IntVector zipLow = IntVector.fromArray(I, ZIP_LONG, 0);
    IntVector zipHigh = IntVector.fromArray(I, ZIP_LONG, VI);
    IntVector unzipEven = IntVector.fromArray(I, UNZIP_LONG, 0);
    IntVector unzipOdd = IntVector.fromArray(I, UNZIP_LONG, VI);
    LongVector lowBits = LongVector.broadcast(L, 0xFFFFFFFFL);
    LongVector whole = LongVector.broadcast(L, WHOLE);
    LongVector signed = LongVector.broadcast(L, SIGNED);
    DoubleVector wholeValue = DoubleVector.broadcast(D, 0x1p52);
    DoubleVector signedValue = DoubleVector.broadcast(D, 0x1.8p52);
    DoubleVector p32 = DoubleVector.broadcast(D, 0x1p32);
    DoubleVector one = DoubleVector.broadcast(D, 1);
    for (int i = 0; i < count; i += 2 * VL) {
      IntVector first = IntVector.fromArray(I, words, BASE + 2 * i);
      IntVector second = IntVector.fromArray(I, words, BASE + 2 * i + VI);

      // r = √(−2 ln u)
      LongVector x = unzipEven.selectFrom(first, second).reinterpretAsLongs();
      DoubleVector high = x.lanewise(LSHR, 32).or(whole).reinterpretAsDoubles().sub(wholeValue);
      DoubleVector low = x.and(lowBits).or(whole).reinterpretAsDoubles().sub(wholeValue);
      DoubleVector u =
          high.fma(
              DoubleVector.broadcast(D, 0x1p-32),
              low.fma(DoubleVector.broadcast(D, 0x1p-64), DoubleVector.broadcast(D, 0x1p-65)));
      LongVector bits = u.reinterpretAsLongs();
      LongVector exponent = bits.sub(NormalF64.LOG_BASE).and(0xfff0000000000000L);
      DoubleVector e =
          exponent.lanewise(ASHR, 52).add(signed).reinterpretAsDoubles().sub(signedValue);
      DoubleVector m = bits.sub(exponent).reinterpretAsDoubles();
      DoubleVector h = DoubleVector.broadcast(D, 2).sub(m.add(m));
      DoubleVector g =
          h.fma(
              DoubleVector.broadcast(D, NormalF64.LOG19),
              DoubleVector.broadcast(D, NormalF64.LOG18));
      g = h.fma(g, DoubleVector.broadcast(D, NormalF64.LOG17));
      g = h.fma(g, DoubleVector.broadcast(D, NormalF64.LOG16));
      g = h.fma(g, DoubleVector.broadcast(D, NormalF64.LOG15));
      g = h.fma(g, DoubleVector.broadcast(D, NormalF64.LOG14));
      g = h.fma(g, DoubleVector.broadcast(D, NormalF64.LOG13));
      g = h.fma(g, DoubleVector.broadcast(D, NormalF64.LOG12));
      g = h.fma(g, DoubleVector.broadcast(D, NormalF64.LOG11));
      g = h.fma(g, DoubleVector.broadcast(D, NormalF64.LOG10));
      g = h.fma(g, DoubleVector.broadcast(D, NormalF64.LOG9));
      g = h.fma(g, DoubleVector.broadcast(D, NormalF64.LOG8));
      g = h.fma(g, DoubleVector.broadcast(D, NormalF64.LOG7));
      g = h.fma(g, DoubleVector.broadcast(D, NormalF64.LOG6));
      g = h.fma(g, DoubleVector.broadcast(D, NormalF64.LOG5));
      g = h.fma(g, DoubleVector.broadcast(D, NormalF64.LOG4));
      g = h.fma(g, DoubleVector.broadcast(D, NormalF64.LOG3));
      g = h.fma(g, DoubleVector.broadcast(D, NormalF64.LOG2));
      g = h.fma(g, DoubleVector.broadcast(D, NormalF64.LOG1));
      DoubleVector ln =
          e.fma(DoubleVector.broadcast(D, NormalF64.LOG_EXPONENT), h.mul(h).fma(g, h));
      DoubleVector r = ln.lanewise(SQRT);

      // sin and cos of the angle less its nearest quarter turn
      LongVector y = unzipOdd.selectFrom(first, second).reinterpretAsLongs();
      LongVector turns = y.lanewise(LSHL, 2).or(2);
      DoubleVector turnsHigh =
          turns.lanewise(ASHR, 32).add(signed).reinterpretAsDoubles().sub(signedValue);
      DoubleVector turnsLow = turns.and(lowBits).or(whole).reinterpretAsDoubles().sub(wholeValue);
      DoubleVector a = turnsHigh.fma(p32, turnsLow);
      DoubleVector b = a.mul(0x1p-126).mul(a);
      DoubleVector sp =
          b.fma(
              DoubleVector.broadcast(D, NormalF64.SIN6), DoubleVector.broadcast(D, NormalF64.SIN5));
      sp = b.fma(sp, DoubleVector.broadcast(D, NormalF64.SIN4));
      sp = b.fma(sp, DoubleVector.broadcast(D, NormalF64.SIN3));
      sp = b.fma(sp, DoubleVector.broadcast(D, NormalF64.SIN2));
      sp = b.fma(sp, DoubleVector.broadcast(D, NormalF64.SIN1));
      sp = b.fma(sp, DoubleVector.broadcast(D, NormalF64.SIN0_LOW));
      DoubleVector sinEighth = a.fma(DoubleVector.broadcast(D, NormalF64.SIN0), a.mul(sp));
      DoubleVector cp =
          b.fma(
              DoubleVector.broadcast(D, NormalF64.COS6), DoubleVector.broadcast(D, NormalF64.COS5));
      cp = b.fma(cp, DoubleVector.broadcast(D, NormalF64.COS4));
      cp = b.fma(cp, DoubleVector.broadcast(D, NormalF64.COS3));
      cp = b.fma(cp, DoubleVector.broadcast(D, NormalF64.COS2));
      cp = b.fma(cp, DoubleVector.broadcast(D, NormalF64.COS1));
      DoubleVector cosEighth = b.fma(cp, one);

      // their roles and signs by the quarter
      LongVector k = y.add(0x2000000000000000L);
      LongVector sinBits = sinEighth.reinterpretAsLongs();
      LongVector cosBits = cosEighth.reinterpretAsLongs();
      LongVector swap = // masks of two lanes would be boxed at 128 bits
          sinBits.lanewise(XOR, cosBits).and(k.lanewise(LSHL, 1).lanewise(ASHR, 63));
      LongVector sin = sinBits.lanewise(XOR, swap).lanewise(XOR, k.and(0x8000000000000000L));
      LongVector cos =
          cosBits
              .lanewise(XOR, swap)
              .lanewise(XOR, k.add(0x4000000000000000L).and(0x8000000000000000L));
      DoubleVector s = DoubleVector.broadcast(D, scale);
      DoubleVector t = DoubleVector.broadcast(D, shift);
      IntVector even = r.mul(sin.reinterpretAsDoubles()).fma(s, t).reinterpretAsInts();
      IntVector other = r.mul(cos.reinterpretAsDoubles()).fma(s, t).reinterpretAsInts();
      zipLow.selectFrom(even, other).reinterpretAsDoubles().intoArray(out, i);
      zipHigh.selectFrom(even, other).reinterpretAsDoubles().intoArray(out, i + VL);
    }
  }

  @Override
  public void truncatedNormal(
      int[] words,
      double[] out,
      int count,
      TruncatedNormalF64.Plan plan,
      double scale,
      double shift,
      double least,
      double most) {
    double[] tail = plan.tail();
    LongVector lowBits = LongVector.broadcast(L, 0xFFFFFFFFL);
    LongVector whole = LongVector.broadcast(L, WHOLE);
    DoubleVector wholeValue = DoubleVector.broadcast(D, 0x1p52);
    DoubleVector p32 = DoubleVector.broadcast(D, 0x1p32);
    LongVector flip = LongVector.broadcast(L, plan.flip());
    LongVector split = LongVector.broadcast(L, plan.split());
    DoubleVector width = DoubleVector.broadcast(D, plan.width());
    DoubleVector cut = DoubleVector.broadcast(D, plan.cut());
    // Bits for words below the mean, and what flips them to those above: masks of two lanes would
    // be boxed at 128 bits.
    LongVector tailBits = LongVector.broadcast(L, Double.doubleToRawLongBits(plan.tailBelow()));
    LongVector tailFlip = tailBits.lanewise(XOR, Double.doubleToRawLongBits(plan.tailAbove()));
    LongVector middleBits = LongVector.broadcast(L, Double.doubleToRawLongBits(plan.middleBelow()));
    LongVector middleFlip =
        middleBits.lanewise(XOR, Double.doubleToRawLongBits(plan.middleAbove()));
    DoubleVector s = DoubleVector.broadcast(D, scale);
    DoubleVector t = DoubleVector.broadcast(D, shift);
    DoubleVector lo = DoubleVector.broadcast(D, least);
    DoubleVector hi = DoubleVector.broadcast(D, most);
    for (int i = 0; i < count; i += VL) {
      LongVector x =
          IntVector.fromArray(I, words, BASE + 2 * i).reinterpretAsLongs().lanewise(XOR, flip);
      LongVector difference = x.sub(split);
      LongVector not = x.lanewise(NOT);
      LongVector borrow = not.and(split).or(not.or(split).and(difference)); // top bit: x < split
      LongVector above = borrow.lanewise(ASHR, 63).lanewise(NOT);
      LongVector end = x.lanewise(XOR, above);
      DoubleVector endHigh =
          end.lanewise(LSHR, 32).or(whole).reinterpretAsDoubles().sub(wholeValue);
      DoubleVector endLow = end.and(lowBits).or(whole).reinterpretAsDoubles().sub(wholeValue);
      DoubleVector p =
          endHigh
              .fma(p32, endLow)
              .fma(width, tailBits.lanewise(XOR, tailFlip.and(above)).reinterpretAsDoubles());
      LongVector mid = difference.lanewise(XOR, above.lanewise(NOT)); // split + ~x = ~(x − split)
      DoubleVector midHigh =
          mid.lanewise(LSHR, 32).or(whole).reinterpretAsDoubles().sub(wholeValue);
      DoubleVector midLow = mid.and(lowBits).or(whole).reinterpretAsDoubles().sub(wholeValue);
      DoubleVector q =
          midHigh
              .fma(p32, midLow)
              .fma(width, middleBits.lanewise(XOR, middleFlip.and(above)).reinterpretAsDoubles());
      DoubleVector v =
          p.neg()
              .fma(p, p)
              .lanewise(SQRT)
              .lanewise(SQRT)
              .sub(DoubleVector.broadcast(D, TruncatedNormalF64.ROOT_CENTRE));
      DoubleVector g =
          v.fma(
              DoubleVector.broadcast(D, TruncatedNormalF64.ROOT19),
              DoubleVector.broadcast(D, TruncatedNormalF64.ROOT18));
      g = v.fma(g, DoubleVector.broadcast(D, TruncatedNormalF64.ROOT17));
      g = v.fma(g, DoubleVector.broadcast(D, TruncatedNormalF64.ROOT16));
      g = v.fma(g, DoubleVector.broadcast(D, TruncatedNormalF64.ROOT15));
      g = v.fma(g, DoubleVector.broadcast(D, TruncatedNormalF64.ROOT14));
      g = v.fma(g, DoubleVector.broadcast(D, TruncatedNormalF64.ROOT13));
      g = v.fma(g, DoubleVector.broadcast(D, TruncatedNormalF64.ROOT12));
      g = v.fma(g, DoubleVector.broadcast(D, TruncatedNormalF64.ROOT11));
      g = v.fma(g, DoubleVector.broadcast(D, TruncatedNormalF64.ROOT10));
      g = v.fma(g, DoubleVector.broadcast(D, TruncatedNormalF64.ROOT9));
      g = v.fma(g, DoubleVector.broadcast(D, TruncatedNormalF64.ROOT8));
      g = v.fma(g, DoubleVector.broadcast(D, TruncatedNormalF64.ROOT7));
      g = v.fma(g, DoubleVector.broadcast(D, TruncatedNormalF64.ROOT6));
      g = v.fma(g, DoubleVector.broadcast(D, TruncatedNormalF64.ROOT5));
      g = v.fma(g, DoubleVector.broadcast(D, TruncatedNormalF64.ROOT4));
      g = v.fma(g, DoubleVector.broadcast(D, TruncatedNormalF64.ROOT3));
      g = v.fma(g, DoubleVector.broadcast(D, TruncatedNormalF64.ROOT2));
      g = v.fma(g, DoubleVector.broadcast(D, TruncatedNormalF64.ROOT1));
      g = v.fma(g, DoubleVector.broadcast(D, TruncatedNormalF64.ROOT0));
      LongVector z = q.mul(g).reinterpretAsLongs();
      LongVector inTail = p.sub(cut).reinterpretAsLongs().lanewise(ASHR, 63); // p < cut
      if (inTail.reduceLanes(OR) != 0) {
        LongVector bits = p.reinterpretAsLongs();
        LongVector exponent = bits.sub(NormalF64.LOG_BASE).and(0xfff0000000000000L);
        DoubleVector e =
            exponent
                .lanewise(ASHR, 52)
                .add(SIGNED)
                .reinterpretAsDoubles()
                .sub(0x1.8p52)
                .sub(plan.k());
        DoubleVector m = bits.sub(exponent).reinterpretAsDoubles();
        DoubleVector d = DoubleVector.broadcast(D, 2).sub(m.add(m));
        DoubleVector h =
            d.fma(
                DoubleVector.broadcast(D, NormalF64.LOG19),
                DoubleVector.broadcast(D, NormalF64.LOG18));
        h = d.fma(h, DoubleVector.broadcast(D, NormalF64.LOG17));
        h = d.fma(h, DoubleVector.broadcast(D, NormalF64.LOG16));
        h = d.fma(h, DoubleVector.broadcast(D, NormalF64.LOG15));
        h = d.fma(h, DoubleVector.broadcast(D, NormalF64.LOG14));
        h = d.fma(h, DoubleVector.broadcast(D, NormalF64.LOG13));
        h = d.fma(h, DoubleVector.broadcast(D, NormalF64.LOG12));
        h = d.fma(h, DoubleVector.broadcast(D, NormalF64.LOG11));
        h = d.fma(h, DoubleVector.broadcast(D, NormalF64.LOG10));
        h = d.fma(h, DoubleVector.broadcast(D, NormalF64.LOG9));
        h = d.fma(h, DoubleVector.broadcast(D, NormalF64.LOG8));
        h = d.fma(h, DoubleVector.broadcast(D, NormalF64.LOG7));
        h = d.fma(h, DoubleVector.broadcast(D, NormalF64.LOG6));
        h = d.fma(h, DoubleVector.broadcast(D, NormalF64.LOG5));
        h = d.fma(h, DoubleVector.broadcast(D, NormalF64.LOG4));
        h = d.fma(h, DoubleVector.broadcast(D, NormalF64.LOG3));
        h = d.fma(h, DoubleVector.broadcast(D, NormalF64.LOG2));
        h = d.fma(h, DoubleVector.broadcast(D, NormalF64.LOG1));
        DoubleVector ln =
            e.fma(DoubleVector.broadcast(D, NormalF64.LOG_EXPONENT), d.mul(d).fma(h, d));
        DoubleVector r = ln.lanewise(SQRT);
        DoubleVector w = r.lanewise(SQRT).sub(plan.tailCentre());
        DoubleVector c = DoubleVector.broadcast(D, tail[TruncatedNormalF64.TAIL_TERMS - 1]);
        for (int n = TruncatedNormalF64.TAIL_TERMS - 2; n >= 0; n--) {
          c = w.fma(c, DoubleVector.broadcast(D, tail[n]));
        }
        LongVector other = r.add(c).reinterpretAsLongs();
        z = z.lanewise(XOR, z.lanewise(XOR, other).and(inTail));
      }
      LongVector sign = above.lanewise(XOR, flip).lanewise(NOT).and(0x8000000000000000L);
      DoubleVector value = z.lanewise(XOR, sign).reinterpretAsDoubles().fma(s, t);
      value.max(lo).min(hi).intoArray(out, i);
    }
  }

  @Override
  public void toBfloat16(float[] values, short[] out, int count) {
    IntVector half = IntVector.broadcast(I, 0x7FFF);
    IntVector one = IntVector.broadcast(I, 1);
    for (int i = 0; i < count; i += VI) {
      IntVector bits = FloatVector.fromArray(F, values, i).reinterpretAsInts();
      IntVector rounded = bits.add(half).add(bits.lanewise(LSHR, 16).and(one)).lanewise(LSHR, 16);
      ((ShortVector) rounded.convertShape(I2S, HALF, 0)).intoArray(out, i);
    }
  }

  /** The compiler turns this loop into vectors where the processor converts halves. */
  @Override
  public void toFloat16(float[] values, short[] out, int count) {
    for (int i = 0; i < count; i++) {
      out[i] = Float.floatToFloat16(values[i]);
    }
  }

  /** Two vectors a, b become a0 b0 a1 b1 …, in two vectors. */
  private static int[] zip(int lanes) {
    int[] indices = new int[2 * lanes];
    for (int i = 0; i < lanes; i++) {
      indices[2 * i] = i;
      indices[2 * i + 1] = lanes + i;
    }
    return indices;
  }

  /** The inverse of {@link #zip}. */
  private static int[] unzip(int lanes) {
    int[] indices = new int[2 * lanes];
    for (int i = 0; i < lanes; i++) {
      indices[i] = 2 * i;
      indices[lanes + i] = 2 * i + 1;
    }
    return indices;
  }

  /** Indices of longs become those of their two ints. */
  private static int[] halves(int[] longs) {
    int[] indices = new int[2 * longs.length];
    for (int i = 0; i < indices.length; i++) {
      indices[i] = 2 * longs[i / 2] + i % 2;
    }
    return indices;
  }
}
