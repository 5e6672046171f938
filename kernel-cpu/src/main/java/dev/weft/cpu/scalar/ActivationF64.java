package dev.weft.cpu.scalar;

import dev.weft.cpu.nn.ActivationKernel;
import dev.weft.nn.Activation.Kind;

/**
 * The activations of F64, element by element: the definition of their bits. Formulas are in
 * docs/accuracy.md; t is e^(−|x|) unless said otherwise.
 */
public final class ActivationF64 implements ActivationKernel<double[]> {
  public static final double SELU_LAMBDA = 1.0507009873554805;
  public static final double SELU_ALPHA = 1.6732632423543772;
  public static final double SELU_LAMBDA_ALPHA = 0x1.c212cc640f031p0;

  /** 1/6. */
  public static final double SIXTH = 1 / 6.0;

  /** 1/3. */
  public static final double THIRD = 1 / 3.0;

  /** 1/√(2π). */
  public static final double DENSITY = 0x1.9884533d43651p-2;

  /** 2√(2/π) in two parts; the first is a multiple of 2⁻⁴⁰. */
  public static final double TANH1 = 0x1.9884533d43p0;

  public static final double TANH1_LOW = 0x1.942343f2cf14p-42;

  /** 0.044715·2√(2/π) in two parts. */
  public static final double TANH3 = 0x1.2444f2a4d8b4bp-4;

  public static final double TANH3_LOW = -0x1.6c843a29d1c7p-61;

  /** What every e^(−|x|) takes to 0, so that 0·x is 0 for all larger x too. */
  public static final double LARGE = 0x1p10;

  private final Kind kind;

  /** The activation of this kind; not one of rows. */
  public ActivationF64(Kind kind) {
    this.kind = kind;
  }

  @Override
  public void forward(double[] x, int at, int count, double alpha) {
    double a = alpha;
    for (int i = at; i < at + count; i++) {
      x[i] = value(x[i], a);
    }
  }

  @Override
  public void backward(double[] saved, double[] d, int count, double alpha) {
    double a = alpha;
    for (int i = 0; i < count; i++) {
      d[i] *= derivative(saved[i], a);
    }
  }

  private double value(double x, double alpha) {
    return switch (kind) {
      case LINEAR -> x;
      case RELU -> x < 0 ? 0 : x;
      case LEAKY_RELU -> x < 0 ? alpha * x : x;
      case ELU -> x < 0 ? alpha * MathF64.expm1(x) : x;
      case SELU -> x < 0 ? SELU_LAMBDA_ALPHA * MathF64.expm1(x) : SELU_LAMBDA * x;
      case GELU -> above(x) * normal(x);
      case GELU_TANH -> above(x) * sigmoid(x, expOfCubic(bounded(x)));
      case SILU -> above(x) * sigmoid(x, MathF64.exp(-Math.abs(x)));
      case MISH -> above(x) * mish(x);
      case SOFTPLUS -> (x < 0 ? 0 : x) + MathF64.log1p(MathF64.exp(-Math.abs(x)));
      case SIGMOID -> sigmoid(x, MathF64.exp(-Math.abs(x)));
      case HARD_SIGMOID -> hardSigmoid(x);
      case HARD_SWISH -> above(x) * hardSigmoid(x);
      case TANH -> tanh(x);
      case SOFTMAX, LOG_SOFTMAX -> throw new AssertionError(kind);
    };
  }

  /** f′ of z or of y = f(z). */
  private double derivative(double saved, double alpha) {
    return switch (kind) {
      case LINEAR -> 1;
      case RELU -> saved > 0 ? 1 : 0;
      case LEAKY_RELU -> saved > 0 ? 1 : alpha;
      case ELU -> saved > 0 ? 1 : saved + alpha;
      case SELU -> saved > 0 ? SELU_LAMBDA : saved + SELU_LAMBDA_ALPHA;
      case GELU -> geluDerivative(saved);
      case GELU_TANH -> geluTanhDerivative(saved);
      case SILU -> siluDerivative(saved);
      case MISH -> mishDerivative(saved);
      case SOFTPLUS -> -MathF64.expm1(-saved);
      case SIGMOID -> saved * (1 - saved);
      case HARD_SIGMOID -> saved > 0 && saved < 1 ? SIXTH : 0;
      case HARD_SWISH -> hardSwishDerivative(saved);
      case TANH -> Math.fma(-saved, saved, 1);
      case SOFTMAX, LOG_SOFTMAX -> throw new AssertionError(kind);
    };
  }

  private static double sigmoid(double x, double t) {
    return (x < 0 ? t : 1) / (1 + t);
  }

  private static double tanh(double x) {
    double em = MathF64.expm1(-2 * Math.abs(x));
    return Math.copySign(em / (em + 2), x);
  }

  private static double hardSigmoid(double x) {
    double y = (x + 3) * SIXTH;
    y = y < 0 ? 0 : y;
    return y > 1 ? 1 : y;
  }

  private static double hardSwishDerivative(double z) {
    double slope = Math.fma(z, THIRD, 0.5);
    slope = z <= -3 ? 0 : slope;
    return z >= 3 ? 1 : slope;
  }

  /** x, at least −{@link #LARGE}. */
  private static double above(double x) {
    return x < -LARGE ? -LARGE : x;
  }

  /** |x|, at most {@link #LARGE}. */
  private static double bounded(double x) {
    double a = Math.abs(x);
    return a > LARGE ? LARGE : a;
  }

  /** Φ(x). */
  private static double normal(double x) {
    double a = bounded(x);
    double p = MathF64.expOfHalfSquare(a) * MathF64.scaledTail(a); // Φ(−|x|)
    return x < 0 ? p : 1 - p;
  }

  /** Φ(z) + z·φ(z). */
  private static double geluDerivative(double z) {
    double a = bounded(z);
    double e = MathF64.expOfHalfSquare(a);
    double p = e * MathF64.scaledTail(a);
    return Math.fma(z < 0 ? -a : a, e * DENSITY, z < 0 ? p : 1 - p);
  }

  /** σ + z·(2√(2/π)·(1 + 3·0.044715·z²))·σ·(1 − σ). */
  private static double geluTanhDerivative(double z) {
    double a = bounded(z);
    double slope = Math.fma(3 * TANH3, a * a, TANH1 + TANH1_LOW);
    return sigmoidAndSlope(z, (z < 0 ? -a : a) * slope, expOfCubic(a));
  }

  /** e^−(2√(2/π)·(a + 0.044715·a³)), the exponent in two parts. */
  private static double expOfCubic(double a) {
    double h = a * a;
    double l = Math.fma(a, a, -h);
    double g = Math.fma(TANH3, h, TANH1);
    double rest = Math.fma(TANH3, h, TANH1 - g); // the difference is exact
    rest = Math.fma(TANH3, l, Math.fma(TANH3_LOW, h, rest + TANH1_LOW));
    double v = -a * g;
    return MathF64.exp(v, Math.fma(-a, rest, Math.fma(-a, g, -v)));
  }

  /** σ + z·σ·(1 − σ). */
  private static double siluDerivative(double z) {
    double a = bounded(z);
    return sigmoidAndSlope(z, z < 0 ? -a : a, MathF64.exp(-a));
  }

  /** σ + slope·σ·(1 − σ). */
  private static double sigmoidAndSlope(double z, double slope, double t) {
    double s = t / (1 + t); // σ(−|z|)
    return Math.fma(slope, Math.fma(-s, s, s), z < 0 ? s : 1 - s);
  }

  /** n/d: n = 1 + 2t, d = n + 2t² for x ≥ 0; n = t² + 2t, d = n + 2 for x {@code <} 0. */
  private static double mish(double x) {
    double t = MathF64.exp(-Math.abs(x));
    double n = x < 0 ? Math.fma(t, t, 2 * t) : 2 * t + 1; // 2t is exact
    return n / (n + (x < 0 ? 2 : 2 * t * t));
  }

  /** n/d + z·σ·(d − n)·(d + n)/d². */
  private static double mishDerivative(double z) {
    double a = bounded(z);
    double t = MathF64.exp(-a);
    double n = z < 0 ? Math.fma(t, t, 2 * t) : 2 * t + 1;
    double e = z < 0 ? 2 * t : 2 * t * t; // (d − n)·σ·(1 + t)
    double d = n + (z < 0 ? 2 : 2 * t * t);
    double slope = (z < 0 ? -a : a) * e * (d + n) / ((1 + t) * d * d);
    return n / d + slope;
  }
}
