package dev.weft.testkit;

import java.math.BigDecimal;
import java.math.MathContext;

/** A few functions to 40 digits, for an oracle of f64. */
final class Decimal {
  static final MathContext DIGITS = new MathContext(40);

  /** For differences that lose digits: of probabilities, down to Q(9) = 1e-19. */
  static final MathContext WIDE = new MathContext(64);

  static final BigDecimal TWO_PI =
      new BigDecimal("6.283185307179586476925286766559005768394338798750211641949889");
  private static final BigDecimal NEGLIGIBLE = new BigDecimal("1e-66");
  private static final BigDecimal HALF = new BigDecimal("0.5");
  private static final BigDecimal QUARTER = new BigDecimal("0.25");

  private Decimal() {}

  /** eˣ, x ≤ 0 or small: Taylor's series of x/2¹², squared 12 times; 0 below e⁻³⁰⁰⁰. */
  static BigDecimal exp(BigDecimal x) {
    if (x.doubleValue() < -3000) {
      return BigDecimal.ZERO;
    }
    BigDecimal y = x.divide(BigDecimal.valueOf(4096), WIDE);
    BigDecimal term = BigDecimal.ONE;
    BigDecimal sum = term;
    for (int n = 1; n < 60 && term.abs().compareTo(NEGLIGIBLE) > 0; n++) {
      term = term.multiply(y, WIDE).divide(BigDecimal.valueOf(n), WIDE);
      sum = sum.add(term, WIDE);
    }
    for (int i = 0; i < 12; i++) {
      sum = sum.multiply(sum, WIDE);
    }
    return sum;
  }

  /** ln x, x {@code >} 0: StrictMath's, corrected twice by y += x·e⁻ʸ − 1. */
  static BigDecimal ln(BigDecimal x) {
    BigDecimal y = new BigDecimal(StrictMath.log(x.doubleValue()));
    for (int i = 0; i < 2; i++) {
      BigDecimal r = x.multiply(exp(y.negate()), WIDE).subtract(BigDecimal.ONE, WIDE);
      y = y.add(r, WIDE).subtract(r.multiply(r, WIDE).multiply(HALF), WIDE);
    }
    return y;
  }

  /** sin 2πt: t reduced exactly to the nearest quarter turn, then a series. */
  static BigDecimal sinOfTurn(BigDecimal t) {
    int quarter = (int) Math.rint(t.doubleValue() * 4);
    BigDecimal x = t.subtract(QUARTER.multiply(BigDecimal.valueOf(quarter))).multiply(TWO_PI, WIDE);
    boolean sine = (quarter & 1) == 0;
    BigDecimal term = sine ? x : BigDecimal.ONE;
    BigDecimal sum = term;
    BigDecimal square = x.multiply(x, WIDE).negate();
    for (int n = sine ? 2 : 1; n < 60; n += 2) {
      term = term.multiply(square, WIDE).divide(BigDecimal.valueOf((long) n * (n + 1)), WIDE);
      sum = sum.add(term, WIDE);
    }
    return (quarter & 2) == 0 ? sum : sum.negate();
  }

  /** Q(z) = 1 − Φ(z): {@link NormalTail} with more digits; 0 beyond 40, 1 beyond −40. */
  static BigDecimal upperTail(double z) {
    if (Math.abs(z) > 40) { // no 64-bit word reaches that far
      return z > 0 ? BigDecimal.ZERO : BigDecimal.ONE;
    }
    return upperTail(new BigDecimal(z));
  }

  private static BigDecimal upperTail(BigDecimal z) {
    if (z.signum() < 0) {
      return BigDecimal.ONE.subtract(upperTail(z.negate()), WIDE);
    }
    BigDecimal density = density(z);
    if (z.doubleValue() < 4) {
      BigDecimal square = z.multiply(z, WIDE);
      BigDecimal term = z;
      BigDecimal sum = z;
      for (int n = 1; n < 250; n++) {
        term = term.multiply(square, WIDE).divide(BigDecimal.valueOf(2 * n + 1), WIDE);
        sum = sum.add(term, WIDE);
      }
      return HALF.subtract(density.multiply(sum, WIDE), WIDE);
    }
    BigDecimal fraction = z;
    for (int n = 150; n > 0; n--) {
      fraction = z.add(BigDecimal.valueOf(n).divide(fraction, WIDE), WIDE);
    }
    return density.divide(fraction, WIDE);
  }

  static BigDecimal density(BigDecimal z) {
    return exp(z.multiply(z, WIDE).multiply(HALF).negate()).divide(TWO_PI.sqrt(WIDE), WIDE);
  }

  /** The z with Q(z) = q: f64's, corrected twice by Newton's rule. */
  static BigDecimal upperQuantile(BigDecimal q) {
    BigDecimal p = BigDecimal.ONE.subtract(q, WIDE);
    boolean upper = q.compareTo(p) <= 0;
    BigDecimal near = upper ? q : p;
    BigDecimal z = new BigDecimal(NormalTail.quantile(near.doubleValue()));
    for (int i = 0; i < 2; i++) {
      z = z.add(upperTail(z).subtract(near, WIDE).divide(density(z), WIDE), WIDE);
    }
    return upper ? z : z.negate();
  }
}
