package dev.weft.cpu.scalar;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Accuracy;
import dev.weft.nn.Activation;
import dev.weft.nn.Activation.Kind;
import dev.weft.testkit.ActivationReference;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Measures the activations and their derivatives against {@link ActivationReference} and holds them
 * to docs/accuracy.md. The f32 ones run over 2ⁿ numbers, n from the system property {@code
 * weft.accuracy.log2} (18; 32 is every number); {@code weft.accuracy.report} names a file to which
 * the figures are appended.
 */
class ActivationErrorTest {
  private static final long NUMBERS = 1L << Integer.getInteger("weft.accuracy.log2", 18);

  /** Distance of the numbers' bits: odd, so that every mantissa's end comes. */
  private static final long STRIDE = NUMBERS == 1L << 32 ? 1 : (long) (0x1p32 / NUMBERS) + 1 | 1;

  /** Below it a product with an e^(−|x|) that was taken to 0 would lie: 2¹⁰ smallest normals. */
  private static final double SMALL_F32 = 0x1p-116;

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
}
