package dev.weft.cpu.vector;

import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;

import dev.weft.cpu.scalar.NormalF32;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link NormalF32} in vectors, operation for operation, in pieces that a software pipeline can
 * spread over several steps of its loop.
 */
final class NormalF32Vector {
  private NormalF32Vector() {}

  /**
   * The f32 nearest to an unsigned word, through signed conversions: both halves are exact and one
   * rounding remains.
   */
  @Inlined
  static FloatVector unsigned(VectorSpecies<Float> f, IntVector x) {
    FloatVector high = (FloatVector) x.lanewise(LSHR, 16).convertShape(I2F, f, 0);
    FloatVector low = (FloatVector) x.and(0xFFFF).convertShape(I2F, f, 0);
    return high.fma(FloatVector.broadcast(f, 0x1p16f), low);
  }

  /** u of a word. */
  @Inlined
  static FloatVector unit(VectorSpecies<Float> f, IntVector x) {
    return unsigned(f, x)
        .fma(FloatVector.broadcast(f, 0x1p-32f), FloatVector.broadcast(f, 0x1p-33f));
  }

  /** e·2²³ of u = m·2ᵉ. */
  @Inlined
  @Exact
  static IntVector exponent(FloatVector u) {
    return u.reinterpretAsInts().sub(NormalF32.LOG_BASE).and(0xff800000);
  }

  /** h = 2 − 2m of u = m·2ᵉ. */
  @Inlined
  static FloatVector argument(VectorSpecies<Float> f, FloatVector u) {
    return u.reinterpretAsInts()
        .sub(exponent(u))
        .reinterpretAsFloats()
        .fma(FloatVector.broadcast(f, -2), FloatVector.broadcast(f, 2));
  }

  /** The first four coefficients of the logarithm's polynomial. */
  @Inlined
  static FloatVector logBegin(VectorSpecies<Float> f, FloatVector h) {
    FloatVector g =
        h.fma(FloatVector.broadcast(f, NormalF32.LOG8), FloatVector.broadcast(f, NormalF32.LOG7));
    g = h.fma(g, FloatVector.broadcast(f, NormalF32.LOG6));
    return h.fma(g, FloatVector.broadcast(f, NormalF32.LOG5));
  }

  /** The other four. */
  @Inlined
  static FloatVector logEnd(VectorSpecies<Float> f, FloatVector h, FloatVector g) {
    g = h.fma(g, FloatVector.broadcast(f, NormalF32.LOG4));
    g = h.fma(g, FloatVector.broadcast(f, NormalF32.LOG3));
    g = h.fma(g, FloatVector.broadcast(f, NormalF32.LOG2));
    return h.fma(g, FloatVector.broadcast(f, NormalF32.LOG1));
  }

  /**
   * −2 ln u.
   *
   * @param e e·2²³
   * @param g the polynomial at h
   */
  @Inlined
  static FloatVector minusTwoLn(
      VectorSpecies<Float> f, FloatVector e, FloatVector h, FloatVector g) {
    return e.fma(FloatVector.broadcast(f, NormalF32.LOG_EXPONENT), h.mul(h).fma(g, h));
  }

  /** a·2³¹ of a word: the angle less its nearest quarter turn is π/4·a. */
  @Inlined
  static FloatVector angle(VectorSpecies<Float> f, IntVector y) {
    return (FloatVector) y.lanewise(LSHL, 2).or(2).convertShape(I2F, f, 0);
  }

  /** a². */
  @Inlined
  static FloatVector square(FloatVector a) {
    return a.mul(0x1p-62f).mul(a);
  }

  /** The sine's polynomial at b = a². */
  @Inlined
  static FloatVector sinBegin(VectorSpecies<Float> f, FloatVector b) {
    FloatVector p =
        b.fma(FloatVector.broadcast(f, NormalF32.SIN3), FloatVector.broadcast(f, NormalF32.SIN2));
    p = b.fma(p, FloatVector.broadcast(f, NormalF32.SIN1));
    return b.fma(p, FloatVector.broadcast(f, NormalF32.SIN0_LOW));
  }

  /** sin(π/4·a) from the polynomial. */
  @Inlined
  static FloatVector sinEnd(VectorSpecies<Float> f, FloatVector a, FloatVector p) {
    return a.fma(FloatVector.broadcast(f, NormalF32.SIN0), a.mul(p));
  }

  /** cos(π/4·a) from b = a². */
  @Inlined
  static FloatVector cos(VectorSpecies<Float> f, FloatVector b) {
    FloatVector p =
        b.fma(FloatVector.broadcast(f, NormalF32.COS3), FloatVector.broadcast(f, NormalF32.COS2));
    p = b.fma(p, FloatVector.broadcast(f, NormalF32.COS1));
    return b.fma(p, FloatVector.broadcast(f, 1));
  }

  /** k of a word: its two top bits count the nearest quarter turn. */
  @Inlined
  static IntVector turn(IntVector y) {
    return y.add(0x20000000);
  }

  /** sin φ of a word's whole angle, from the sine and cosine of what is left of it. */
  @Inlined
  static FloatVector sinOfTurn(
      VectorSpecies<Float> f, IntVector k, FloatVector sin, FloatVector cos) {
    return sin.blend(cos, k.lanewise(LSHL, 1).lt(0).cast(f))
        .reinterpretAsInts()
        .lanewise(XOR, k.and(0x80000000))
        .reinterpretAsFloats();
  }

  /** cos φ. */
  @Inlined
  static FloatVector cosOfTurn(
      VectorSpecies<Float> f, IntVector k, FloatVector sin, FloatVector cos) {
    return cos.blend(sin, k.lanewise(LSHL, 1).lt(0).cast(f))
        .reinterpretAsInts()
        .lanewise(XOR, k.add(0x40000000).and(0x80000000))
        .reinterpretAsFloats();
  }
}
