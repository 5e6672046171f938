package dev.weft.compare;

import dev.weft.init.Fill;
import java.math.BigDecimal;
import java.util.Optional;
import java.util.function.DoubleUnaryOperator;

/**
 * The distribution that a fill draws from, as far as it has a density.
 *
 * <p>Mean, variance and mass come from integrating the density by Simpson's rule; no closed form is
 * shared with the code that draws. Very large and very small values are divided by a power of two
 * first.
 */
public final class Density {
  private static final int INTERVALS = 4096;

  /** A mean this small, against the interval, is the rounding of 0. */
  private static final double ROUNDING = 1e-13;

  /** Beyond this many σ a normal has no mass that matters in f64. */
  private static final double FAR = 12;

  private final DoubleUnaryOperator shape;
  private final double low;
  private final double high;
  private final int exponent; // mass and mean are those of the values over 2^exponent
  private final double mass;
  private final double mean;

  private Density(DoubleUnaryOperator shape, double low, double high) {
    this.shape = shape;
    this.low = Math.max(-Double.MAX_VALUE, low);
    this.high = Math.min(Double.MAX_VALUE, high);
    this.exponent = Scaling.exponent(Math.max(Math.abs(this.low), Math.abs(this.high)));
    this.mass = integrate(x -> 1);
    double computed = integrate(x -> x) / mass;
    double width = Math.scalb(this.high, -exponent) - Math.scalb(this.low, -exponent);
    this.mean = Math.abs(computed) < ROUNDING * width ? 0 : computed;
  }

  /**
   * The density of {@code fill}; empty where it has none, as a constant.
   *
   * @param byteSize bytes of an element, for raw words
   */
  public static Optional<Density> of(Fill fill, int byteSize) {
    return switch (fill) {
      case Fill.Bits bits -> Optional.of(uniform(0, Math.scalb(1.0, 8 * byteSize)));
      case Fill.Uniform uniform -> Optional.of(uniform(uniform.lo(), uniform.hi()));
      case Fill.Normal normal when normal.stddev() > 0 ->
          Optional.of(normal(normal.mean(), normal.stddev(), -FAR, FAR));
      case Fill.TruncatedNormal normal ->
          Optional.of(
              normal(normal.mean(), normal.stddev(), normal.lowerSigma(), normal.upperSigma()));
      default -> Optional.empty();
    };
  }

  private static Density uniform(double lo, double hi) {
    return new Density(x -> 1, lo, hi);
  }

  private static Density normal(double mean, double stddev, double lower, double upper) {
    // Far in one tail the mass sits within a few units of 1/bound from the bound.
    double a = Math.max(lower, upper < -1 ? upper - FAR : -FAR);
    double b = Math.min(upper, lower > 1 ? lower + FAR : FAR);
    double nearest = a > 0 ? a : b < 0 ? b : 0; // relative to it nothing underflows
    return new Density(
        x -> {
          double z = (x - mean) / stddev;
          return Math.exp((nearest * nearest - z * z) / 2);
        },
        mean + a * stddev,
        mean + b * stddev);
  }

  /** The density at {@code x}. */
  public double at(double x) {
    return at(x, 0);
  }

  /** The density at {@code x} of the values over 2^{@code unit}. */
  public double at(double x, int unit) {
    return x >= low && x <= high ? Math.scalb(shape.applyAsDouble(x) / mass, unit - exponent) : 0;
  }

  /** Where it begins to be above 0, or to matter. */
  public double low() {
    return low;
  }

  /** Where it ends. */
  public double high() {
    return high;
  }

  /** The expected mean. */
  public double mean() {
    return Math.scalb(mean, exponent);
  }

  /** The expected variance; ∞ or 0 where f64 does not hold it, as {@link #stddev} it does. */
  public double variance() {
    return Math.scalb(scaledVariance(), 2 * exponent);
  }

  /** {@link #variance}, whatever its size. */
  public BigDecimal exactVariance() {
    return Scaling.decimal(scaledVariance(), 2 * exponent);
  }

  /** The expected standard deviation. */
  public double stddev() {
    return Math.scalb(Math.sqrt(scaledVariance()), exponent);
  }

  private double scaledVariance() {
    return integrate(x -> (x - mean) * (x - mean)) / mass;
  }

  /** The integral of f times the shape, both of values over 2^{@code exponent}. */
  private double integrate(DoubleUnaryOperator f) {
    double first = Math.scalb(low, -exponent);
    double last = Math.scalb(high, -exponent);
    double step = (last - first) / INTERVALS;
    double sum = term(f, first) + term(f, last);
    for (int i = 1; i < INTERVALS; i++) {
      sum += (i % 2 == 0 ? 2 : 4) * term(f, first + i * step);
    }
    return sum * step / 3;
  }

  private double term(DoubleUnaryOperator f, double x) {
    return f.applyAsDouble(x) * shape.applyAsDouble(Math.scalb(x, exponent));
  }
}
