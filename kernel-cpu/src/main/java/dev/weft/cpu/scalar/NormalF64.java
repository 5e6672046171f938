package dev.weft.cpu.scalar;

/**
 * The standard normal of a pair of 64-bit words, in f64: {@link NormalF32} with X = w[4j] +
 * 2³²·w[4j+1] and Y = w[4j+2] + 2³²·w[4j+3] in place of x and y.
 *
 * <p>u is the f64 nearest to (X + ½)·2⁻⁶⁴, in [2⁻⁶⁵, 1]; r = √(−2 ln u) ≤ 9.493; φ = 2π(Y + ½)·2⁻⁶⁴
 * without rounding. The error is in docs/accuracy.md; {@code src/main/scripts/coefficients.py} made
 * the coefficients.
 */
public final class NormalF64 {
  /** Bits of the f64 nearest to 2/3: the logarithm's mantissa lies in [2/3, 4/3). */
  public static final long LOG_BASE = 0x3fe5555555555555L;

  /** −2 ln 2. */
  public static final double LOG_EXPONENT = -0x1.62e42fefa39efp0;

  // −2 ln(1 − h/2) ≈ h + h²·(LOG1 + LOG2·h + …) on [−2/3, 2/3]; error 0.32·2⁻⁵³ of −2 ln u.
  public static final double LOG1 = 0x1.fffffffffffccp-3;
  public static final double LOG2 = 0x1.55555555557edp-4;
  public static final double LOG3 = 0x1.0000000007c0dp-5;
  public static final double LOG4 = 0x1.99999998f5a5ep-7;
  public static final double LOG5 = 0x1.5555554c3a90dp-8;
  public static final double LOG6 = 0x1.2492497aba234p-9;
  public static final double LOG7 = 0x1.000002727e9e2p-10;
  public static final double LOG8 = 0x1.c71c4836c41f4p-12;
  public static final double LOG9 = 0x1.9998dcfa09027p-13;
  public static final double LOG10 = 0x1.74629e3ff1349p-14;
  public static final double LOG11 = 0x1.5566bb495b147p-15;
  public static final double LOG12 = 0x1.3aa3ad0b97eaep-16;
  public static final double LOG13 = 0x1.238cebe42a9b9p-17;
  public static final double LOG14 = 0x1.1675249b25666p-18;
  public static final double LOG15 = 0x1.09c2a6a980d3p-19;
  public static final double LOG16 = 0x1.937922cb13b07p-21;
  public static final double LOG17 = 0x1.5550ee2e934dbp-22;
  public static final double LOG18 = 0x1.6d8d9fb0161a2p-22;
  public static final double LOG19 = 0x1.7ed925e09c96fp-23;

  // sin(π/4·a) ≈ a·2⁶³·(SIN0 + SIN0_LOW + SIN1·a² + …) for a in [−1, 1]; relative error 0.04·2⁻⁵³.
  public static final double SIN0 = 0x1.921fb54442d18p-64;
  public static final double SIN0_LOW = 0x1.1a62633145c07p-118;
  public static final double SIN1 = -0x1.4abbce625be46p-67;
  public static final double SIN2 = 0x1.466bc67758c61p-72;
  public static final double SIN3 = -0x1.32d2cce31eaa9p-78;
  public static final double SIN4 = 0x1.507830070ece1p-85;
  public static final double SIN5 = -0x1.e30093f006562p-93;
  public static final double SIN6 = 0x1.e3fd92a9a2cb3p-101;

  // cos(π/4·a) ≈ 1 + COS1·a² + …; relative error 0.58·2⁻⁵³.
  public static final double COS1 = -0x1.3bd3cc9be459dp-2;
  public static final double COS2 = 0x1.03c1f081b0df8p-6;
  public static final double COS3 = -0x1.55d3c7dc3a658p-12;
  public static final double COS4 = 0x1.e1f4fb80ae046p-19;
  public static final double COS5 = -0x1.a6c9c89438586p-26;
  public static final double COS6 = 0x1.f3dc4b88cf09dp-34;

  private NormalF64() {}

  /** The element 2j of the words X = 2j and Y = 2j + 1 of 64 bits. */
  public static double even(long x, long y) {
    return radius(x) * sin(y);
  }

  /** The element 2j + 1 of the words X = 2j and Y = 2j + 1 of 64 bits. */
  public static double odd(long x, long y) {
    return radius(x) * cos(y);
  }

  /** u of a word: 1 can occur, 0 cannot. */
  public static double unit(long x) {
    return Math.fma(
        (double) (x >>> 32), 0x1p-32, Math.fma((double) (x & 0xFFFFFFFFL), 0x1p-64, 0x1p-65));
  }

  /** √(−2 ln u). */
  public static double radius(long x) {
    return Math.sqrt(minusTwoLn(unit(x), 0));
  }

  /**
   * −2 ln(u·2⁻ᵏ) for normal u in (0, 1].
   *
   * @param k an integer ≥ 0
   */
  static double minusTwoLn(double u, double k) {
    long bits = Double.doubleToRawLongBits(u);
    long exponent = (bits - LOG_BASE) & 0xfff0000000000000L; // e·2⁵², u = m·2ᵉ
    double e = (exponent >> 52) - k;
    double m = Double.longBitsToDouble(bits - exponent);
    double h = 2 - 2 * m; // exact
    double q = Math.fma(h, LOG19, LOG18);
    q = Math.fma(h, q, LOG17);
    q = Math.fma(h, q, LOG16);
    q = Math.fma(h, q, LOG15);
    q = Math.fma(h, q, LOG14);
    q = Math.fma(h, q, LOG13);
    q = Math.fma(h, q, LOG12);
    q = Math.fma(h, q, LOG11);
    q = Math.fma(h, q, LOG10);
    q = Math.fma(h, q, LOG9);
    q = Math.fma(h, q, LOG8);
    q = Math.fma(h, q, LOG7);
    q = Math.fma(h, q, LOG6);
    q = Math.fma(h, q, LOG5);
    q = Math.fma(h, q, LOG4);
    q = Math.fma(h, q, LOG3);
    q = Math.fma(h, q, LOG2);
    q = Math.fma(h, q, LOG1);
    return Math.fma(e, LOG_EXPONENT, Math.fma(h * h, q, h));
  }

  /** sin φ. */
  public static double sin(long y) {
    long k = y + 0x2000000000000000L; // the two top bits count the nearest quarter turn
    double s = (k & 0x4000000000000000L) == 0 ? sinEighth(y) : cosEighth(y);
    return Double.longBitsToDouble(Double.doubleToRawLongBits(s) ^ (k & 0x8000000000000000L));
  }

  /** cos φ. */
  public static double cos(long y) {
    long k = y + 0x2000000000000000L;
    double c = (k & 0x4000000000000000L) == 0 ? cosEighth(y) : sinEighth(y);
    return Double.longBitsToDouble(
        Double.doubleToRawLongBits(c) ^ ((k + 0x4000000000000000L) & 0x8000000000000000L));
  }

  /**
   * a·2⁶³: φ less its nearest quarter turn is π/4·a, −1 ≤ a ≤ 1; Y + ½ in units of ¼, so that one
   * rounding remains.
   */
  private static double reduced(long y) {
    return (double) ((y << 2) | 2);
  }

  private static double square(double t) {
    return (t * 0x1p-126) * t;
  }

  private static double sinEighth(long y) {
    double t = reduced(y);
    double s = square(t);
    double p = Math.fma(s, SIN6, SIN5);
    p = Math.fma(s, p, SIN4);
    p = Math.fma(s, p, SIN3);
    p = Math.fma(s, p, SIN2);
    p = Math.fma(s, p, SIN1);
    p = Math.fma(s, p, SIN0_LOW);
    return Math.fma(t, SIN0, t * p);
  }

  private static double cosEighth(long y) {
    double s = square(reduced(y));
    double p = Math.fma(s, COS6, COS5);
    p = Math.fma(s, p, COS4);
    p = Math.fma(s, p, COS3);
    p = Math.fma(s, p, COS2);
    p = Math.fma(s, p, COS1);
    return Math.fma(s, p, 1);
  }
}
