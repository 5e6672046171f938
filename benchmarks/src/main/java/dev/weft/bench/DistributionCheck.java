package dev.weft.bench;

import dev.weft.init.Fill;
import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;

/**
 * Checks that f32 values, from whatever generator, are those that a {@link Fill} describes, where
 * bits cannot be compared.
 *
 * <p>All elements: a number within the range, none of it poison, not four alike in a row, mean and
 * variance. {@value #SAMPLE} elements at random places: Kolmogorov and Smirnov's distance to the
 * distribution function. As many at even distances: the correlation with the neighbour and with the
 * element half a tensor away, which threads of one stream would show. Each of the five tests fails
 * a right result with a probability of {@value #FALSE_FAILURE}: the distance by the bound of
 * Massart (1990), 2·exp(−2·n·d²), the others by the normal limit.
 */
final class DistributionCheck {
  /** Probability with which one test fails a right result. */
  static final double FALSE_FAILURE = 1e-9;

  /** Elements of a tensor whose distribution is compared, or all if there are fewer. */
  static final int SAMPLE = 1 << 18;

  /** Elements of an orthogonal matrix whose distribution is compared. */
  private static final int SAMPLE_OF_ORTHOGONAL = 1 << 12;

  private static final double MASSART = Math.sqrt(Math.log(2 / FALSE_FAILURE) / 2);
  private static final double SIGMAS = 6.1094; // of a normal variable, beyond on either side
  private static final int VECTORS = 4;

  private DistributionCheck() {}

  /** Makes every element the NaN whose bits are all set. */
  static void poison(float[] x) {
    Arrays.fill(x, Float.intBitsToFloat(-1));
  }

  /**
   * Compares {@code x} with a uniform, normal or truncated normal fill, in all but {@link
   * #independence}.
   *
   * @throws IllegalStateException {@code benchmark: need …, got …} if it does not agree
   */
  static void check(float[] x, Fill fill) {
    Law law = law(fill);
    elements(x, law);
    int n = Math.min(SAMPLE, x.length);
    SplittableRandom places = new SplittableRandom(n);
    double[] sample = new double[n];
    for (int i = 0; i < n; i++) {
      sample[i] = x[n == x.length ? i : places.nextInt(x.length)];
    }
    distance(sample, law.cdf);
  }

  /**
   * Checks that elements tell nothing of others.
   *
   * @throws IllegalStateException {@code benchmark: need a correlation …, got …} if they do
   */
  static void independence(float[] x, Fill fill) {
    Law law = law(fill);
    int n = Math.min(SAMPLE, x.length);
    correlation(x, n, 1, law);
    correlation(x, n, x.length / 2, law);
  }

  private static Law law(Fill fill) {
    return switch (fill) {
      case Fill.Uniform uniform -> uniform(uniform.lo(), uniform.hi());
      case Fill.Normal normal ->
          new Law(
              Float.NEGATIVE_INFINITY,
              Float.POSITIVE_INFINITY,
              normal.mean(),
              normal.stddev() * normal.stddev(),
              3,
              v -> cdf((v - normal.mean()) / normal.stddev()));
      case Fill.TruncatedNormal truncated -> truncated(truncated);
      default -> throw new IllegalArgumentException("benchmark: no distribution of " + fill);
    };
  }

  /** What a distribution is known by: a closed range, two moments, μ₄/σ⁴ and P(X ≤ v). */
  private record Law(
      double least,
      double most,
      double mean,
      double variance,
      double kurtosis,
      DoubleUnaryOperator cdf) {}

  private static Law uniform(double lo, double hi) {
    double range = hi - lo;
    return new Law(
        (float) lo,
        (float) hi,
        (lo + hi) / 2,
        range * range / 12,
        1.8,
        v -> Math.clamp((v - lo) / range, 0, 1));
  }

  /** Moments by m_k = (k − 1)·m_{k−2} + (a^{k−1}·φ(a) − b^{k−1}·φ(b)) / (Φ(b) − Φ(a)). */
  private static Law truncated(Fill.TruncatedNormal fill) {
    double a = fill.lowerSigma();
    double b = fill.upperSigma();
    double below = cdf(a);
    double mass = cdf(b) - below;
    double[] m = {1, (density(a) - density(b)) / mass, 0, 0, 0};
    for (int k = 2; k < m.length; k++) {
      double ends = Math.pow(a, k - 1) * density(a) - Math.pow(b, k - 1) * density(b);
      m[k] = (k - 1) * m[k - 2] + ends / mass;
    }
    double variance = m[2] - m[1] * m[1];
    double fourth = m[4] - 4 * m[1] * m[3] + 6 * m[1] * m[1] * m[2] - 3 * Math.pow(m[1], 4);
    double stddev = fill.stddev();
    return new Law(
        (float) fill.min(),
        (float) fill.max(),
        fill.mean() + stddev * m[1],
        stddev * stddev * variance,
        fourth / (variance * variance),
        v -> Math.clamp((cdf((v - fill.mean()) / stddev) - below) / mass, 0, 1));
  }

  private static double density(double z) {
    return Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
  }

  /**
   * Φ(z) = ½ + φ(z)·(z + z³/3 + z⁵/(3·5) + …).
   *
   * @see <a href="https://doi.org/10.18637/jss.v011.i04">Marsaglia 2004</a>
   */
  static double cdf(double z) {
    if (Math.abs(z) > 8) {
      return z > 0 ? 1 : 0;
    }
    double term = z;
    double sum = z;
    for (int k = 3; sum + term != sum; k += 2) {
      term *= z * z / k;
      sum += term;
    }
    return 0.5 + sum * density(z);
  }

  /** The {@code i}-th of {@code n} places at even distances. */
  private static int place(int i, int n, int length) {
    return (int) ((long) i * length / n);
  }

  /** Range, repetitions, mean and variance of all elements. */
  private static void elements(float[] x, Law law) {
    double sum = 0;
    double squares = 0;
    int alike = 1;
    for (int i = 0; i < x.length; i++) {
      float value = x[i];
      if (!(value >= law.least && value <= law.most) || Float.isInfinite(value)) {
        throw bad("a number in [%s, %s]", "x[%d]=%s", law.least, law.most, i, value);
      }
      alike = i > 0 && value == x[i - 1] ? alike + 1 : 1;
      if (alike == 4) {
        throw bad("neighbours that differ", "four of %s up to x[%d]", value, i);
      }
      double d = value - law.mean;
      sum += d;
      squares += d * d;
    }
    double n = x.length;
    double mean = sum / n;
    double most = SIGMAS * Math.sqrt(law.variance / n);
    if (!(Math.abs(mean) <= most)) {
      throw bad("a mean within %g of %g", "mean=%g", most, law.mean, law.mean + mean);
    }
    double variance = squares / n;
    double off = SIGMAS * law.variance * Math.sqrt((law.kurtosis - 1) / n);
    if (!(Math.abs(variance - law.variance) <= off)) {
      throw bad("a variance within %g of %g", "variance=%g", off, law.variance, variance);
    }
  }

  private static void distance(double[] sample, DoubleUnaryOperator cdf) {
    Arrays.sort(sample);
    int n = sample.length;
    double most = 0;
    for (int i = 0; i < n; i++) {
      double p = cdf.applyAsDouble(sample[i]);
      most = Math.max(most, Math.max(p - (double) i / n, (i + 1.0) / n - p));
    }
    double bound = MASSART / Math.sqrt(n);
    if (!(most <= bound)) {
      throw bad("a distance to the distribution of at most %g", "distance=%g", bound, most);
    }
  }

  private static void correlation(float[] x, int n, int lag, Law law) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      int at = place(i, n, x.length);
      int other = at + lag < x.length ? at + lag : at + lag - x.length;
      sum += (x[at] - law.mean) * (x[other] - law.mean);
    }
    // A pair half a tensor apart is met from either end: half as many terms, twice each.
    int terms = 2 * lag == x.length ? n / 2 : n;
    double correlation = sum / n / law.variance;
    double bound = SIGMAS / Math.sqrt(terms);
    if (!(Math.abs(correlation) <= bound)) {
      throw bad(
          "a correlation of at most %g at distance %d", "correlation=%g", bound, lag, correlation);
    }
  }

  /**
   * Checks that Q [n, n] is orthogonal and nothing special among such matrices.
   *
   * <p>QᵀQ·v is compared with v for {@value #VECTORS} vectors of ±1 (Freivalds 1977), in f64: it is
   * off by at most 10⁻⁵·√n, where |QᵀQ − I| may be 10⁻⁵ everywhere. √n times an element is as good
   * as normal: {@link #distance}. Half the diagonal is positive, which without the signs of R's
   * diagonal it is not (Mezzadri 2007).
   *
   * @throws IllegalStateException {@code benchmark: need …, got …} if it is not
   */
  static void checkOrthogonal(float[] q, int n) {
    for (int i = 0; i < q.length; i++) {
      if (!(Math.abs(q[i]) <= 1.0001f)) {
        throw bad("elements in [-1, 1]", "q[%d]=%s", i, q[i]);
      }
    }
    SplittableRandom random = new SplittableRandom(n);
    double bound = OrthogonalBenchmark.LARGEST_ERROR * Math.sqrt(n);
    for (int s = 0; s < VECTORS; s++) {
      double[] v = new double[n];
      for (int j = 0; j < n; j++) {
        v[j] = random.nextBoolean() ? 1 : -1;
      }
      double[] back = new double[n];
      for (int i = 0; i < n; i++) {
        double dot = 0;
        for (int j = 0; j < n; j++) {
          dot += q[i * n + j] * v[j];
        }
        for (int j = 0; j < n; j++) {
          back[j] += q[i * n + j] * dot;
        }
      }
      for (int j = 0; j < n; j++) {
        if (!(Math.abs(back[j] - v[j]) <= bound)) {
          throw bad(
              "QᵀQ·v within %g of v", "error=%g, column=%d", bound, Math.abs(back[j] - v[j]), j);
        }
      }
    }
    int count = Math.min(SAMPLE_OF_ORTHOGONAL, q.length);
    double[] sample = new double[count];
    for (int i = 0; i < count; i++) {
      sample[i] = q[random.nextInt(q.length)] * Math.sqrt(n);
    }
    distance(sample, DistributionCheck::cdf);
    int positive = 0;
    for (int i = 0; i < n; i++) {
      positive += q[i * n + i] > 0 ? 1 : 0;
    }
    double off = SIGMAS * Math.sqrt(n) / 2;
    if (!(Math.abs(positive - n / 2.0) <= off)) {
      throw bad("a diagonal half of which is positive", "positive=%d, of=%d", positive, n);
    }
  }

  private static IllegalStateException bad(String rule, String got, Object... values) {
    return new IllegalStateException(
        String.format(Locale.ROOT, "benchmark: need " + rule + ", got " + got, values));
  }
}
