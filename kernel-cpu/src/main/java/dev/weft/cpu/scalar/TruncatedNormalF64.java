package dev.weft.cpu.scalar;

import dev.weft.spi.fill.TruncatedNormalPlanF64;

/**
 * The standard normal cut at [a, b], in f64, from one 64-bit word X: {@link TruncatedNormalF32}
 * with 64 bits in place of 32, and near the mean a polynomial of ⁴√(p(1 − p)).
 */
public final class TruncatedNormalF64 {
  /** Middle of the interval [⁴√(0.0225·0.9775), √½] of the root. */
  public static final double ROOT_CENTRE = 0x1.179af075e448bp-1;

  // Φ⁻¹(½ + q)/q ≈ ROOT0 + ROOT1·v + …, v = ⁴√(p(1 − p)) − ROOT_CENTRE; relative error 0.34·2⁻⁵³.
  public static final double ROOT0 = 0x1.9b28deb1f1be1p1;
  public static final double ROOT1 = -0x1.48f7b7b844a84p2;
  public static final double ROOT2 = 0x1.542a24cec3ee1p2;
  public static final double ROOT3 = -0x1.0efddf417f96dp2;
  public static final double ROOT4 = 0x1.b5369e1c4aa5ep1;
  public static final double ROOT5 = -0x1.2a91c550aebdcp2;
  public static final double ROOT6 = 0x1.23c04826cd07p3;
  public static final double ROOT7 = -0x1.0d519813cdc85p4;
  public static final double ROOT8 = 0x1.b7aa4a3e489bdp4;
  public static final double ROOT9 = -0x1.4fc5ce6ddacf6p5;
  public static final double ROOT10 = 0x1.0159daa05ccf1p6;
  public static final double ROOT11 = -0x1.9c3c930b8c206p6;
  public static final double ROOT12 = 0x1.574ba8dd9e5eap7;
  public static final double ROOT13 = -0x1.235c1a2ea86e4p8;
  public static final double ROOT14 = 0x1.fe37e829fd148p8;
  public static final double ROOT15 = -0x1.b59dc2d6fcdacp9;
  public static final double ROOT16 = 0x1.188a48910fcd2p10;
  public static final double ROOT17 = -0x1.af93dee231e8fp10;
  public static final double ROOT18 = 0x1.e9fdb5f9f5b26p12;
  public static final double ROOT19 = -0x1.d79b791bf7cedp13;

  private TruncatedNormalF64() {}

  /** z of a word. */
  public static double sample(TruncatedNormalPlanF64 plan, long word) {
    long x = word ^ plan.flip();
    boolean above = Long.compareUnsigned(x, plan.split()) >= 0;
    long fromEnd = above ? ~x : x;
    double p =
        Math.fma(toDouble(fromEnd), plan.width(), above ? plan.tailAbove() : plan.tailBelow());
    double z;
    if (p < plan.cut()) {
      z = tail(plan, p);
    } else {
      long fromSplit = above ? x - plan.split() : plan.split() + ~x;
      double q =
          Math.fma(
              toDouble(fromSplit), plan.width(), above ? plan.middleAbove() : plan.middleBelow());
      z = q * ratio(p);
    }
    return above == (plan.flip() == 0) ? z : -z;
  }

  /** The f64 nearest to an unsigned word: both terms are exact. */
  private static double toDouble(long word) {
    return (word >>> 32) * 0x1p32 + (word & 0xFFFFFFFFL);
  }

  /** z/q. */
  private static double ratio(double p) {
    double v = Math.sqrt(Math.sqrt(Math.fma(-p, p, p))) - ROOT_CENTRE;
    double s = Math.fma(v, ROOT19, ROOT18);
    s = Math.fma(v, s, ROOT17);
    s = Math.fma(v, s, ROOT16);
    s = Math.fma(v, s, ROOT15);
    s = Math.fma(v, s, ROOT14);
    s = Math.fma(v, s, ROOT13);
    s = Math.fma(v, s, ROOT12);
    s = Math.fma(v, s, ROOT11);
    s = Math.fma(v, s, ROOT10);
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

  private static double tail(TruncatedNormalPlanF64 plan, double p) {
    double r = Math.sqrt(NormalF64.minusTwoLn(p, plan.k()));
    double t = Math.sqrt(r) - plan.tailCentre();
    double s = plan.tail()[TruncatedNormalPlanF64.TAIL_TERMS - 1];
    for (int i = TruncatedNormalPlanF64.TAIL_TERMS - 2; i >= 0; i--) {
      s = Math.fma(t, s, plan.tail()[i]);
    }
    return r + s;
  }
}
