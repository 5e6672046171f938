package dev.weft.cpu.scalar;

import dev.weft.cpu.nn.ActivationKernel;
import dev.weft.nn.Activation.Kind;

/**
 * The activations of F32, element by element: the definition of their bits. Formulas are in
 * docs/accuracy.md; t is e^(−|x|) unless said otherwise.
 */
public final class ActivationF32 implements ActivationKernel<float[]> {
  public static final float SELU_LAMBDA = (float) 1.0507009873554805;
  public static final float SELU_ALPHA = (float) 1.6732632423543772;
  public static final float SELU_LAMBDA_ALPHA = (float) (1.0507009873554805 * 1.6732632423543772);

  /** 1/6. */
  public static final float SIXTH = (float) (1 / 6.0);

  /** 1/3. */
  public static final float THIRD = (float) (1 / 3.0);

  /** 1/√(2π). */
  public static final float DENSITY = 0x1.988454p-2f;

  /** 2√(2/π) in two parts; the first is a multiple of 2⁻¹⁵. */
  public static final float TANH1 = 0x1.9884p0f;

  public static final float TANH1_LOW = 0x1.4cf50ep-18f;

  /** 0.044715·2√(2/π) in two parts. */
  public static final float TANH3 = 0x1.2444f2p-4f;

  public static final float TANH3_LOW = 0x1.49b16ap-29f;

  /** What every e^(−|x|) takes to 0, so that 0·x is 0 for all larger x too. */
  public static final float LARGE = 0x1p7f;

  private final Kind kind;

  /** The activation of this kind; not one of rows. */
  public ActivationF32(Kind kind) {
    this.kind = kind;
  }

  @Override
  public void forward(float[] x, int at, int count, double alpha) {
    float a = (float) alpha;
    for (int i = at; i < at + count; i++) {
      x[i] = value(x[i], a);
    }
  }

  @Override
  public void backward(float[] saved, float[] d, int count, double alpha) {
    float a = (float) alpha;
    for (int i = 0; i < count; i++) {
      d[i] *= derivative(saved[i], a);
    }
  }

  private float value(float x, float alpha) {
    return switch (kind) {
      case LINEAR -> x;
      case RELU -> x < 0 ? 0 : x;
      case LEAKY_RELU -> x < 0 ? alpha * x : x;
      case ELU -> x < 0 ? alpha * MathF32.expm1(x) : x;
      case SELU -> x < 0 ? SELU_LAMBDA_ALPHA * MathF32.expm1(x) : SELU_LAMBDA * x;
      case GELU -> above(x) * normal(x);
      case GELU_TANH -> above(x) * sigmoid(x, expOfCubic(bounded(x)));
      case SILU -> above(x) * sigmoid(x, MathF32.exp(-Math.abs(x)));
      case MISH -> above(x) * mish(x);
      case SOFTPLUS -> (x < 0 ? 0 : x) + MathF32.log1p(MathF32.exp(-Math.abs(x)));
      case SIGMOID -> sigmoid(x, MathF32.exp(-Math.abs(x)));
      case HARD_SIGMOID -> hardSigmoid(x);
      case HARD_SWISH -> above(x) * hardSigmoid(x);
      case TANH -> tanh(x);
      case SOFTMAX, LOG_SOFTMAX -> throw new AssertionError(kind);
    };
  }

  /** f′ of z or of y = f(z). */
  private float derivative(float saved, float alpha) {
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
      case SOFTPLUS -> -MathF32.expm1(-saved);
      case SIGMOID -> saved * (1 - saved);
      case HARD_SIGMOID -> saved > 0 && saved < 1 ? SIXTH : 0;
      case HARD_SWISH -> hardSwishDerivative(saved);
      case TANH -> Math.fma(-saved, saved, 1);
      case SOFTMAX, LOG_SOFTMAX -> throw new AssertionError(kind);
    };
  }

  private static float sigmoid(float x, float t) {
    return (x < 0 ? t : 1) / (1 + t);
  }

  private static float tanh(float x) {
    float em = MathF32.expm1(-2 * Math.abs(x));
    return Math.copySign(em / (em + 2), x);
  }

  private static float hardSigmoid(float x) {
    float y = (x + 3) * SIXTH;
    y = y < 0 ? 0 : y;
    return y > 1 ? 1 : y;
  }

  private static float hardSwishDerivative(float z) {
    float slope = Math.fma(z, THIRD, 0.5f);
    slope = z <= -3 ? 0 : slope;
    return z >= 3 ? 1 : slope;
  }

  /** x, at least −{@link #LARGE}. */
  private static float above(float x) {
    return x < -LARGE ? -LARGE : x;
  }

  /** |x|, at most {@link #LARGE}. */
  private static float bounded(float x) {
    float a = Math.abs(x);
    return a > LARGE ? LARGE : a;
  }

  /** Φ(x). */
  private static float normal(float x) {
    float a = bounded(x);
    float p = MathF32.expOfHalfSquare(a) * MathF32.scaledTail(a); // Φ(−|x|)
    return x < 0 ? p : 1 - p;
  }

  /** Φ(z) + z·φ(z). */
  private static float geluDerivative(float z) {
    float a = bounded(z);
    float e = MathF32.expOfHalfSquare(a);
    float p = e * MathF32.scaledTail(a);
    return Math.fma(z < 0 ? -a : a, e * DENSITY, z < 0 ? p : 1 - p);
  }

  /** σ + z·(2√(2/π)·(1 + 3·0.044715·z²))·σ·(1 − σ). */
  private static float geluTanhDerivative(float z) {
    float a = bounded(z);
    float slope = Math.fma(3 * TANH3, a * a, TANH1 + TANH1_LOW);
    return sigmoidAndSlope(z, (z < 0 ? -a : a) * slope, expOfCubic(a));
  }

  /** e^−(2√(2/π)·(a + 0.044715·a³)), the exponent in two parts. */
  private static float expOfCubic(float a) {
    float h = a * a;
    float l = Math.fma(a, a, -h);
    float g = Math.fma(TANH3, h, TANH1);
    float rest = Math.fma(TANH3, h, TANH1 - g); // the difference is exact
    rest = Math.fma(TANH3, l, Math.fma(TANH3_LOW, h, rest + TANH1_LOW));
    float v = -a * g;
    return MathF32.exp(v, Math.fma(-a, rest, Math.fma(-a, g, -v)));
  }

  /** σ + z·σ·(1 − σ). */
  private static float siluDerivative(float z) {
    float a = bounded(z);
    return sigmoidAndSlope(z, z < 0 ? -a : a, MathF32.exp(-a));
  }

  /** σ + slope·σ·(1 − σ). */
  private static float sigmoidAndSlope(float z, float slope, float t) {
    float s = t / (1 + t); // σ(−|z|)
    return Math.fma(slope, Math.fma(-s, s, s), z < 0 ? s : 1 - s);
  }

  /** n/d: n = 1 + 2t, d = n + 2t² for x ≥ 0; n = t² + 2t, d = n + 2 for x {@code <} 0. */
  private static float mish(float x) {
    float t = MathF32.exp(-Math.abs(x));
    float n = x < 0 ? Math.fma(t, t, 2 * t) : 2 * t + 1; // 2t is exact
    return n / (n + (x < 0 ? 2 : 2 * t * t));
  }

  /** n/d + z·σ·(d − n)·(d + n)/d². */
  private static float mishDerivative(float z) {
    float a = bounded(z);
    float t = MathF32.exp(-a);
    float n = z < 0 ? Math.fma(t, t, 2 * t) : 2 * t + 1;
    float e = z < 0 ? 2 * t : 2 * t * t; // (d − n)·σ·(1 + t)
    float d = n + (z < 0 ? 2 : 2 * t * t);
    float slope = (z < 0 ? -a : a) * e * (d + n) / ((1 + t) * d * d);
    return n / d + slope;
  }
}
