package dev.weft.spi.fill;

/** The distribution function of N(0, 1) to about 27 digits, for constants. z ≥ 0 throughout. */
final class NormalTail {
  private static final DoubleDouble LN_SQRT_TWO_PI =
      new DoubleDouble(0x1.d67f1c864beb5p-1, -0x1.65b5a1b7ff5dfp-55);

  /** Below it the power series, from it on the continued fraction. */
  private static final double SERIES_END = 4;

  private NormalTail() {}

  /** φ(z). */
  static DoubleDouble density(DoubleDouble z) {
    return z.times(z).scale(-1).plus(LN_SQRT_TWO_PI).negate().exp();
  }

  /** Φ(z) − ½. */
  static DoubleDouble fromMean(DoubleDouble z) {
    if (z.hi() >= SERIES_END) {
      return DoubleDouble.HALF.minus(tail(z));
    }
    DoubleDouble square = z.times(z); // φ(z)·(z + z³/3 + z⁵/(3·5) + …)
    DoubleDouble term = z;
    DoubleDouble sum = z;
    for (int n = 3; term.hi() > 0x1p-112 * sum.hi(); n += 2) {
      term = term.times(square).over(n);
      sum = sum.plus(term);
    }
    return density(z).times(sum);
  }

  /** Q(z) = 1 − Φ(z); 0 where it underflows. */
  static DoubleDouble tail(DoubleDouble z) {
    if (z.hi() < SERIES_END) {
      return DoubleDouble.HALF.minus(fromMean(z));
    }
    return z.hi() > 38 ? DoubleDouble.ZERO : density(z).over(hazard(z));
  }

  /** ln Q(z). */
  static DoubleDouble lnTail(DoubleDouble z) {
    return z.times(z).scale(-1).plus(LN_SQRT_TWO_PI).plus(hazard(z).ln()).negate();
  }

  /** φ(z) / Q(z). */
  static DoubleDouble hazard(DoubleDouble z) {
    if (z.hi() < SERIES_END) {
      return density(z).over(tail(z));
    }
    DoubleDouble h = z; // z + 1/(z + 2/(z + 3/(…)))
    for (int n = 100; n > 0; n--) {
      h = z.plus(DoubleDouble.of(n).over(h));
    }
    return h;
  }

  /** The z ≥ 1.5 with ln Q(z) = −r²/2, by Newton's rule. */
  static DoubleDouble quantile(DoubleDouble r) {
    DoubleDouble target = r.times(r).scale(-1);
    DoubleDouble z = r.plus(-(StrictMath.log(r.hi()) + LN_SQRT_TWO_PI.hi()) / r.hi());
    double step;
    do {
      DoubleDouble d = lnTail(z).plus(target).over(hazard(z));
      z = z.plus(d);
      step = Math.abs(d.hi());
    } while (step > 0x1p-40 * z.hi());
    return z;
  }
}
