package dev.weft.cpu.scalar;

import dev.weft.spi.fill.TruncatedNormalPlanF32;

/**
 * The standard normal cut at [a, b], in f32, from one 32-bit word x: z = Φ⁻¹(Φ(a) + (x +
 * ½)·2⁻³²·(Φ(b) − Φ(a))).
 *
 * <p>Near the mean z = q·R(√(p(1 − p))), p the probability of the nearer tail and q = ½ − p, each
 * from its own count of words; in the tails z = r + T(√r), r = √(−2 ln p). The error is in
 * docs/accuracy.md. z may pass a bound by a few ulp: whoever writes it clamps to the values inside
 * the bounds.
 */
public final class TruncatedNormalF32 {
  /** Middle of the interval [√(0.0225·0.9775), ½] of the root. */
  public static final float ROOT_CENTRE = 0x1.4bee5cp-2f;

  // Φ⁻¹(½ + q)/q ≈ ROOT0 + ROOT1·v + …, v = √(p(1 − p)) − ROOT_CENTRE; relative error 0.45·2⁻²⁴.
  public static final float ROOT0 = 0x1.8c3b08p1f;
  public static final float ROOT1 = -0x1.13648ep2f;
  public static final float ROOT2 = 0x1.ccb48p2f;
  public static final float ROOT3 = -0x1.b8b622p3f;
  public static final float ROOT4 = 0x1.d44aeap4f;
  public static final float ROOT5 = -0x1.0e8afcp6f;
  public static final float ROOT6 = 0x1.5c59aep7f;
  public static final float ROOT7 = -0x1.bad034p8f;
  public static final float ROOT8 = 0x1.4ca0c2p9f;
  public static final float ROOT9 = -0x1.dca202p10f;
  public static final float ROOT10 = 0x1.274efap14f;
  public static final float ROOT11 = -0x1.89aeacp15f;

  private TruncatedNormalF32() {}

  /** z of a word. */
  public static float sample(TruncatedNormalPlanF32 plan, int word) {
    int x = word ^ plan.flip();
    boolean above = Integer.compareUnsigned(x, plan.split()) >= 0;
    int fromEnd = above ? ~x : x;
    float p = Math.fma(toFloat(fromEnd), plan.width(), above ? plan.tailAbove() : plan.tailBelow());
    float z;
    if (p < plan.cut()) {
      z = tail(plan, p);
    } else {
      int fromSplit = above ? x - plan.split() : plan.split() + ~x;
      float q =
          Math.fma(
              toFloat(fromSplit), plan.width(), above ? plan.middleAbove() : plan.middleBelow());
      z = q * ratio(p);
    }
    return above == (plan.flip() == 0) ? z : -z;
  }

  /** The f32 nearest to an unsigned word. */
  private static float toFloat(int word) {
    return (float) (word & 0xFFFFFFFFL);
  }

  /** z/q. */
  private static float ratio(float p) {
    float v = (float) Math.sqrt(Math.fma(-p, p, p)) - ROOT_CENTRE;
    float s = Math.fma(v, ROOT11, ROOT10);
    s = Math.fma(v, s, ROOT9);
    s = Math.fma(v, s, ROOT8);
    s = Math.fma(v, s, ROOT7);
    s = Math.fma(v, s, ROOT6);
    s = Math.fma(v, s, ROOT5);
    s = Math.fma(v, s, ROOT4);
    s = Math.fma(v, s, ROOT3);
    s = Math.fma(v, s, ROOT2);
    s = Math.fma(v, s, ROOT1);
    return Math.fma(v, s, ROOT0);
  }

  private static float tail(TruncatedNormalPlanF32 plan, float p) {
    float r = (float) Math.sqrt(NormalF32.minusTwoLn(p, plan.k()));
    float t = (float) Math.sqrt(r) - plan.tailCentre();
    float s = Math.fma(t, plan.tail7(), plan.tail6());
    s = Math.fma(t, s, plan.tail5());
    s = Math.fma(t, s, plan.tail4());
    s = Math.fma(t, s, plan.tail3());
    s = Math.fma(t, s, plan.tail2());
    s = Math.fma(t, s, plan.tail1());
    s = Math.fma(t, s, plan.tail0());
    return r + s;
  }
}
