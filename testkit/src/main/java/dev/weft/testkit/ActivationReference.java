package dev.weft.testkit;

import static dev.weft.testkit.Decimal.WIDE;

import dev.weft.nn.Activation;
import java.math.BigDecimal;

/**
 * The activations of elements and their derivatives by their formulas, without polynomials: in f64
 * by StrictMath, to about 1e-13 relative, and to 40 digits in decimal arithmetic. For finite z.
 */
public final class ActivationReference {
  private static final double LAMBDA = 1.0507009873554805;
  private static final double LAMBDA_ALPHA = LAMBDA * 1.6732632423543772;
  private static final double CUBIC = 0.044715;
  private static final double SCALE = 2 * StrictMath.sqrt(2 / Math.PI);

  private static final BigDecimal ZERO = BigDecimal.ZERO;
  private static final BigDecimal ONE = BigDecimal.ONE;
  private static final BigDecimal TWO = BigDecimal.TWO;
  private static final BigDecimal HALF = new BigDecimal("0.5");
  private static final BigDecimal THREE = BigDecimal.valueOf(3);
  private static final BigDecimal SIX = BigDecimal.valueOf(6);
  private static final BigDecimal LAMBDA_DECIMAL = new BigDecimal("1.0507009873554805");
  private static final BigDecimal LAMBDA_ALPHA_DECIMAL =
      LAMBDA_DECIMAL.multiply(new BigDecimal("1.6732632423543772"));
  private static final BigDecimal CUBIC_DECIMAL = new BigDecimal("0.044715");
  private static final BigDecimal SCALE_DECIMAL =
      BigDecimal.valueOf(4).divide(Decimal.TWO_PI.sqrt(WIDE), WIDE); // 2√(2/π)
  private static final BigDecimal TINY = new BigDecimal("1e-15");

  private ActivationReference() {}

  /** f(z). */
  public static double value(Activation f, double z) {
    return switch (f.kind()) {
      case LINEAR -> z;
      case RELU -> Math.max(z, 0);
      case LEAKY_RELU -> z < 0 ? f.alpha() * z : z;
      case ELU -> z < 0 ? f.alpha() * StrictMath.expm1(z) : z;
      case SELU -> z < 0 ? LAMBDA_ALPHA * StrictMath.expm1(z) : LAMBDA * z;
      case GELU -> z * NormalTail.lower(z);
      case GELU_TANH -> z * sigmoid(cubic(z));
      case SILU -> z * sigmoid(z);
      case MISH -> z * StrictMath.tanh(softplus(z));
      case SOFTPLUS -> softplus(z);
      case SIGMOID -> sigmoid(z);
      case HARD_SIGMOID -> Math.clamp(z / 6 + 0.5, 0, 1);
      case HARD_SWISH -> z * Math.clamp(z / 6 + 0.5, 0, 1);
      case TANH -> StrictMath.tanh(z);
      case SOFTMAX, LOG_SOFTMAX -> throw new IllegalArgumentException("of rows: " + f);
    };
  }

  /** The terms whose sum is f′(z), of the kinds with a derivative of the input. */
  public static double[] derivative(Activation f, double z) {
    return switch (f.kind()) {
      case GELU ->
          new double[] {
            NormalTail.lower(z), z * StrictMath.exp(-0.5 * z * z) / StrictMath.sqrt(2 * Math.PI)
          };
      case GELU_TANH -> {
        double s = sigmoid(cubic(z));
        yield new double[] {s, z * s * sigmoid(-cubic(z)) * SCALE * (1 + 3 * CUBIC * z * z)};
      }
      case SILU -> new double[] {sigmoid(z), z * sigmoid(z) * sigmoid(-z)};
      case MISH -> {
        double cosh = StrictMath.cosh(softplus(z));
        yield new double[] {StrictMath.tanh(softplus(z)), z * sigmoid(z) / (cosh * cosh)};
      }
      case HARD_SWISH ->
          z <= -3 || z >= 3 ? new double[] {z > 0 ? 1 : 0, 0} : new double[] {z / 3, 0.5};
      default -> throw new IllegalArgumentException("of outputs: " + f);
    };
  }

  private static double sigmoid(double z) {
    double e = StrictMath.exp(-Math.abs(z));
    return (z < 0 ? e : 1) / (1 + e);
  }

  private static double softplus(double z) {
    return Math.max(z, 0) + StrictMath.log1p(StrictMath.exp(-Math.abs(z)));
  }

  private static double cubic(double z) {
    return SCALE * (z + CUBIC * z * z * z);
  }

  /** f(z) to 40 digits. */
  public static BigDecimal decimal(Activation f, double z) {
    BigDecimal x = new BigDecimal(z);
    BigDecimal alpha = new BigDecimal(f.alpha());
    return switch (f.kind()) {
      case LINEAR -> x;
      case RELU -> x.max(ZERO);
      case LEAKY_RELU -> z < 0 ? alpha.multiply(x) : x;
      case ELU -> z < 0 ? alpha.multiply(expm1(x), WIDE) : x;
      case SELU ->
          z < 0 ? LAMBDA_ALPHA_DECIMAL.multiply(expm1(x), WIDE) : LAMBDA_DECIMAL.multiply(x);
      case GELU -> x.multiply(Decimal.upperTail(-z), WIDE);
      case GELU_TANH -> x.multiply(sigmoid(cubic(x)), WIDE);
      case SILU -> x.multiply(sigmoid(x), WIDE);
      case MISH -> x.multiply(tanhOfSoftplus(x), WIDE);
      case SOFTPLUS -> x.max(ZERO).add(log1p(exp(x.abs().negate())), WIDE);
      case SIGMOID -> sigmoid(x);
      case HARD_SIGMOID -> hardSigmoid(x);
      case HARD_SWISH -> x.multiply(hardSigmoid(x), WIDE);
      case TANH -> {
        BigDecimal em = expm1(x.abs().multiply(TWO).negate());
        BigDecimal y = em.negate().divide(em.add(TWO, WIDE), WIDE);
        yield z < 0 ? y.negate() : y;
      }
      case SOFTMAX, LOG_SOFTMAX -> throw new IllegalArgumentException("of rows: " + f);
    };
  }

  /** The terms of {@link #derivative} to 40 digits. */
  public static BigDecimal[] decimalDerivative(Activation f, double z) {
    BigDecimal x = new BigDecimal(z);
    return switch (f.kind()) {
      case GELU -> new BigDecimal[] {Decimal.upperTail(-z), x.multiply(Decimal.density(x), WIDE)};
      case GELU_TANH -> {
        BigDecimal u = cubic(x);
        BigDecimal s = sigmoid(u);
        BigDecimal slope =
            ONE.add(THREE.multiply(CUBIC_DECIMAL).multiply(x).multiply(x), WIDE)
                .multiply(SCALE_DECIMAL, WIDE);
        yield new BigDecimal[] {
          s, x.multiply(s, WIDE).multiply(sigmoid(u.negate()), WIDE).multiply(slope, WIDE)
        };
      }
      case SILU -> {
        BigDecimal s = sigmoid(x);
        yield new BigDecimal[] {s, x.multiply(s, WIDE).multiply(sigmoid(x.negate()), WIDE)};
      }
      case MISH -> {
        BigDecimal e = exp(x);
        BigDecimal square = e.add(ONE, WIDE).pow(2, WIDE);
        BigDecimal cosh = square.add(ONE, WIDE).divide(e.add(ONE, WIDE).multiply(TWO), WIDE);
        yield new BigDecimal[] {
          tanhOfSoftplus(x), x.multiply(sigmoid(x), WIDE).divide(cosh.pow(2, WIDE), WIDE)
        };
      }
      case HARD_SWISH ->
          z <= -3 || z >= 3
              ? new BigDecimal[] {z > 0 ? ONE : ZERO, ZERO}
              : new BigDecimal[] {x.divide(THREE, WIDE), HALF};
      default -> throw new IllegalArgumentException("of outputs: " + f);
    };
  }

  /** eˣ − 1 to 40 digits. */
  public static BigDecimal expm1(BigDecimal x) {
    if (x.abs().compareTo(TINY) > 0) {
      return exp(x).subtract(ONE, WIDE);
    }
    BigDecimal square = x.multiply(x, WIDE);
    return x.add(square.multiply(HALF), WIDE).add(square.multiply(x, WIDE).divide(SIX, WIDE), WIDE);
  }

  /** ln(1 + t), t ≥ 0, to 40 digits. */
  public static BigDecimal log1p(BigDecimal t) {
    if (t.compareTo(TINY) > 0) {
      return Decimal.ln(t.add(ONE, WIDE));
    }
    BigDecimal square = t.multiply(t, WIDE);
    return t.subtract(square.multiply(HALF), WIDE)
        .add(square.multiply(t, WIDE).divide(THREE, WIDE), WIDE);
  }

  /** eˣ to 40 digits. */
  public static BigDecimal exp(BigDecimal x) {
    return x.signum() > 0 ? ONE.divide(Decimal.exp(x.negate()), WIDE) : Decimal.exp(x);
  }

  private static BigDecimal sigmoid(BigDecimal x) {
    BigDecimal e = exp(x.abs().negate());
    return (x.signum() < 0 ? e : ONE).divide(e.add(ONE, WIDE), WIDE);
  }

  /** ((1 + eˣ)² − 1) / ((1 + eˣ)² + 1). */
  private static BigDecimal tanhOfSoftplus(BigDecimal x) {
    BigDecimal e = exp(x);
    BigDecimal n = e.multiply(e.add(TWO, WIDE), WIDE);
    return n.divide(n.add(TWO, WIDE), WIDE);
  }

  private static BigDecimal hardSigmoid(BigDecimal x) {
    return x.divide(SIX, WIDE).add(HALF, WIDE).max(ZERO).min(ONE);
  }

  private static BigDecimal cubic(BigDecimal x) {
    return ONE.add(CUBIC_DECIMAL.multiply(x).multiply(x), WIDE)
        .multiply(x, WIDE)
        .multiply(SCALE_DECIMAL, WIDE);
  }
}
