package dev.weft.init;

import dev.weft.internal.Checks;
import java.util.function.DoubleUnaryOperator;

/**
 * Factors that keep the second moment of activations through a layer. The first group are the
 * conventional values; the second are 1/√E[f(z)²] for z ~ N(0, 1), by integration ({@link #of}).
 *
 * @since 0.1
 */
public final class Gain {
  /** Linear and sigmoid, by convention. */
  public static final double LINEAR = 1;

  /** Hyperbolic tangent, by convention. */
  public static final double TANH = 5.0 / 3;

  /** Rectified linear unit, √2. */
  public static final double RELU = Math.sqrt(2);

  /** Scaled exponential linear unit, by convention. */
  public static final double SELU = 0.75;

  /** GELU with the error function. */
  public static final double GELU_ERF = 1.533530;

  /** GELU with its tanh approximation. */
  public static final double GELU_TANH = 1.533581;

  /** z·sigmoid(z). */
  public static final double SILU = 1.676532;

  /** z·tanh(softplus(z)). */
  public static final double MISH = 1.486848;

  /** ELU with α = 1. */
  public static final double ELU = 1.245198;

  /** ln(1 + eᶻ). */
  public static final double SOFTPLUS = 1.041867;

  /** z·clip(z/6 + ½, 0, 1). */
  public static final double HARD_SWISH = 1.736657;

  /** Hyperbolic tangent by integration, where {@link #TANH} is the convention. */
  public static final double TANH_EXACT = 1.592537;

  private Gain() {}

  /** Leaky rectified linear unit: √(2 / (1 + slope²)). */
  public static double leakyRelu(double negativeSlope) {
    Checks.finite("gain", "negativeSlope", negativeSlope);
    double square = negativeSlope * negativeSlope;
    return square < 0x1p600
        ? Math.sqrt(2 / (1 + square))
        : RELU / Math.abs(negativeSlope); // the square overflows, or the quotient is subnormal
  }

  /**
   * 1/√E[f(z)²] for z ~ N(0, 1), by Simpson's rule over [−12, 12] with 2¹⁵ intervals.
   *
   * @throws IllegalArgumentException if the integral is not a positive finite number
   */
  public static double of(DoubleUnaryOperator activation) {
    int intervals = 1 << 15;
    double h = 24.0 / intervals;
    double sum = 0;
    for (int i = 0; i <= intervals; i++) {
      double z = -12 + i * h;
      double f = activation.applyAsDouble(z);
      double weight = i == 0 || i == intervals ? 1 : i % 2 == 1 ? 4 : 2;
      sum += weight * f * f * Math.exp(-z * z / 2);
    }
    double moment = sum * h / 3 / Math.sqrt(2 * Math.PI);
    if (!(moment > 0 && moment <= Double.MAX_VALUE)) {
      throw Checks.bad("gain", "need E[f(z)^2] positive and finite", "moment", moment);
    }
    return 1 / Math.sqrt(moment);
  }
}
