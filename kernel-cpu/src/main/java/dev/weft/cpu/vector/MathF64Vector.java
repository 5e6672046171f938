package dev.weft.cpu.vector;

import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;

import dev.weft.cpu.scalar.MathF64;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** {@link MathF64} in vectors, operation for operation. */
final class MathF64Vector {
  private MathF64Vector() {}

  /** eˣ for x ≤ 0: 0 where it would be subnormal. */
  @Inlined
  static DoubleVector exp(VectorSpecies<Double> f, DoubleVector x) {
    DoubleVector k = scaled(f, x);
    DoubleVector n = k.sub(MathF64.MAGIC);
    DoubleVector r = n.fma(DoubleVector.broadcast(f, -MathF64.LN2), x);
    r = n.fma(DoubleVector.broadcast(f, -MathF64.LN2_LOW), r);
    DoubleVector s = power(k);
    return s.fma(expm1OfRest(f, r), s).blend(0.0, x.lt(MathF64.EXP_MIN));
  }

  /** e^(x + low) for x ≤ 0 and a low part far smaller. */
  @Inlined
  static DoubleVector exp(VectorSpecies<Double> f, DoubleVector x, DoubleVector low) {
    DoubleVector k = scaled(f, x);
    DoubleVector n = k.sub(MathF64.MAGIC);
    DoubleVector rest = n.fma(DoubleVector.broadcast(f, -MathF64.LN2_LOW), low);
    DoubleVector r = n.fma(DoubleVector.broadcast(f, -MathF64.LN2), x).add(rest);
    DoubleVector s = power(k);
    return s.fma(expm1OfRest(f, r), s).blend(0.0, x.lt(MathF64.EXP_MIN));
  }

  /** eˣ − 1 for x ≤ 0. */
  @Inlined
  static DoubleVector expm1(VectorSpecies<Double> f, DoubleVector x) {
    DoubleVector v = x.blend(MathF64.EXPM1_MIN, x.lt(MathF64.EXPM1_MIN));
    DoubleVector k = scaled(f, v);
    DoubleVector n = k.sub(MathF64.MAGIC);
    DoubleVector r = n.fma(DoubleVector.broadcast(f, -MathF64.LN2), v);
    r = n.fma(DoubleVector.broadcast(f, -MathF64.LN2_LOW), r);
    DoubleVector s = power(k);
    return s.fma(expm1OfRest(f, r), s.sub(1));
  }

  /** MAGIC and the integer nearest to x·log₂ e. */
  @Inlined
  static DoubleVector scaled(VectorSpecies<Double> f, DoubleVector x) {
    return x.fma(
        DoubleVector.broadcast(f, MathF64.LOG2E), DoubleVector.broadcast(f, MathF64.MAGIC));
  }

  /** 2ⁿ of MAGIC + n. */
  @Inlined
  static DoubleVector power(DoubleVector k) {
    return k.reinterpretAsLongs()
        .lanewise(LSHL, 52)
        .add(0x3ff0000000000000L)
        .reinterpretAsDoubles();
  }

  /** eʳ − 1 on ±½ ln 2. */
  @Inlined
  static DoubleVector expm1OfRest(VectorSpecies<Double> f, DoubleVector r) {
    DoubleVector q = horner(f, r, DoubleVector.broadcast(f, MathF64.EXP9), MathF64.EXP8);
    q = horner(f, r, q, MathF64.EXP7);
    q = horner(f, r, q, MathF64.EXP6);
    q = horner(f, r, q, MathF64.EXP5);
    q = horner(f, r, q, MathF64.EXP4);
    q = horner(f, r, q, MathF64.EXP3);
    q = horner(f, r, q, MathF64.EXP2);
    q = horner(f, r, q, MathF64.EXP1);
    q = horner(f, r, q, MathF64.EXP0);
    return r.mul(r).fma(q, r);
  }

  /** x·q + c. */
  @Inlined
  static DoubleVector horner(VectorSpecies<Double> f, DoubleVector x, DoubleVector q, double c) {
    return x.fma(q, DoubleVector.broadcast(f, c));
  }

  /** ln(1 + t), 0 ≤ t ≤ 1. */
  @Inlined
  static DoubleVector log1p(VectorSpecies<Double> s, DoubleVector t) {
    VectorMask<Double> halved = t.compare(GT, 0.5);
    DoubleVector half = t.fma(DoubleVector.broadcast(s, 0.5), DoubleVector.broadcast(s, -0.5));
    DoubleVector f = t.blend(half, halved);
    DoubleVector e = DoubleVector.zero(s).blend(1.0, halved);
    DoubleVector q = horner(s, f, DoubleVector.broadcast(s, MathF64.LOG19), MathF64.LOG18);
    q = horner(s, f, q, MathF64.LOG17);
    q = horner(s, f, q, MathF64.LOG16);
    q = horner(s, f, q, MathF64.LOG15);
    q = horner(s, f, q, MathF64.LOG14);
    q = horner(s, f, q, MathF64.LOG13);
    q = horner(s, f, q, MathF64.LOG12);
    q = horner(s, f, q, MathF64.LOG11);
    q = horner(s, f, q, MathF64.LOG10);
    q = horner(s, f, q, MathF64.LOG9);
    q = horner(s, f, q, MathF64.LOG8);
    q = horner(s, f, q, MathF64.LOG7);
    q = horner(s, f, q, MathF64.LOG6);
    q = horner(s, f, q, MathF64.LOG5);
    q = horner(s, f, q, MathF64.LOG4);
    q = horner(s, f, q, MathF64.LOG3);
    q = horner(s, f, q, MathF64.LOG2);
    q = horner(s, f, q, MathF64.LOG1);
    q = horner(s, f, q, MathF64.LOG0);
    DoubleVector rest = f.mul(f).fma(q, e.fma(DoubleVector.broadcast(s, MathF64.LN2_LOW), f));
    return e.fma(DoubleVector.broadcast(s, MathF64.LN2), rest);
  }

  /** e^(−t²/2), with both parts of t². */
  @Inlined
  static DoubleVector expOfHalfSquare(VectorSpecies<Double> f, DoubleVector t) {
    DoubleVector h = t.mul(t);
    return exp(f, h.mul(-0.5), t.fma(t, h.neg()).mul(-0.5));
  }

  /** e^(t²/2)·Φ(−t), t ≥ 0. */
  @Inlined
  static DoubleVector scaledTail(VectorSpecies<Double> f, DoubleVector t) {
    DoubleVector w = DoubleVector.broadcast(f, 1.0).div(t.add(MathF64.TAIL_CENTRE));
    DoubleVector y = t.mul(w).fma(DoubleVector.broadcast(f, 2.0), DoubleVector.broadcast(f, -1.0));
    DoubleVector p = horner(f, y, DoubleVector.broadcast(f, MathF64.TAIL21), MathF64.TAIL20);
    p = horner(f, y, p, MathF64.TAIL19);
    p = horner(f, y, p, MathF64.TAIL18);
    p = horner(f, y, p, MathF64.TAIL17);
    p = horner(f, y, p, MathF64.TAIL16);
    p = horner(f, y, p, MathF64.TAIL15);
    p = horner(f, y, p, MathF64.TAIL14);
    p = horner(f, y, p, MathF64.TAIL13);
    p = horner(f, y, p, MathF64.TAIL12);
    p = horner(f, y, p, MathF64.TAIL11);
    p = horner(f, y, p, MathF64.TAIL10);
    p = horner(f, y, p, MathF64.TAIL9);
    p = horner(f, y, p, MathF64.TAIL8);
    p = horner(f, y, p, MathF64.TAIL7);
    p = horner(f, y, p, MathF64.TAIL6);
    p = horner(f, y, p, MathF64.TAIL5);
    p = horner(f, y, p, MathF64.TAIL4);
    p = horner(f, y, p, MathF64.TAIL3);
    p = horner(f, y, p, MathF64.TAIL2);
    p = horner(f, y, p, MathF64.TAIL1);
    p = horner(f, y, p, MathF64.TAIL0);
    return w.mul(p);
  }
}
