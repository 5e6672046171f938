package dev.weft.cpu.scalar;

/**
 * The elementary functions of the activations, in f32.
 *
 * <p>Every step is a correctly rounded IEEE operation, an exact conversion, a comparison that
 * selects, or an integer operation, in a fixed order, so that vectors of any width and a GPU give
 * the same bits; only what a NaN carries may differ. Polynomials are evaluated by Horner's rule
 * with fma. The errors are in docs/accuracy.md; {@code src/main/scripts/coefficients.py} made the
 * coefficients.
 */
public final class MathF32 {
  /** 1.5·2²³: what is added to it is rounded to an integer, in its low bits. */
  public static final float MAGIC = 0x1.8p23f;

  /** log₂ e. */
  public static final float LOG2E = 0x1.715476p0f;

  /** ln 2 in two parts. */
  public static final float LN2 = 0x1.62e43p-1f;

  public static final float LN2_LOW = -0x1.05c61p-29f;

  /** Below it eˣ is 0: the first f32 above −126 ln 2, so that no result is subnormal. */
  public static final float EXP_MIN = -0x1.5d589ep6f;

  /** Below it eˣ − 1 is −1. */
  public static final float EXPM1_MIN = -18;

  // eʳ − 1 ≈ r + r²·(EXP0 + EXP1·r + …) on ±½ ln 2; relative error 0.23·2⁻²⁴.
  public static final float EXP0 = 0x1.fffffep-2f;
  public static final float EXP1 = 0x1.5554b4p-3f;
  public static final float EXP2 = 0x1.5556f8p-5f;
  public static final float EXP3 = 0x1.12252ep-7f;
  public static final float EXP4 = 0x1.6b95cap-10f;

  // ln(1 + f) ≈ f + f²·(LOG0 + LOG1·f + …) on [−¼, ½]; relative error 0.08·2⁻²⁴.
  public static final float LOG0 = -0x1.0p-1f;
  public static final float LOG1 = 0x1.5555a4p-2f;
  public static final float LOG2 = -0x1.00004ap-2f;
  public static final float LOG3 = 0x1.99699ep-3f;
  public static final float LOG4 = -0x1.54ed96p-3f;
  public static final float LOG5 = 0x1.28807cp-3f;
  public static final float LOG6 = -0x1.0d98fap-3f;
  public static final float LOG7 = 0x1.acf4c4p-4f;
  public static final float LOG8 = -0x1.71e33cp-5f;

  /** Bits of ¾: the logarithm's mantissa lies in [¾, 1½). */
  public static final int LOG_BASE = 0x3f400000;

  /** Where the variable of the normal distribution's polynomial is 0. */
  public static final float TAIL_CENTRE = 4;

  // e^(t²/2)·Φ(−t)·(t + 4) ≈ TAIL0 + TAIL1·y + …, y = (t − 4)/(t + 4); relative error 0.30·2⁻²⁴.
  public static final float TAIL0 = 0x1.82b4bcp-1f;
  public static final float TAIL1 = -0x1.373e3ap-1f;
  public static final float TAIL2 = 0x1.8c6d7p-2f;
  public static final float TAIL3 = -0x1.7dff66p-3f;
  public static final float TAIL4 = 0x1.eee6b4p-5f;
  public static final float TAIL5 = -0x1.ed8f3cp-8f;
  public static final float TAIL6 = -0x1.d1ab5cp-9f;
  public static final float TAIL7 = 0x1.9ab0a6p-10f;
  public static final float TAIL8 = 0x1.f7c352p-13f;
  public static final float TAIL9 = -0x1.8ea19ap-14f;

  private MathF32() {}

  /** eˣ for x ≤ 0: 0 where it would be subnormal. */
  public static float exp(float x) {
    float k = Math.fma(x, LOG2E, MAGIC);
    float n = k - MAGIC;
    float r = Math.fma(n, -LN2, x); // exact
    r = Math.fma(n, -LN2_LOW, r);
    float s = power(k);
    float y = Math.fma(s, expm1OfRest(r), s);
    return x < EXP_MIN ? 0 : y;
  }

  /** e^(x + low) for x ≤ 0 and a low part far smaller. */
  public static float exp(float x, float low) {
    float k = Math.fma(x, LOG2E, MAGIC);
    float n = k - MAGIC;
    float r = Math.fma(n, -LN2, x) + Math.fma(n, -LN2_LOW, low);
    float s = power(k);
    float y = Math.fma(s, expm1OfRest(r), s);
    return x < EXP_MIN ? 0 : y;
  }

  /** eˣ − 1 for x ≤ 0. */
  public static float expm1(float x) {
    float v = x < EXPM1_MIN ? EXPM1_MIN : x;
    float k = Math.fma(v, LOG2E, MAGIC);
    float n = k - MAGIC;
    float r = Math.fma(n, -LN2, v);
    r = Math.fma(n, -LN2_LOW, r);
    float s = power(k);
    return Math.fma(s, expm1OfRest(r), s - 1);
  }

  /** 2ⁿ of {@code MAGIC + n}. */
  private static float power(float k) {
    return Float.intBitsToFloat((Float.floatToRawIntBits(k) << 23) + 0x3f800000);
  }

  /** eʳ − 1 on ±½ ln 2. */
  private static float expm1OfRest(float r) {
    float q = Math.fma(r, EXP4, EXP3);
    q = Math.fma(r, q, EXP2);
    q = Math.fma(r, q, EXP1);
    q = Math.fma(r, q, EXP0);
    return Math.fma(r * r, q, r);
  }

  /** ln(1 + t), 0 ≤ t ≤ 1. */
  public static float log1p(float t) {
    boolean halved = t > 0.5f;
    float f = halved ? Math.fma(t, 0.5f, -0.5f) : t; // exact
    float e = halved ? 1 : 0;
    return log(e, f);
  }

  /** ln x of a normal, finite x {@code >} 0. */
  public static float log(float x) {
    int bits = Float.floatToRawIntBits(x);
    int exponent = (bits - LOG_BASE) & 0xff800000; // e·2²³, x = m·2ᵉ
    return log(exponent >> 23, Float.intBitsToFloat(bits - exponent) - 1);
  }

  /** e·ln 2 + ln(1 + f). */
  private static float log(float e, float f) {
    float q = Math.fma(f, LOG8, LOG7);
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
  public static float expOfHalfSquare(float t) {
    float h = t * t;
    return exp(-0.5f * h, -0.5f * Math.fma(t, t, -h));
  }

  /** e^(t²/2)·Φ(−t), t ≥ 0. */
  public static float scaledTail(float t) {
    float w = 1 / (t + TAIL_CENTRE);
    float y = Math.fma(2, t * w, -1); // no difference of rounded terms
    float p = Math.fma(y, TAIL9, TAIL8);
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
