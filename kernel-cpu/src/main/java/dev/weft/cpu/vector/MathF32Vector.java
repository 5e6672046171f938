package dev.weft.cpu.vector;

import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;

import dev.weft.cpu.scalar.MathF32;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** {@link MathF32} in vectors, operation for operation. */
final class MathF32Vector {
  private MathF32Vector() {}

  /** eˣ for x ≤ 0: 0 where it would be subnormal. */
  @Inlined
  static FloatVector exp(VectorSpecies<Float> f, FloatVector x) {
    FloatVector k = scaled(f, x);
    FloatVector n = k.sub(MathF32.MAGIC);
    FloatVector r = n.fma(FloatVector.broadcast(f, -MathF32.LN2), x);
    r = n.fma(FloatVector.broadcast(f, -MathF32.LN2_LOW), r);
    FloatVector s = power(k);
    return s.fma(expm1OfRest(f, r), s).blend(0f, x.lt(MathF32.EXP_MIN));
  }

  /** e^(x + low) for x ≤ 0 and a low part far smaller. */
  @Inlined
  static FloatVector exp(VectorSpecies<Float> f, FloatVector x, FloatVector low) {
    FloatVector k = scaled(f, x);
    FloatVector n = k.sub(MathF32.MAGIC);
    FloatVector rest = n.fma(FloatVector.broadcast(f, -MathF32.LN2_LOW), low);
    FloatVector r = n.fma(FloatVector.broadcast(f, -MathF32.LN2), x).add(rest);
    FloatVector s = power(k);
    return s.fma(expm1OfRest(f, r), s).blend(0f, x.lt(MathF32.EXP_MIN));
  }

  /** eˣ − 1 for x ≤ 0. */
  @Inlined
  static FloatVector expm1(VectorSpecies<Float> f, FloatVector x) {
    FloatVector v = x.blend(MathF32.EXPM1_MIN, x.lt(MathF32.EXPM1_MIN));
    FloatVector k = scaled(f, v);
    FloatVector n = k.sub(MathF32.MAGIC);
    FloatVector r = n.fma(FloatVector.broadcast(f, -MathF32.LN2), v);
    r = n.fma(FloatVector.broadcast(f, -MathF32.LN2_LOW), r);
    FloatVector s = power(k);
    return s.fma(expm1OfRest(f, r), s.sub(1));
  }

  /** MAGIC and the integer nearest to x·log₂ e. */
  @Inlined
  static FloatVector scaled(VectorSpecies<Float> f, FloatVector x) {
    return x.fma(FloatVector.broadcast(f, MathF32.LOG2E), FloatVector.broadcast(f, MathF32.MAGIC));
  }

  /** 2ⁿ of MAGIC + n. */
  @Inlined
  static FloatVector power(FloatVector k) {
    return k.reinterpretAsInts().lanewise(LSHL, 23).add(0x3f800000).reinterpretAsFloats();
  }

  /** eʳ − 1 on ±½ ln 2. */
  @Inlined
  static FloatVector expm1OfRest(VectorSpecies<Float> f, FloatVector r) {
    FloatVector q = horner(f, r, FloatVector.broadcast(f, MathF32.EXP4), MathF32.EXP3);
    q = horner(f, r, q, MathF32.EXP2);
    q = horner(f, r, q, MathF32.EXP1);
    q = horner(f, r, q, MathF32.EXP0);
    return r.mul(r).fma(q, r);
  }

  /** x·q + c. */
  @Inlined
  static FloatVector horner(VectorSpecies<Float> f, FloatVector x, FloatVector q, float c) {
    return x.fma(q, FloatVector.broadcast(f, c));
  }

  /** ln(1 + t), 0 ≤ t ≤ 1. */
  @Inlined
  static FloatVector log1p(VectorSpecies<Float> s, FloatVector t) {
    VectorMask<Float> halved = t.compare(GT, 0.5f);
    FloatVector half = t.fma(FloatVector.broadcast(s, 0.5f), FloatVector.broadcast(s, -0.5f));
    FloatVector f = t.blend(half, halved);
    FloatVector e = FloatVector.zero(s).blend(1f, halved);
    FloatVector q = horner(s, f, FloatVector.broadcast(s, MathF32.LOG8), MathF32.LOG7);
    q = horner(s, f, q, MathF32.LOG6);
    q = horner(s, f, q, MathF32.LOG5);
    q = horner(s, f, q, MathF32.LOG4);
    q = horner(s, f, q, MathF32.LOG3);
    q = horner(s, f, q, MathF32.LOG2);
    q = horner(s, f, q, MathF32.LOG1);
    q = horner(s, f, q, MathF32.LOG0);
    FloatVector rest = f.mul(f).fma(q, e.fma(FloatVector.broadcast(s, MathF32.LN2_LOW), f));
    return e.fma(FloatVector.broadcast(s, MathF32.LN2), rest);
  }

  /** e^(−t²/2), with both parts of t². */
  @Inlined
  static FloatVector expOfHalfSquare(VectorSpecies<Float> f, FloatVector t) {
    FloatVector h = t.mul(t);
    return exp(f, h.mul(-0.5f), t.fma(t, h.neg()).mul(-0.5f));
  }

  /** e^(t²/2)·Φ(−t), t ≥ 0. */
  @Inlined
  static FloatVector scaledTail(VectorSpecies<Float> f, FloatVector t) {
    FloatVector w = FloatVector.broadcast(f, 1f).div(t.add(MathF32.TAIL_CENTRE));
    FloatVector y = t.mul(w).fma(FloatVector.broadcast(f, 2f), FloatVector.broadcast(f, -1f));
    FloatVector p = horner(f, y, FloatVector.broadcast(f, MathF32.TAIL9), MathF32.TAIL8);
    p = horner(f, y, p, MathF32.TAIL7);
    p = horner(f, y, p, MathF32.TAIL6);
    p = horner(f, y, p, MathF32.TAIL5);
    p = horner(f, y, p, MathF32.TAIL4);
    p = horner(f, y, p, MathF32.TAIL3);
    p = horner(f, y, p, MathF32.TAIL2);
    p = horner(f, y, p, MathF32.TAIL1);
    p = horner(f, y, p, MathF32.TAIL0);
    return w.mul(p);
  }
}
