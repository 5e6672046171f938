package dev.weft.compare;

import dev.weft.init.Fill;
import java.util.Optional;
import java.util.function.DoubleUnaryOperator;

/**
 * The distribution that a fill draws from, as far as it has a density.
 *
 * <p>Mean, variance and mass come from integrating the density by Simpson's rule; no closed form is
 * shared with the code that draws.
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
  private final double mass;
  private final double mean;

  private Density(DoubleUnaryOperator shape, double low, double high) {
    this.shape = shape;
    this.low = low;
    this.high = high;
    this.mass = integrate(shape);
    double computed = integrate(x -> x * shape.applyAsDouble(x)) / mass;
    this.mean = Math.abs(computed) < ROUNDING * (high - low) ? 0 : computed;
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
    return x >= low && x <= high ? shape.applyAsDouble(x) / mass : 0;
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
    return mean;
  }

  /** The expected variance. */
  public double variance() {
    return integrate(x -> (x - mean) * (x - mean) * shape.applyAsDouble(x)) / mass;
  }

  private double integrate(DoubleUnaryOperator f) {
    double step = (high - low) / INTERVALS;
    double sum = f.applyAsDouble(low) + f.applyAsDouble(high);
    for (int i = 1; i < INTERVALS; i++) {
      sum += (i % 2 == 0 ? 2 : 4) * f.applyAsDouble(low + i * step);
    }
    return sum * step / 3;
  }
}
