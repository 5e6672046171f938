package dev.weft.cpu.scalar;

/**
 * The elementary functions of the activations, in f64.
 *
 * <p>Every step is a correctly rounded IEEE operation, an exact conversion, a comparison that
 * selects, or an integer operation, in a fixed order, so that vectors of any width and a GPU give
 * the same bits; only what a NaN carries may differ. Polynomials are evaluated by Horner's rule
 * with fma. The errors are in docs/accuracy.md; {@code src/main/scripts/coefficients.py} made the
 * coefficients.
 */
public final class MathF64 {
  /** 1.5·2⁵²: what is added to it is rounded to an integer, in its low bits. */
  public static final double MAGIC = 0x1.8p52;

  /** log₂ e. */
  public static final double LOG2E = 0x1.71547652b82fep0;

  /** ln 2 in two parts. */
  public static final double LN2 = 0x1.62e42fefa39efp-1;

  public static final double LN2_LOW = 0x1.abc9e3b39803fp-56;

  /** Below it eˣ is 0: the first f64 above −1022 ln 2, so that no result is subnormal. */
  public static final double EXP_MIN = -0x1.6232bdd7abcd2p9;

  /** Below it eˣ − 1 is −1. */
  public static final double EXPM1_MIN = -38;

  // eʳ − 1 ≈ r + r²·(EXP0 + EXP1·r + …) on ±½ ln 2; relative error 0.17·2⁻⁵³.
  public static final double EXP0 = 0x1.0000000000005p-1;
  public static final double EXP1 = 0x1.5555555555542p-3;
  public static final double EXP2 = 0x1.55555555520e1p-5;
  public static final double EXP3 = 0x1.1111111116d4ep-7;
  public static final double EXP4 = 0x1.6c16c17f3d082p-10;
  public static final double EXP5 = 0x1.a01a0180a396cp-13;
  public static final double EXP6 = 0x1.a019a6708a93bp-16;
  public static final double EXP7 = 0x1.71de6e66001dfp-19;
  public static final double EXP8 = 0x1.28a2c6ff140a3p-22;
  public static final double EXP9 = 0x1.ae94035fb9e78p-26;

  // ln(1 + f) ≈ f + f²·(LOG0 + LOG1·f + …) on [−¼, ½]; relative error 0.08·2⁻⁵³.
  public static final double LOG0 = -0x1.ffffffffffffbp-2;
  public static final double LOG1 = 0x1.55555555555c4p-2;
  public static final double LOG2 = -0x1.0000000000dcep-2;
  public static final double LOG3 = 0x1.9999999989649p-3;
  public static final double LOG4 = -0x1.55555553fd425p-3;
  public static final double LOG5 = 0x1.2492492a06eb6p-3;
  public static final double LOG6 = -0x1.0000007837c4p-3;
  public static final double LOG7 = 0x1.c71c70e174487p-4;
  public static final double LOG8 = -0x1.99996de4712ebp-4;
  public static final double LOG9 = 0x1.745ce54d31f09p-4;
  public static final double LOG10 = -0x1.55598af8f9abbp-4;
  public static final double LOG11 = 0x1.3b1fd942a484p-4;
  public static final double LOG12 = -0x1.2463061adf78ap-4;
  public static final double LOG13 = 0x1.1011cb3ec6c82p-4;
  public static final double LOG14 = -0x1.fffed033c3e28p-5;
  public static final double LOG15 = 0x1.f2c4505482d3cp-5;
  public static final double LOG16 = -0x1.e97caaa4b28c2p-5;
  public static final double LOG17 = 0x1.9ef719e4c87b4p-5;
  public static final double LOG18 = -0x1.df2e67c4826b2p-6;
  public static final double LOG19 = 0x1.0682c1d916bc3p-7;

  /** Bits of ¾: the logarithm's mantissa lies in [¾, 1½). */
  public static final long LOG_BASE = 0x3fe8000000000000L;

  /** Where the variable of the normal distribution's polynomial is 0. */
  public static final double TAIL_CENTRE = 5;

  // e^(t²/2)·Φ(−t)·(t + 5) ≈ TAIL0 + TAIL1·y + …, y = (t − 5)/(t + 5); relative error 0.17·2⁻⁵³.
  public static final double TAIL0 = 0x1.89d3abe1f95aep-1;
  public static final double TAIL1 = -0x1.54ad03f27ca18p-1;
  public static final double TAIL2 = 0x1.fb31653876f71p-2;
  public static final double TAIL3 = -0x1.410ed5f875a17p-2;
  public static final double TAIL4 = 0x1.51f6329f020d6p-3;
  public static final double TAIL5 = -0x1.1b1c254c9a9bap-4;
  public static final double TAIL6 = 0x1.54b4d4f46d16bp-6;
  public static final double TAIL7 = -0x1.88590ead0fdabp-9;
  public static final double TAIL8 = -0x1.a250376efccbp-11;
  public static final double TAIL9 = 0x1.1daf1dd2c186ep-11;
  public static final double TAIL10 = -0x1.f21487bf1a579p-15;
  public static final double TAIL11 = -0x1.a1710dc4c768bp-15;
  public static final double TAIL12 = 0x1.17de20829ad07p-16;
  public static final double TAIL13 = 0x1.0b2e5ed41cfa2p-18;
  public static final double TAIL14 = -0x1.73bd01e8343c9p-19;
  public static final double TAIL15 = -0x1.6a78f36d72392p-22;
  public static final double TAIL16 = 0x1.d1826b935648cp-22;
  public static final double TAIL17 = 0x1.76ebe440b8fa3p-25;
  public static final double TAIL18 = -0x1.1b69cdc37571ap-24;
  public static final double TAIL19 = -0x1.652f3793a24dep-27;
  public static final double TAIL20 = 0x1.fcee53b564ef4p-28;
  public static final double TAIL21 = 0x1.22e70cec2cc19p-29;

  private MathF64() {}

  /** eˣ for x ≤ 0: 0 where it would be subnormal. */
  public static double exp(double x) {
    double k = Math.fma(x, LOG2E, MAGIC);
    double n = k - MAGIC;
    double r = Math.fma(n, -LN2, x); // exact
    r = Math.fma(n, -LN2_LOW, r);
    double s = power(k);
    double y = Math.fma(s, expm1OfRest(r), s);
    return x < EXP_MIN ? 0 : y;
  }

  /** e^(x + low) for x ≤ 0 and a low part far smaller. */
  public static double exp(double x, double low) {
    double k = Math.fma(x, LOG2E, MAGIC);
    double n = k - MAGIC;
    double r = Math.fma(n, -LN2, x) + Math.fma(n, -LN2_LOW, low);
    double s = power(k);
    double y = Math.fma(s, expm1OfRest(r), s);
    return x < EXP_MIN ? 0 : y;
  }

  /** eˣ − 1 for x ≤ 0. */
  public static double expm1(double x) {
    double v = x < EXPM1_MIN ? EXPM1_MIN : x;
    double k = Math.fma(v, LOG2E, MAGIC);
    double n = k - MAGIC;
    double r = Math.fma(n, -LN2, v);
    r = Math.fma(n, -LN2_LOW, r);
    double s = power(k);
    return Math.fma(s, expm1OfRest(r), s - 1);
  }

  /** 2ⁿ of {@code MAGIC + n}. */
  private static double power(double k) {
    return Double.longBitsToDouble((Double.doubleToRawLongBits(k) << 52) + 0x3ff0000000000000L);
  }

  /** eʳ − 1 on ±½ ln 2. */
  private static double expm1OfRest(double r) {
    double q = Math.fma(r, EXP9, EXP8);
    q = Math.fma(r, q, EXP7);
    q = Math.fma(r, q, EXP6);
    q = Math.fma(r, q, EXP5);
    q = Math.fma(r, q, EXP4);
    q = Math.fma(r, q, EXP3);
    q = Math.fma(r, q, EXP2);
    q = Math.fma(r, q, EXP1);
    q = Math.fma(r, q, EXP0);
    return Math.fma(r * r, q, r);
  }

  /** ln(1 + t), 0 ≤ t ≤ 1. */
  public static double log1p(double t) {
    boolean halved = t > 0.5;
    double f = halved ? Math.fma(t, 0.5, -0.5) : t; // exact
    double e = halved ? 1 : 0;
    return log(e, f);
  }

  /** ln x of a normal, finite x {@code >} 0. */
  public static double log(double x) {
    long bits = Double.doubleToRawLongBits(x);
    long exponent = (bits - LOG_BASE) & 0xfff0000000000000L; // e·2⁵², x = m·2ᵉ
    return log(exponent >> 52, Double.longBitsToDouble(bits - exponent) - 1);
  }

  /** e·ln 2 + ln(1 + f). */
  private static double log(double e, double f) {
    double q = Math.fma(f, LOG19, LOG18);
    q = Math.fma(f, q, LOG17);
    q = Math.fma(f, q, LOG16);
    q = Math.fma(f, q, LOG15);
    q = Math.fma(f, q, LOG14);
    q = Math.fma(f, q, LOG13);
    q = Math.fma(f, q, LOG12);
    q = Math.fma(f, q, LOG11);
    q = Math.fma(f, q, LOG10);
    q = Math.fma(f, q, LOG9);
    q = Math.fma(f, q, LOG8);
    q = Math.fma(f, q, LOG7);
    q = Math.fma(f, q, LOG6);
    q = Math.fma(f, q, LOG5);
    q = Math.fma(f, q, LOG4);
    q = Math.fma(f, q, LOG3);
    q = Math.fma(f, q, LOG2);
    q = Math.fma(f, q, LOG1);
    q = Math.fma(f, q, LOG0);
    return Math.fma(e, LN2, Math.fma(f * f, q, Math.fma(e, LN2_LOW, f)));
  }

  /** e^(−t²/2), with both parts of t². */
  public static double expOfHalfSquare(double t) {
    double h = t * t;
    return exp(-0.5 * h, -0.5 * Math.fma(t, t, -h));
  }

  /** e^(t²/2)·Φ(−t), t ≥ 0. */
  public static double scaledTail(double t) {
    double w = 1 / (t + TAIL_CENTRE);
    double y = Math.fma(2, t * w, -1); // no difference of rounded terms
    double p = Math.fma(y, TAIL21, TAIL20);
    p = Math.fma(y, p, TAIL19);
    p = Math.fma(y, p, TAIL18);
    p = Math.fma(y, p, TAIL17);
    p = Math.fma(y, p, TAIL16);
    p = Math.fma(y, p, TAIL15);
    p = Math.fma(y, p, TAIL14);
    p = Math.fma(y, p, TAIL13);
    p = Math.fma(y, p, TAIL12);
    p = Math.fma(y, p, TAIL11);
    p = Math.fma(y, p, TAIL10);
    p = Math.fma(y, p, TAIL9);
    p = Math.fma(y, p, TAIL8);
    p = Math.fma(y, p, TAIL7);
    p = Math.fma(y, p, TAIL6);
    p = Math.fma(y, p, TAIL5);
    p = Math.fma(y, p, TAIL4);
    p = Math.fma(y, p, TAIL3);
    p = Math.fma(y, p, TAIL2);
    p = Math.fma(y, p, TAIL1);
    p = Math.fma(y, p, TAIL0);
    return w * p;
  }
}
