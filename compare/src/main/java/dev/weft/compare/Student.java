package dev.weft.compare;

/** Student's t distribution, as far as intervals of 99.9 % need it. */
final class Student {
  private static final double TAIL = 0.0005; // of each side

  private Student() {}

  /**
   * The t that a variable of {@code freedom} degrees exceeds with a probability of 0.0005, by
   * bisection of the tail, which is a finite sum for whole degrees of freedom.
   *
   * @see <a href="https://personal.math.ubc.ca/~cbm/aands/page_948.htm">Abramowitz and Stegun
   *     1964</a>, 26.7.3 and 26.7.4
   */
  static double quantile(int freedom) {
    double low = 0;
    double high = 1000; // 636.6 for one degree
    for (int i = 0; i < 100; i++) {
      double middle = (low + high) / 2;
      if ((1 - within(middle, freedom)) / 2 > TAIL) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return high;
  }

  /** The probability of [−t, t]. */
  static double within(double t, int freedom) {
    double theta = Math.atan(t / Math.sqrt(freedom));
    double cos = Math.cos(theta);
    boolean odd = freedom % 2 == 1;
    double term = odd ? cos : 1;
    double sum = freedom == 1 ? 0 : term;
    for (int k = odd ? 3 : 2; k <= freedom - 2; k += 2) {
      term *= cos * cos * (k - 1) / k;
      sum += term;
    }
    return odd ? 2 / Math.PI * (theta + Math.sin(theta) * sum) : Math.sin(theta) * sum;
  }
}
