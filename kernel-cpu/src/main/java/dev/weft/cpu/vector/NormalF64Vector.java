package dev.weft.cpu.vector;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.SQRT;
import static jdk.incubator.vector.VectorOperators.XOR;

import dev.weft.cpu.scalar.NormalF64;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link NormalF64} in vectors, operation for operation. Integers become doubles by integer
 * arithmetic on patterns, and signs choose by bits: conversions of longs and masks of two lanes are
 * boxed at 128 bits.
 */
final class NormalF64Vector {
  /** Pattern of 2⁵²: with an integer below 2³² in its low bits, the pattern of 2⁵² plus that. */
  private static final long WHOLE = 0x4330000000000000L;

  /** Pattern of 1.5·2⁵²: plus an integer of at most 32 bits and a sign, the pattern of that sum. */
  private static final long SIGNED = 0x4338000000000000L;

  private NormalF64Vector() {}

  /** The value of the upper, unsigned half. */
  @Inlined
  static DoubleVector high(LongVector x) {
    return x.lanewise(LSHR, 32).or(WHOLE).reinterpretAsDoubles().sub(0x1p52);
  }

  /** The value of the lower, unsigned half. */
  @Inlined
  static DoubleVector low(LongVector x) {
    return x.and(0xFFFFFFFFL).or(WHOLE).reinterpretAsDoubles().sub(0x1p52);
  }

  /** The f64 nearest to an unsigned word. */
  @Inlined
  static DoubleVector unsigned(VectorSpecies<Double> d, LongVector x) {
    return high(x).fma(DoubleVector.broadcast(d, 0x1p32), low(x));
  }

  /** The value of an integer of at most 32 bits and a sign. */
  @Inlined
  static DoubleVector signed(LongVector x) {
    return x.add(SIGNED).reinterpretAsDoubles().sub(0x1.8p52);
  }

  /** u of a word. */
  @Inlined
  static DoubleVector unit(VectorSpecies<Double> d, LongVector x) {
    return high(x)
        .fma(
            DoubleVector.broadcast(d, 0x1p-32),
            low(x).fma(DoubleVector.broadcast(d, 0x1p-64), DoubleVector.broadcast(d, 0x1p-65)));
  }

  /** √(−2 ln(u·2⁻ᵏ)). */
  @Inlined
  static DoubleVector radius(VectorSpecies<Double> d, DoubleVector u, double k) {
    LongVector bits = u.reinterpretAsLongs();
    LongVector exponent = bits.sub(NormalF64.LOG_BASE).and(0xfff0000000000000L);
    DoubleVector e = signed(exponent.lanewise(ASHR, 52)).sub(k);
    DoubleVector m = bits.sub(exponent).reinterpretAsDoubles();
    DoubleVector h = DoubleVector.broadcast(d, 2).sub(m.add(m));
    DoubleVector g =
        h.fma(
            DoubleVector.broadcast(d, NormalF64.LOG19), DoubleVector.broadcast(d, NormalF64.LOG18));
    g = h.fma(g, DoubleVector.broadcast(d, NormalF64.LOG17));
    g = h.fma(g, DoubleVector.broadcast(d, NormalF64.LOG16));
    g = h.fma(g, DoubleVector.broadcast(d, NormalF64.LOG15));
    g = h.fma(g, DoubleVector.broadcast(d, NormalF64.LOG14));
    g = h.fma(g, DoubleVector.broadcast(d, NormalF64.LOG13));
    g = h.fma(g, DoubleVector.broadcast(d, NormalF64.LOG12));
    g = h.fma(g, DoubleVector.broadcast(d, NormalF64.LOG11));
    g = h.fma(g, DoubleVector.broadcast(d, NormalF64.LOG10));
    g = h.fma(g, DoubleVector.broadcast(d, NormalF64.LOG9));
    g = h.fma(g, DoubleVector.broadcast(d, NormalF64.LOG8));
    g = h.fma(g, DoubleVector.broadcast(d, NormalF64.LOG7));
    g = h.fma(g, DoubleVector.broadcast(d, NormalF64.LOG6));
    g = h.fma(g, DoubleVector.broadcast(d, NormalF64.LOG5));
    g = h.fma(g, DoubleVector.broadcast(d, NormalF64.LOG4));
    g = h.fma(g, DoubleVector.broadcast(d, NormalF64.LOG3));
    g = h.fma(g, DoubleVector.broadcast(d, NormalF64.LOG2));
    g = h.fma(g, DoubleVector.broadcast(d, NormalF64.LOG1));
    return e.fma(DoubleVector.broadcast(d, NormalF64.LOG_EXPONENT), h.mul(h).fma(g, h))
        .lanewise(SQRT);
  }

  /** a·2⁶³ of a word: the angle less its nearest quarter turn is π/4·a. */
  @Inlined
  static DoubleVector angle(VectorSpecies<Double> d, LongVector y) {
    LongVector turns = y.lanewise(LSHL, 2).or(2);
    return signed(turns.lanewise(ASHR, 32)).fma(DoubleVector.broadcast(d, 0x1p32), low(turns));
  }

  /** sin(π/4·a). */
  @Inlined
  static DoubleVector sin(VectorSpecies<Double> d, DoubleVector a) {
    DoubleVector b = a.mul(0x1p-126).mul(a);
    DoubleVector p =
        b.fma(DoubleVector.broadcast(d, NormalF64.SIN6), DoubleVector.broadcast(d, NormalF64.SIN5));
    p = b.fma(p, DoubleVector.broadcast(d, NormalF64.SIN4));
    p = b.fma(p, DoubleVector.broadcast(d, NormalF64.SIN3));
    p = b.fma(p, DoubleVector.broadcast(d, NormalF64.SIN2));
    p = b.fma(p, DoubleVector.broadcast(d, NormalF64.SIN1));
    p = b.fma(p, DoubleVector.broadcast(d, NormalF64.SIN0_LOW));
    return a.fma(DoubleVector.broadcast(d, NormalF64.SIN0), a.mul(p));
  }

  /** cos(π/4·a). */
  @Inlined
  static DoubleVector cos(VectorSpecies<Double> d, DoubleVector a) {
    DoubleVector b = a.mul(0x1p-126).mul(a);
    DoubleVector p =
        b.fma(DoubleVector.broadcast(d, NormalF64.COS6), DoubleVector.broadcast(d, NormalF64.COS5));
    p = b.fma(p, DoubleVector.broadcast(d, NormalF64.COS4));
    p = b.fma(p, DoubleVector.broadcast(d, NormalF64.COS3));
    p = b.fma(p, DoubleVector.broadcast(d, NormalF64.COS2));
    p = b.fma(p, DoubleVector.broadcast(d, NormalF64.COS1));
    return b.fma(p, DoubleVector.broadcast(d, 1));
  }

  /** sin φ of a word's whole angle, from the sine and cosine of what is left of it. */
  @Inlined
  static DoubleVector sinOfTurn(LongVector y, DoubleVector sin, DoubleVector cos) {
    LongVector k = y.add(0x2000000000000000L); // the two top bits count the nearest quarter turn
    return sin.reinterpretAsLongs()
        .lanewise(XOR, swap(k, sin, cos))
        .lanewise(XOR, k.and(0x8000000000000000L))
        .reinterpretAsDoubles();
  }

  /** cos φ. */
  @Inlined
  static DoubleVector cosOfTurn(LongVector y, DoubleVector sin, DoubleVector cos) {
    LongVector k = y.add(0x2000000000000000L);
    return cos.reinterpretAsLongs()
        .lanewise(XOR, swap(k, sin, cos))
        .lanewise(XOR, k.add(0x4000000000000000L).and(0x8000000000000000L))
        .reinterpretAsDoubles();
  }

  /** What turns sine and cosine into each other where k's second bit is set, else 0. */
  @Inlined
  static LongVector swap(LongVector k, DoubleVector sin, DoubleVector cos) {
    return sin.reinterpretAsLongs()
        .lanewise(XOR, cos.reinterpretAsLongs())
        .and(k.lanewise(LSHL, 1).lanewise(ASHR, 63));
  }
}
