package dev.weft.testkit;

/** Q(z) = 1 − Φ(z) and its inverse in f64, to about 1e-13 relative. */
public final class NormalTail {
  private NormalTail() {}

  /** Q(z), for any z; 0 at +∞ and 1 at −∞. */
  public static double upper(double z) {
    if (z < 0) {
      return 1 - upper(-z);
    }
    return z > 38 ? 0 : density(z) * ratio(z);
  }

  /** Φ(z). */
  public static double lower(double z) {
    return upper(-z);
  }

  /** The z ≥ 0 with Q(z) = p, 0 {@code <} p ≤ ½, by Newton's rule on ln Q. */
  public static double quantile(double p) {
    double target = StrictMath.log(p);
    double z = p > 0.25 ? (0.5 - p) * 2.5 : StrictMath.sqrt(-2 * target) - 0.5;
    for (int i = 0; i < 60; i++) {
      double ratio = ratio(z);
      double step = (StrictMath.log(density(z)) + StrictMath.log(ratio) - target) * ratio;
      z = Math.max(0, z + step);
      if (Math.abs(step) <= 1e-9 * Math.max(z, 1e-3)) { // the next step would be its square
        break;
      }
    }
    return z;
  }

  private static double density(double z) {
    return StrictMath.exp(-0.5 * z * z) / StrictMath.sqrt(2 * Math.PI);
  }

  /** Mills' ratio Q(z)/φ(z), z ≥ 0: a series below 3, Laplace's continued fraction above. */
  private static double ratio(double z) {
    if (z < 3) {
      double term = z;
      double sum = z;
      for (int n = 1; term > 1e-17 * sum; n++) {
        term *= z * z / (2 * n + 1);
        sum += term;
      }
      return 0.5 / density(z) - sum;
    }
    double fraction = z;
    for (int n = 80; n > 0; n--) {
      fraction = z + n / fraction;
    }
    return 1 / fraction;
  }
}
