package dev.weft.spi.fill;

/**
 * hi + lo, about 106 bits, |lo| ≤ ulp(hi)/2. Built from IEEE operations and StrictMath alone: the
 * same bits on every machine. For constants that are computed once; not for kernels.
 *
 * @see <a href="https://doi.org/10.1007/BF01397083">Dekker: A floating-point technique for
 *     extending the available precision (1971)</a>
 */
record DoubleDouble(double hi, double lo) {
  static final DoubleDouble ZERO = of(0);
  static final DoubleDouble HALF = of(0.5);
  static final DoubleDouble ONE = of(1);
  static final DoubleDouble LN2 = new DoubleDouble(0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56);

  static DoubleDouble of(double x) {
    return new DoubleDouble(x, 0);
  }

  private static DoubleDouble sum(double a, double b) {
    double s = a + b;
    double v = s - a;
    return new DoubleDouble(s, (a - (s - v)) + (b - v));
  }

  private static DoubleDouble quickSum(double a, double b) {
    double s = a + b;
    return new DoubleDouble(s, b - (s - a));
  }

  double value() {
    return hi + lo;
  }

  DoubleDouble negate() {
    return new DoubleDouble(-hi, -lo);
  }

  DoubleDouble plus(DoubleDouble b) {
    DoubleDouble s = sum(hi, b.hi);
    DoubleDouble t = sum(lo, b.lo);
    s = quickSum(s.hi, s.lo + t.hi);
    return quickSum(s.hi, s.lo + t.lo);
  }

  DoubleDouble plus(double b) {
    DoubleDouble s = sum(hi, b);
    return quickSum(s.hi, s.lo + lo);
  }

  DoubleDouble minus(DoubleDouble b) {
    return plus(b.negate());
  }

  DoubleDouble times(DoubleDouble b) {
    double p = hi * b.hi;
    double e = Math.fma(hi, b.hi, -p);
    return quickSum(p, e + Math.fma(hi, b.lo, lo * b.hi));
  }

  DoubleDouble times(double b) {
    double p = hi * b;
    return quickSum(p, Math.fma(lo, b, Math.fma(hi, b, -p)));
  }

  /** this·2ⁿ; exact unless it underflows. */
  DoubleDouble scale(int n) {
    return new DoubleDouble(Math.scalb(hi, n), Math.scalb(lo, n));
  }

  DoubleDouble over(DoubleDouble b) {
    double q = hi / b.hi;
    DoubleDouble r = minus(b.times(q));
    double q2 = r.hi / b.hi;
    r = r.minus(b.times(q2));
    return quickSum(q, q2).plus(r.hi / b.hi);
  }

  DoubleDouble over(double b) {
    return over(of(b));
  }

  DoubleDouble sqrt() {
    double s = Math.sqrt(hi);
    return quickSum(s, minus(of(s).times(s)).hi / (2 * s));
  }

  /** eˣ for x ≤ 700; 0 where it underflows. */
  DoubleDouble exp() {
    if (hi < -745) {
      return ZERO;
    }
    int n = (int) Math.rint(hi / LN2.hi);
    DoubleDouble x = minus(LN2.times(n)).scale(-6);
    DoubleDouble m = ZERO; // eˣ − 1 = x(1 + x/2(1 + x/3(…))), |x| < 0.0055
    for (int i = 14; i > 0; i--) {
      m = m.plus(1).times(x).over(i);
    }
    for (int i = 0; i < 6; i++) {
      m = m.times(m).plus(m.scale(1));
    }
    return m.plus(1).scale(n);
  }

  /** Natural logarithm: one Newton step from StrictMath's. */
  DoubleDouble ln() {
    double y = StrictMath.log(hi);
    return times(of(-y).exp()).plus(-1).plus(y);
  }
}
