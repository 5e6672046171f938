package dev.weft.testkit;

import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;

/**
 * Statistics of samples, each with the bound that a test accepts. The probability that a true
 * sample passes a bound by chance: KS 1e-3, everything at five standard deviations 6e-7.
 */
public final class Statistics {
  private Statistics() {}

  /** Mean, variance and kurtosis (3 for a normal) of a sample. */
  public record Moments(double mean, double variance, double kurtosis) {
    /** Of these values. */
    public static Moments of(double[] values) {
      double sum = 0;
      for (double value : values) {
        sum += value;
      }
      double mean = sum / values.length;
      double second = 0;
      double fourth = 0;
      for (double value : values) {
        double square = (value - mean) * (value - mean);
        second += square;
        fourth += square * square;
      }
      double variance = second / values.length;
      return new Moments(mean, variance, fourth / values.length / (variance * variance));
    }
  }

  /**
   * Kolmogorov and Smirnov's distance to {@code cdf} times √n; a true sample passes 1.95 with
   * probability 2·exp(−2·1.95²) = 1e-3.
   */
  public static double ks(double[] values, DoubleUnaryOperator cdf) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    double worst = 0;
    for (int i = 0; i < n; ) {
      int end = i;
      while (end < n && sorted[end] == sorted[i]) { // ties of a rounded type are one step
        end++;
      }
      double p = cdf.applyAsDouble(sorted[i]);
      double half = (end - i) / 2.0; // the value stands for what rounds to it: compare its middle
      worst = Math.max(worst, Math.abs((i + half) / n - p) + Math.min(half, 0.5) / n);
      i = end;
    }
    return worst * Math.sqrt(n);
  }

  /** The limit of {@link #ks}. */
  public static final double KS_LIMIT = 1.95;

  /** |mean − expected| in standard errors. */
  public static double meanError(double[] values, double expected, double stddev) {
    return Math.abs(Moments.of(values).mean() - expected) * Math.sqrt(values.length) / stddev;
  }

  /**
   * |variance / expected − 1| in standard errors.
   *
   * @param kurtosis of the distribution: 3 normal, 1.8 uniform; a variance has error √((κ − 1)/n)
   */
  public static double varianceError(double[] values, double expected, double kurtosis) {
    return Math.abs(Moments.of(values).variance() / expected - 1)
        * Math.sqrt(values.length / (kurtosis - 1));
  }

  /** Pearson's correlation times √n: a standard normal if the samples are independent. */
  public static double correlation(double[] x, double[] y) {
    int n = Math.min(x.length, y.length);
    double mx = 0;
    double my = 0;
    for (int i = 0; i < n; i++) {
      mx += x[i];
      my += y[i];
    }
    mx /= n;
    my /= n;
    double xy = 0;
    double xx = 0;
    double yy = 0;
    for (int i = 0; i < n; i++) {
      xy += (x[i] - mx) * (y[i] - my);
      xx += (x[i] - mx) * (x[i] - mx);
      yy += (y[i] - my) * (y[i] - my);
    }
    return xy / Math.sqrt(xx * yy) * Math.sqrt(n);
  }

  /**
   * Pearson's χ² of counts against equal expectations, as (χ² − k)/√(2k), k the degrees of freedom:
   * nearly a standard normal for many cells.
   */
  public static double chiSquare(long[] counts) {
    double total = 0;
    for (long count : counts) {
      total += count;
    }
    double expected = total / counts.length;
    double sum = 0;
    for (long count : counts) {
      sum += (count - expected) * (count - expected) / expected;
    }
    int freedom = counts.length - 1;
    return (sum - freedom) / Math.sqrt(2.0 * freedom);
  }

  /** Every {@code stride}-th value from {@code first} on. */
  public static double[] strided(double[] values, int first, int stride) {
    double[] taken = new double[(values.length - first + stride - 1) / stride];
    for (int i = 0; i < taken.length; i++) {
      taken[i] = values[first + i * stride];
    }
    return taken;
  }

  /** Mean, variance and kurtosis of N(0, 1) cut at [a, b], by Simpson's rule over at most ±12. */
  public static Moments truncatedNormal(double a, double b) {
    double from = Math.max(a, -12);
    double to = Math.min(b, 12);
    int intervals = 1 << 16;
    double h = (to - from) / intervals;
    double[] raw = new double[5];
    for (int i = 0; i <= intervals; i++) {
      double z = from + i * h;
      double weight = i == 0 || i == intervals ? 1 : i % 2 == 1 ? 4 : 2;
      double density = weight * StrictMath.exp(-z * z / 2);
      for (int power = 0; power < 5; power++) {
        raw[power] += density;
        density *= z;
      }
    }
    double m1 = raw[1] / raw[0];
    double m2 = raw[2] / raw[0];
    double m3 = raw[3] / raw[0];
    double m4 = raw[4] / raw[0];
    double variance = m2 - m1 * m1;
    double fourth = m4 - 4 * m1 * m3 + 6 * m1 * m1 * m2 - 3 * m1 * m1 * m1 * m1;
    return new Moments(m1, variance, fourth / (variance * variance));
  }
}
