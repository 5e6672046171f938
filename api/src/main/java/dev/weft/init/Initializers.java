package dev.weft.init;

import dev.weft.internal.Checks;

/**
 * The named initializers, with the defaults of Keras. Layout is KERAS unless it is said.
 *
 * @since 0.1
 */
public final class Initializers {
  private Initializers() {}

  /** All elements 0. */
  public static Initializer zeros() {
    return constant(0);
  }

  /** All elements 1. */
  public static Initializer ones() {
    return constant(1);
  }

  /** All elements {@code value}; see {@link Fill#constant}. */
  public static Initializer constant(double value) {
    return of(Fill.constant(value));
  }

  /** The raw words of the stream; see {@link Fill#bits}. */
  public static Initializer bits() {
    return of(Fill.bits());
  }

  /** U[lo, hi); see {@link Fill#uniform}. */
  public static Initializer uniform(double lo, double hi) {
    return of(Fill.uniform(lo, hi));
  }

  /** N(mean, stddev²); see {@link Fill#normal}. */
  public static Initializer normal(double mean, double stddev) {
    return of(Fill.normal(mean, stddev));
  }

  /** N(mean, stddev²) cut at ±2·stddev; see {@link Fill#truncatedNormalSigma}. */
  public static Initializer truncatedNormal(double mean, double stddev) {
    return truncatedNormalSigma(mean, stddev, -2, 2);
  }

  /** N(mean, stddev²) cut at bounds in units of stddev; see {@link Fill#truncatedNormalSigma}. */
  public static Initializer truncatedNormalSigma(
      double mean, double stddev, double lower, double upper) {
    return of(Fill.truncatedNormalSigma(mean, stddev, lower, upper));
  }

  /** N(mean, stddev²) cut at absolute bounds; see {@link Fill#truncatedNormalBetween}. */
  public static Initializer truncatedNormalBetween(
      double mean, double stddev, double min, double max) {
    return of(Fill.truncatedNormalBetween(mean, stddev, min, max));
  }

  /** Variance s/n of a chosen fan and distribution. */
  public static VarianceScaling varianceScaling(
      double scale, FanMode mode, Distribution distribution) {
    return new VarianceScaling(scale, mode, distribution, Layout.KERAS, 1);
  }

  /** U[−L, L), L = √(6 / (fan_in + fan_out)). */
  public static VarianceScaling glorotUniform() {
    return varianceScaling(1, FanMode.FAN_AVG, Distribution.UNIFORM);
  }

  /** σ = √(2 / (fan_in + fan_out)), truncated at ±2σ′ (Keras semantics). */
  public static VarianceScaling glorotNormal() {
    return varianceScaling(1, FanMode.FAN_AVG, Distribution.TRUNCATED_NORMAL);
  }

  /** U[−L, L), L = √(6 / fan_in). */
  public static VarianceScaling heUniform() {
    return varianceScaling(2, FanMode.FAN_IN, Distribution.UNIFORM);
  }

  /** σ = √(2 / fan_in), truncated at ±2σ′ (Keras semantics). */
  public static VarianceScaling heNormal() {
    return varianceScaling(2, FanMode.FAN_IN, Distribution.TRUNCATED_NORMAL);
  }

  /**
   * He's uniform for a leaky rectifier: s = 2 / (1 + slope²), Kaiming's in PyTorch.
   *
   * @param negativeSlope a of the leaky rectifier, finite
   */
  public static VarianceScaling heUniform(double negativeSlope) {
    return varianceScaling(leakyScale(negativeSlope), FanMode.FAN_IN, Distribution.UNIFORM);
  }

  /** He's normal for a leaky rectifier: s = 2 / (1 + slope²). */
  public static VarianceScaling heNormal(double negativeSlope) {
    return varianceScaling(
        leakyScale(negativeSlope), FanMode.FAN_IN, Distribution.TRUNCATED_NORMAL);
  }

  /** U[−L, L), L = √(3 / fan_in). */
  public static VarianceScaling lecunUniform() {
    return varianceScaling(1, FanMode.FAN_IN, Distribution.UNIFORM);
  }

  /** σ = √(1 / fan_in), truncated at ±2σ′ (Keras semantics). */
  public static VarianceScaling lecunNormal() {
    return varianceScaling(1, FanMode.FAN_IN, Distribution.TRUNCATED_NORMAL);
  }

  /** U[−L, L), L = 1/√fan_in: the default of PyTorch's linear and convolution layers. */
  public static VarianceScaling torchLinear() {
    return varianceScaling(1.0 / 3, FanMode.FAN_IN, Distribution.UNIFORM);
  }

  /**
   * U[−L, L), L = 1/√fanIn, for the bias of a layer whose weight has that fan_in: the default of
   * PyTorch.
   *
   * @throws IllegalArgumentException {@code torch_linear: need fanIn >= 1, got fanIn=…}
   */
  public static Initializer torchLinearBias(long fanIn) {
    if (fanIn < 1) {
      throw Checks.bad("torch_linear", "need fanIn >= 1", "fanIn", fanIn);
    }
    double limit = 1 / Math.sqrt(fanIn);
    return uniform(-limit, limit);
  }

  /** An orthogonal matrix; see {@link Fill#orthogonal}. */
  public static Initializer orthogonal() {
    return orthogonal(1, Layout.KERAS);
  }

  /** An orthogonal matrix times {@code gain}; see {@link Fill#orthogonal}. */
  public static Initializer orthogonal(double gain, Layout layout) {
    return of(Fill.orthogonal(gain, layout));
  }

  /** An orthogonal centre tap; see {@link Fill#deltaOrthogonal}. */
  public static Initializer deltaOrthogonal(double gain, Layout layout) {
    return of(Fill.deltaOrthogonal(gain, layout));
  }

  /** {@code gain} on the diagonal; see {@link Fill#identity}. */
  public static Initializer identity(double gain) {
    return of(Fill.identity(gain));
  }

  /** Identity as a convolution; see {@link Fill#dirac}. */
  public static Initializer dirac(int groups, Layout layout) {
    return of(Fill.dirac(groups, layout));
  }

  /** Normal with zeros in every column; see {@link Fill#sparse}. */
  public static Initializer sparse(double sparsity, double stddev) {
    return of(Fill.sparse(sparsity, stddev));
  }

  /** An element-wise function of (index, random word); see {@link Fill#custom}. */
  public static Initializer custom(ElementFunction function) {
    return of(Fill.custom(function));
  }

  private static Initializer of(Fill fill) {
    return shape -> fill;
  }

  private static double leakyScale(double negativeSlope) {
    Checks.finite("he", "negativeSlope", negativeSlope);
    return 2 / (1 + negativeSlope * negativeSlope);
  }
}
