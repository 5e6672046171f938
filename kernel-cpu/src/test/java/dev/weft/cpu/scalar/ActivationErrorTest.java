package dev.weft.cpu.scalar;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.Accuracy;
import dev.weft.nn.Activation;
import dev.weft.nn.Activation.Kind;
import dev.weft.testkit.ActivationReference;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Measures the activations and their derivatives against {@link ActivationReference} and holds them
 * to docs/accuracy.md. The f32 ones run over 2ⁿ numbers, n from the system property {@code
 * weft.accuracy.log2} (16; 32 is every number), those of f64 over {@code weft.accuracy.decimal};
 * {@code weft.accuracy.report} names a file to which the figures are appended.
 */
class ActivationErrorTest {
  private static final long NUMBERS = 1L << Integer.getInteger("weft.accuracy.log2", 16);

  /** Distance of the numbers' bits: odd, so that every mantissa's end comes. */
  private static final long STRIDE = NUMBERS == 1L << 32 ? 1 : (long) (0x1p32 / NUMBERS) + 1 | 1;

  /** Below it a product with an e^(−|x|) that was taken to 0 would lie: 2¹⁰ smallest normals. */
  private static final double SMALL_F32 = 0x1p-116;

  private static final double SMALL_F64 = 0x1p-1010;

  /** Of f64, in decimal arithmetic: a tenth of a millisecond each. */
  private static final int WIDE_NUMBERS = Integer.getInteger("weft.accuracy.decimal", 300);

  static Stream<Activation> all() {
    return Stream.of(Kind.values())
        .filter(kind -> !kind.ofRow())
        .map(kind -> Activation.parse(kind.id()))
        .map(f -> f.kind() == Kind.LEAKY_RELU ? Activation.leakyRelu((float) f.alpha()) : f);
  }

  static Stream<Activation> ofInput() {
    return all().filter(f -> f.kind().derivativeOfInput());
  }

  static Stream<Activation> ofOutput() {
    return all().filter(f -> !f.kind().derivativeOfInput());
  }

  private static void report(String what, double ulps) {
    String file = System.getProperty("weft.accuracy.report");
    if (file != null) {
      try {
        String line = String.format(Locale.ROOT, "%s: %.3f ulp%n", what, ulps);
        Files.writeString(Path.of(file), line, CREATE, APPEND);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** What is done with every number that is tried. */
  private interface Visitor {
    void at(float x);
  }

  /** Finite numbers: some of every exponent, and many where the functions bend. */
  private static void numbers(Visitor visitor) {
    for (long i = 0; i < NUMBERS; i++) {
      float x = Float.intBitsToFloat((int) (i * STRIDE));
      if (Float.isFinite(x)) {
        visitor.at(x);
      }
    }
    for (long i = 0; i < NUMBERS; i++) {
      visitor.at((float) (120.0 * i / NUMBERS - 100));
      visitor.at((float) (8.0 * i / NUMBERS - 4));
      visitor.at((float) (14.0 * i / NUMBERS - 14));
    }
  }

  private static float forward(Activation f, float[] one, float x) {
    one[0] = x;
    new ActivationF32(f.kind()).forward(one, 0, 1, f.alpha());
    return one[0];
  }

  private static float derivative(Activation f, float[] one, float saved) {
    one[0] = 1;
    new ActivationF32(f.kind()).backward(new float[] {saved}, one, 1, f.alpha());
    return one[0];
  }

  /** In ulps of {@code magnitude}; 0 for what may be lost below the smallest normal. */
  private static double error32(float x, float actual, double ideal, double magnitude) {
    double error = Math.abs(actual - ideal);
    if (magnitude < SMALL_F32 && x < -1 && error < SMALL_F32) {
      return 0;
    }
    float nearest = (float) ideal;
    return Float.isInfinite(nearest) && nearest == actual ? 0 : error / Math.ulp((float) magnitude);
  }

  @ParameterizedTest
  @MethodSource("all")
  void f32(Activation f) {
    float[] one = new float[1];
    double[] worst = new double[2];
    numbers(
        x -> {
          double ideal = ActivationReference.value(f, x);
          double ulps = error32(x, forward(f, one, x), ideal, Math.abs(ideal));
          if (!(ulps <= worst[0])) {
            worst[0] = ulps;
            worst[1] = x;
          }
        });
    report("f32 " + f + " at " + worst[1], worst[0]);
    assertThat(worst[0]).as("at %s", worst[1]).isLessThan(Accuracy.ACTIVATION_ULPS);
  }

  @ParameterizedTest
  @MethodSource("ofInput")
  void f32DerivativeOfInput(Activation f) {
    float[] one = new float[1];
    double[] worst = new double[2];
    numbers(
        x -> {
          double[] terms = ActivationReference.derivative(f, x);
          double magnitude = Math.abs(terms[0]) + Math.abs(terms[1]);
          double ulps = error32(x, derivative(f, one, x), terms[0] + terms[1], magnitude);
          if (!(ulps <= worst[0])) {
            worst[0] = ulps;
            worst[1] = x;
          }
        });
    report("f32 " + f + "′ at " + worst[1], worst[0]);
    assertThat(worst[0]).as("at %s", worst[1]).isLessThan(Accuracy.ACTIVATION_ULPS);
  }

  /** Of y = f(z): as a function of y, and near the derivative of the formula at z. */
  @ParameterizedTest
  @MethodSource("ofOutput")
  void derivativeOfOutput(Activation f) {
    float[] one = new float[1];
    double[] worst = new double[2];
    double h = 0x1p-15;
    for (int i = 0; i <= 20_000; i++) {
      float z = (float) (i * 0x1p-10 - 10);
      float y = forward(f, one, z);
      double ideal = ofOutput(f, y);
      double magnitude = f.kind() == Kind.ELU || f.kind() == Kind.SELU ? 1 : Math.abs(ideal);
      double ulps = error32(z, derivative(f, one, y), ideal, magnitude);
      if (!(ulps <= worst[0])) {
        worst[0] = ulps;
        worst[1] = z;
      }
      double slope =
          (ActivationReference.value(f, z + h) - ActivationReference.value(f, z - h)) / (2 * h);
      if (z != 0 && Math.abs(z) != 3) { // kinks
        assertThat(derivative(f, one, y) - slope).as("at %s", z).isBetween(-1e-6, 1e-6);
      }
      double[] wide = {z};
      double[] d = {1};
      new ActivationF64(f.kind()).forward(wide, 0, 1, f.alpha());
      new ActivationF64(f.kind()).backward(wide, d, 1, f.alpha());
      if (z != 0 && Math.abs(z) != 3) {
        assertThat(d[0] - slope).as("f64 at %s", z).isBetween(-1e-9, 1e-9);
      }
    }
    report("f32 " + f + "′ of y at " + worst[1], worst[0]);
    assertThat(worst[0]).as("at %s", worst[1]).isLessThan(Accuracy.ACTIVATION_ULPS);
  }

  private static double ofOutput(Activation f, double y) {
    return switch (f.kind()) {
      case LINEAR -> 1;
      case RELU -> y > 0 ? 1 : 0;
      case LEAKY_RELU -> y > 0 ? 1 : f.alpha();
      case ELU -> y > 0 ? 1 : y + f.alpha();
      case SELU -> 1.0507009873554805 * (y > 0 ? 1 : 1.6732632423543772) + Math.min(y, 0);
      case SOFTPLUS -> -StrictMath.expm1(-y);
      case SIGMOID -> y * (1 - y);
      case HARD_SIGMOID -> y > 0 && y < 1 ? 1 / 6.0 : 0;
      case TANH -> 1 - y * y;
      default -> throw new AssertionError(f);
    };
  }

  /** Numbers of f64: of every tenth exponent or so, and where the functions bend. */
  private static double[] wideNumbers() {
    SplittableRandom random = new SplittableRandom(1);
    double[] x = new double[WIDE_NUMBERS];
    for (int i = 0; i < x.length; i++) {
      x[i] =
          switch (i % 4) {
            case 0 -> Math.scalb(random.nextDouble(-2, 2), -random.nextInt(60));
            case 1 -> random.nextDouble(-5, 5);
            case 2 -> random.nextDouble(-40, 10);
            default -> random.nextDouble(-709, 40);
          };
    }
    x[0] = 1e300;
    x[4] = -1e300;
    x[8] = Double.MIN_VALUE;
    x[12] = -1e-300;
    return x;
  }

  private static double error64(double x, double actual, BigDecimal ideal, double magnitude) {
    double error = new BigDecimal(actual).subtract(ideal).abs().doubleValue();
    if (magnitude < SMALL_F64 && x < -1 && error < SMALL_F64) {
      return 0;
    }
    return error / Math.ulp(magnitude);
  }

  @ParameterizedTest
  @MethodSource("all")
  void f64(Activation f) {
    double worst = 0;
    double at = 0;
    for (double x : wideNumbers()) {
      if (Math.abs(x) > 1000 && !isPiecewiseLinear(f)) {
        continue; // too far for decimal arithmetic
      }
      BigDecimal ideal = ActivationReference.decimal(f, x);
      double[] one = {x};
      new ActivationF64(f.kind()).forward(one, 0, 1, f.alpha());
      double ulps = error64(x, one[0], ideal, Math.abs(ideal.doubleValue()));
      if (!(ulps <= worst)) {
        worst = ulps;
        at = x;
      }
    }
    report("f64 " + f + " at " + at, worst);
    assertThat(worst).as("at %s", at).isLessThan(Accuracy.ACTIVATION_ULPS);
  }

  private static boolean isPiecewiseLinear(Activation f) {
    return switch (f.kind()) {
      case LINEAR, RELU, LEAKY_RELU, HARD_SIGMOID -> true;
      default -> false;
    };
  }

  @ParameterizedTest
  @MethodSource("ofInput")
  void f64DerivativeOfInput(Activation f) {
    double worst = 0;
    double at = 0;
    for (double x : wideNumbers()) {
      if (Math.abs(x) > 1000) {
        continue;
      }
      BigDecimal[] terms = ActivationReference.decimalDerivative(f, x);
      double[] one = {1};
      new ActivationF64(f.kind()).backward(new double[] {x}, one, 1, f.alpha());
      double magnitude = terms[0].abs().add(terms[1].abs()).doubleValue();
      double ulps = error64(x, one[0], terms[0].add(terms[1]), magnitude);
      if (!(ulps <= worst)) {
        worst = ulps;
        at = x;
      }
    }
    report("f64 " + f + "′ at " + at, worst);
    assertThat(worst).as("at %s", at).isLessThan(Accuracy.ACTIVATION_ULPS);
  }

  @ParameterizedTest
  @MethodSource("all")
  void infinitiesAndNaN(Activation f) {
    double least =
        switch (f.kind()) {
          case LINEAR, LEAKY_RELU -> Double.NEGATIVE_INFINITY;
          case ELU, TANH -> -1;
          case SELU -> -ActivationF64.SELU_LAMBDA_ALPHA;
          default -> 0;
        };
    double most =
        switch (f.kind()) {
          case SIGMOID, HARD_SIGMOID, TANH -> 1;
          default -> Double.POSITIVE_INFINITY;
        };
    float inf = Float.POSITIVE_INFINITY;
    float[] x = {-inf, inf, Float.NaN, -Float.MAX_VALUE, 0};
    double[] wide = {-inf, inf, Float.NaN, -Double.MAX_VALUE, 0};
    new ActivationF32(f.kind()).forward(x, 0, 5, 1);
    new ActivationF64(f.kind()).forward(wide, 0, 5, 1);
    float far = f.kind() == Kind.LINEAR || f.kind() == Kind.LEAKY_RELU ? -Float.MAX_VALUE : x[0];
    double wideFar = far < -2 ? -Double.MAX_VALUE : wide[0];
    assertThat(x[0] + 0f).isEqualTo((float) least);
    assertThat(wide[0] + 0.0).isEqualTo(least);
    assertThat(new float[] {x[1], x[2], x[3]}).containsExactly((float) most, Float.NaN, far);
    assertThat(new double[] {wide[1], wide[2], wide[3]}).containsExactly(most, Double.NaN, wideFar);
    assertThat(x[4]).isEqualTo((float) ActivationReference.value(f, 0));
    assertThat(wide[4]).isCloseTo(ActivationReference.value(f, 0), within(1e-15));
    if (f.kind().derivativeOfInput()) {
      float[] d = {1, 1, 1};
      double[] wideD = {1, 1, 1};
      new ActivationF32(f.kind()).backward(new float[] {-inf, inf, Float.NaN}, d, 3, 1);
      new ActivationF64(f.kind()).backward(new double[] {-inf, inf, Float.NaN}, wideD, 3, 1);
      assertThat(new double[] {d[0] + 0f, d[1], d[2]}).containsExactly(0, 1, Double.NaN);
      assertThat(new double[] {wideD[0] + 0.0, wideD[1], wideD[2]})
          .containsExactly(0, 1, Double.NaN);
    }
  }

  @Test
  void elementaryFunctionsOfF32() {
    double[] worst = new double[4];
    for (int i = 0; i <= 1 << 19; i++) {
      float x = (float) (-87.336 * i / (1 << 19));
      worst[0] = Math.max(worst[0], ulps(MathF32.exp(x), StrictMath.exp(x)));
      float near = x * (1 / 64f);
      worst[1] = Math.max(worst[1], ulps(MathF32.expm1(near), StrictMath.expm1(near)));
      float t = i * 0x1p-19f;
      worst[2] = Math.max(worst[2], ulps(MathF32.log1p(t), StrictMath.log1p(t)));
      float any = Float.intBitsToFloat(0x00800000 + i * 0xFDF);
      worst[3] = Math.max(worst[3], ulps(MathF32.log(any), StrictMath.log(any)));
    }
    report("f32 exp", worst[0]);
    report("f32 expm1", worst[1]);
    report("f32 log1p", worst[2]);
    report("f32 log", worst[3]);
    assertThat(DoubleStream.of(worst).max().orElseThrow()).isLessThan(1.5);
    assertThat(MathF32.exp(MathF32.EXP_MIN)).isGreaterThanOrEqualTo(Float.MIN_NORMAL);
    assertThat(MathF32.exp(Math.nextDown(MathF32.EXP_MIN))).isZero();
    assertThat(MathF64.exp(MathF64.EXP_MIN)).isGreaterThanOrEqualTo(Double.MIN_NORMAL);
    assertThat(MathF64.exp(Math.nextDown(MathF64.EXP_MIN))).isZero();
  }

  @Test
  void elementaryFunctionsOfF64() {
    double[] worst = new double[4];
    SplittableRandom random = new SplittableRandom(2);
    for (int i = 0; i < WIDE_NUMBERS; i++) {
      double x = -random.nextDouble(i % 2 == 0 ? 708 : 3);
      BigDecimal decimal = new BigDecimal(x);
      worst[0] = Math.max(worst[0], ulps(MathF64.exp(x), ActivationReference.exp(decimal)));
      worst[1] = Math.max(worst[1], ulps(MathF64.expm1(x), ActivationReference.expm1(decimal)));
      double t = random.nextDouble();
      BigDecimal ln = ActivationReference.log1p(new BigDecimal(t));
      worst[2] = Math.max(worst[2], ulps(MathF64.log1p(t), ln));
      double above = Math.scalb(1 + t, i % 20);
      ln = ActivationReference.log1p(new BigDecimal(above).subtract(BigDecimal.ONE));
      worst[3] = Math.max(worst[3], ulps(MathF64.log(above), ln));
    }
    report("f64 exp", worst[0]);
    report("f64 expm1", worst[1]);
    report("f64 log1p", worst[2]);
    report("f64 log", worst[3]);
    assertThat(DoubleStream.of(worst).max().orElseThrow()).isLessThan(1.5);
  }

  private static double ulps(float actual, double ideal) {
    return ideal == 0 ? actual : Math.abs(actual - ideal) / Math.ulp((float) ideal);
  }

  private static double ulps(double actual, BigDecimal ideal) {
    double error = new BigDecimal(actual).subtract(ideal).abs().doubleValue();
    return error / Math.ulp(ideal.doubleValue());
  }
}
