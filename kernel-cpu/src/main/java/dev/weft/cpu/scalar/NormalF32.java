package dev.weft.cpu.scalar;

/**
 * The standard normal of a pair of 32-bit words, in f32: Box–Muller, r·sin φ from (x, y) for the
 * even element and r·cos φ for the odd one.
 *
 * <p>u = fl(fl(x)·2⁻³² + 2⁻³³) lies in [2⁻³³, 1], as in cuRAND; r = √(−2 ln u) ≤ 6.764; φ = 2π(y +
 * ½)·2⁻³² without rounding. Every step is a correctly rounded IEEE operation, an exact conversion
 * or an integer operation, in a fixed order, so that vectors of any width and a GPU give the same
 * bits. Polynomials are evaluated by Horner's rule with fma. The error is in docs/accuracy.md;
 * {@code src/main/scripts/coefficients.py} made the coefficients.
 *
 * @see <a href="https://doi.org/10.1214/aoms/1177706645">Box, Muller: A note on the generation of
 *     random normal deviates (1958)</a>
 */
public final class NormalF32 {
  /** Bits of the f32 nearest to 2/3: the logarithm's mantissa lies in [2/3, 4/3). */
  public static final int LOG_BASE = 0x3f2aaaab;

  /** −2 ln 2·2⁻²³, for an exponent that is still in its place. */
  public static final float LOG_EXPONENT = -0x1.62e43p-23f;

  // −2 ln(1 − h/2) ≈ h + h²·(LOG1 + LOG2·h + …) on [−2/3, 2/3]; error 0.35·2⁻²⁴ of −2 ln u.
  public static final float LOG1 = 0x1.ffffeep-3f;
  public static final float LOG2 = 0x1.5553dep-4f;
  public static final float LOG3 = 0x1.001108p-5f;
  public static final float LOG4 = 0x1.9a319cp-7f;
  public static final float LOG5 = 0x1.507eap-8f;
  public static final float LOG6 = 0x1.19df38p-9f;
  public static final float LOG7 = 0x1.3a24e6p-10f;
  public static final float LOG8 = 0x1.32f19ep-11f;

  // sin(π/4·a) ≈ a·2³¹·(SIN0 + SIN0_LOW + SIN1·a² + …) for a in [−1, 1]; relative error 0.07·2⁻²⁴.
  public static final float SIN0 = 0x1.921fb6p-32f;
  public static final float SIN0_LOW = -0x1.777a5cp-57f;
  public static final float SIN1 = -0x1.4abbbep-35f;
  public static final float SIN2 = 0x1.465facp-40f;
  public static final float SIN3 = -0x1.2db5ccp-46f;

  // cos(π/4·a) ≈ 1 + COS1·a² + …; relative error 0.66·2⁻²⁴.
  public static final float COS1 = -0x1.3bd39cp-2f;
  public static final float COS2 = 0x1.03b058p-6f;
  public static final float COS3 = -0x1.4e78bep-12f;

  private NormalF32() {}

  /** The element 2j of the words x = 2j and y = 2j + 1. */
  public static float even(int x, int y) {
    return radius(x) * sin(y);
  }

  /** The element 2j + 1 of the words x = 2j and y = 2j + 1. */
  public static float odd(int x, int y) {
    return radius(x) * cos(y);
  }

  /** u of a word: 1 can occur, 0 cannot. */
  public static float unit(int x) {
    return Math.fma((float) (x & 0xFFFFFFFFL), 0x1p-32f, 0x1p-33f);
  }

  /** √(−2 ln u). */
  public static float radius(int x) {
    return (float) Math.sqrt(minusTwoLn(unit(x), 0));
  }

  /**
   * −2 ln(u·2⁻ᵏ) for normal u in (0, 1].
   *
   * @param k an integer ≥ 0
   */
  static float minusTwoLn(float u, float k) {
    int bits = Float.floatToRawIntBits(u);
    int exponent = (bits - LOG_BASE) & 0xff800000; // e·2²³, u = m·2ᵉ
    float e = exponent - k * 0x1p23f;
    float m = Float.intBitsToFloat(bits - exponent);
    float h = 2 - 2 * m; // exact
    float q = Math.fma(h, LOG8, LOG7);
    q = Math.fma(h, q, LOG6);
    q = Math.fma(h, q, LOG5);
    q = Math.fma(h, q, LOG4);
    q = Math.fma(h, q, LOG3);
    q = Math.fma(h, q, LOG2);
    q = Math.fma(h, q, LOG1);
    return Math.fma(e, LOG_EXPONENT, Math.fma(h * h, q, h));
  }

  /** sin φ. */
  public static float sin(int y) {
    int k = y + 0x20000000; // the two top bits count the nearest quarter turn
    float s = (k & 0x40000000) == 0 ? sinEighth(y) : cosEighth(y);
    return Float.intBitsToFloat(Float.floatToRawIntBits(s) ^ (k & 0x80000000));
  }

  /** cos φ. */
  public static float cos(int y) {
    int k = y + 0x20000000;
    float c = (k & 0x40000000) == 0 ? cosEighth(y) : sinEighth(y);
    return Float.intBitsToFloat(Float.floatToRawIntBits(c) ^ ((k + 0x40000000) & 0x80000000));
  }

  /**
   * a·2³¹: φ less its nearest quarter turn is π/4·a, −1 ≤ a ≤ 1; y + ½ in units of ¼, so that one
   * rounding remains.
   */
  private static float reduced(int y) {
    return (float) ((y << 2) | 2);
  }

  private static float square(float t) {
    return (t * 0x1p-62f) * t;
  }

  private static float sinEighth(int y) {
    float t = reduced(y);
    float s = square(t);
    float p = Math.fma(s, SIN3, SIN2);
    p = Math.fma(s, p, SIN1);
    p = Math.fma(s, p, SIN0_LOW);
    return Math.fma(t, SIN0, t * p);
  }

  private static float cosEighth(int y) {
    float s = square(reduced(y));
    float p = Math.fma(s, COS3, COS2);
    p = Math.fma(s, p, COS1);
    return Math.fma(s, p, 1);
  }
}
