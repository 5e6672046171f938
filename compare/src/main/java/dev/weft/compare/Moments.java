package dev.weft.compare;

import java.math.BigDecimal;

/**
 * Count, range and the first four central moments of a sample, in f64.
 *
 * <p>A block of values is summed around its own mean in two passes; blocks are merged by the
 * pairwise formulas, so that a large mean or a large sample costs no precision. Values beyond 2²⁰⁰
 * or below 2⁻²⁰⁰ are divided by a power of two first, so that finite values of any size have finite
 * moments. Values that are not finite are counted, and left out of everything else.
 *
 * @see <a href="https://doi.org/10.2172/1028931">Pébay 2008</a>, formulas (2.1) for M2, M3, M4
 */
public final class Moments {
  private static final int ZEROS = Integer.MIN_VALUE; // exponent of no values but zeros

  private long count;
  private int exponent = ZEROS; // mean, m2, m3, m4 are those of the values over 2^exponent
  private double mean;
  private double m2;
  private double m3;
  private double m4;
  private double min = Double.POSITIVE_INFINITY;
  private double max = Double.NEGATIVE_INFINITY;
  private long zeros;
  private long nans;
  private long infinities;

  /** Of no values. */
  public Moments() {}

  /** Adds {@code values[0 .. length)}, which it reorders: the finite ones come first. */
  public void add(double[] values, int length) {
    int n = 0;
    for (int i = 0; i < length; i++) {
      double x = values[i];
      if (Math.abs(x) <= Double.MAX_VALUE) {
        values[n++] = x;
      } else if (Double.isNaN(x)) {
        nans++;
      } else {
        infinities++;
      }
    }
    if (n > 0) {
      addFinite(values, n);
    }
  }

  private void addFinite(double[] values, int n) {
    double low = values[0];
    double high = values[0];
    int zero = 0;
    for (int i = 0; i < n; i++) {
      double x = values[i];
      low = Math.min(low, x);
      high = Math.max(high, x);
      zero += x == 0 ? 1 : 0;
    }
    int common = Scaling.exponent(Math.max(-low, high));
    double unit = Math.scalb(1.0, -common);
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += values[i] * unit / n;
    }
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    double s4 = 0;
    for (int i = 0; i < n; i++) {
      double d = values[i] * unit - sum;
      double d2 = d * d;
      s1 += d;
      s2 += d2;
      s3 += d2 * d;
      s4 += d2 * d2;
    }
    double shift = s1 / n; // what rounding left of the mean
    Moments block = new Moments();
    block.count = n;
    block.exponent = zero == n ? ZEROS : common;
    block.mean = sum + shift;
    block.m2 = s2 - n * shift * shift;
    block.m3 = s3 - 3 * shift * s2 + 2 * n * shift * shift * shift;
    block.m4 = s4 - 4 * shift * s3 + 6 * shift * shift * s2 - 3 * n * shift * shift * shift * shift;
    block.min = low;
    block.max = high;
    block.zeros = zero;
    merge(block);
  }

  /** The same moments of the values over another power of two, at least that of this. */
  private Moments over(int common) {
    if (exponent == common) {
      return this;
    }
    int by = exponent == ZEROS ? 0 : exponent - common;
    Moments scaled = new Moments();
    scaled.count = count;
    scaled.exponent = common;
    scaled.mean = Math.scalb(mean, by);
    scaled.m2 = Math.scalb(m2, 2 * by);
    scaled.m3 = Math.scalb(m3, 3 * by);
    scaled.m4 = Math.scalb(m4, 4 * by);
    return scaled;
  }

  /** Adds the sample of {@code that}. */
  public void merge(Moments that) {
    zeros += that.zeros;
    nans += that.nans;
    infinities += that.infinities;
    min = Math.min(min, that.min);
    max = Math.max(max, that.max);
    if (that.count == 0) {
      return;
    }
    int common = Math.max(exponent, that.exponent);
    Moments mine = over(common);
    add(mine, that.over(common));
    exponent = common;
  }

  /** Sets the moments to those of two samples over one power of two. */
  private void add(Moments mine, Moments that) {
    mean = mine.mean;
    m2 = mine.m2;
    m3 = mine.m3;
    m4 = mine.m4;
    double a = count;
    double b = that.count;
    double n = a + b;
    double d = that.mean - mean;
    double dn = d / n;
    double cross = d * dn * a * b;
    m4 +=
        that.m4
            + cross * dn * dn * (a * a - a * b + b * b)
            + 6 * dn * dn * (a * a * that.m2 + b * b * m2)
            + 4 * dn * (a * that.m3 - b * m3);
    m3 += that.m3 + cross * dn * (a - b) + 3 * dn * (a * that.m2 - b * m2);
    m2 += that.m2 + cross;
    mean += dn * b;
    count += that.count;
  }

  /** Number of finite values. */
  public long count() {
    return count;
  }

  /** The mean; NaN of an empty sample, as all of the following. */
  public double mean() {
    if (count == 0) {
      return Double.NaN;
    }
    double value = Math.scalb(mean, exponent());
    return Double.isInfinite(value) ? value > 0 ? max : min : value;
  }

  /** M2 / n; ∞ or 0 where f64 does not hold it, as {@link #stddev} it always does. */
  public double variance() {
    return Math.scalb(m2 / count, 2 * exponent());
  }

  /** {@link #variance}, whatever its size; of a sample that is not empty. */
  public BigDecimal exactVariance() {
    return Scaling.decimal(m2 / count, 2 * exponent());
  }

  /** √(M2 / n). */
  public double stddev() {
    double value = Math.scalb(Math.sqrt(m2 / count), exponent());
    return value > Double.MAX_VALUE ? Double.MAX_VALUE : value;
  }

  private int exponent() {
    return exponent == ZEROS ? 0 : exponent;
  }

  /** √n·M3 / M2^1.5; NaN where all values are equal. */
  public double skewness() {
    return Math.sqrt(count) * m3 / (m2 * Math.sqrt(m2));
  }

  /** n·M4 / M2² − 3: 0 for a normal distribution; NaN where all values are equal. */
  public double excessKurtosis() {
    return count * m4 / (m2 * m2) - 3;
  }

  /** The least finite value. */
  public double min() {
    return count == 0 ? Double.NaN : min;
  }

  /** The greatest finite value. */
  public double max() {
    return count == 0 ? Double.NaN : max;
  }

  /** Zeros of either sign. */
  public long zeros() {
    return zeros;
  }

  /** Values that are NaN. */
  public long nans() {
    return nans;
  }

  /** Values that are infinite. */
  public long infinities() {
    return infinities;
  }
}
