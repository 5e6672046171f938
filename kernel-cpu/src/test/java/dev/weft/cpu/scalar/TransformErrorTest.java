package dev.weft.cpu.scalar;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Accuracy;
import dev.weft.DType;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import dev.weft.spi.fill.TruncatedNormalPlanF32;
import dev.weft.spi.fill.TruncatedNormalPlanF64;
import dev.weft.testkit.KnownAnswers;
import dev.weft.testkit.NormalTail;
import dev.weft.testkit.Reference;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Measures the transforms against f64 and decimal arithmetic over 2ⁿ words, n from the system
 * property {@code weft.accuracy.log2} (22; 32 is every word), and holds them to docs/accuracy.md;
 * {@code weft.accuracy.report} names a file to which the figures are appended.
 */
class TransformErrorTest {
  private static final long WORDS = 1L << Integer.getInteger("weft.accuracy.log2", 22);

  /** Distance of the words that are tried: odd, or 1 for all of them, so that none comes twice. */
  private static final long STRIDE = WORDS == 1L << 32 ? 1 : (long) (0x1p32 / WORDS) + 1 | 1;

  /** The largest errors seen: in ulps where |z| {@code >} 0.01, absolute elsewhere. */
  private static final class Errors {
    private double ulps;
    private double absolute;

    void add(float actual, double ideal) {
      double error = Math.abs(actual - ideal);
      if (Math.abs(ideal) > Accuracy.NORMAL_SMALL) {
        ulps = Math.max(ulps, error / Math.ulp((float) ideal));
      } else {
        absolute = Math.max(absolute, error);
      }
    }

    void add(double actual, double ideal) {
      double error = Math.abs(actual - ideal);
      if (Math.abs(ideal) > Accuracy.NORMAL_SMALL) {
        ulps = Math.max(ulps, error / Math.ulp(ideal));
      } else {
        absolute = Math.max(absolute, error);
      }
    }

    @Override
    public String toString() {
      return String.format(Locale.ROOT, "%.3f ulp, %.2g absolute", ulps, absolute);
    }
  }

  private static void report(String what, String figures) {
    String file = System.getProperty("weft.accuracy.report");
    if (file != null) {
      try {
        Files.writeString(Path.of(file), what + ": " + figures + "\n", CREATE, APPEND);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static double angle(int y) {
    return 2 * Math.PI * (((y + 0x20000000) & 0x3FFFFFFF) - 0x20000000 + 0.5) * 0x1p-32;
  }

  private static double sin(int y) {
    return switch (y + 0x20000000 >>> 30) {
      case 0 -> StrictMath.sin(angle(y));
      case 1 -> StrictMath.cos(angle(y));
      case 2 -> -StrictMath.sin(angle(y));
      default -> -StrictMath.cos(angle(y));
    };
  }

  private static double radius(int x) {
    return Math.sqrt(Math.max(0, -2 * StrictMath.log(NormalF32.unit(x))));
  }

  @Test
  void radius() {
    double ulps = 0;
    for (long i = 0; i < WORDS; i++) {
      int x = (int) (i * STRIDE);
      ulps = Math.max(ulps, radiusError(x));
    }
    for (int i = 0; i < 1 << 20; i++) { // u near 0 and near 1
      ulps = Math.max(ulps, Math.max(radiusError(i), radiusError(~i)));
    }
    report("f32 √(−2 ln u)", ulps + " ulp");
    assertThat(ulps).isLessThan(1.1);
  }

  private static double radiusError(int x) {
    double ideal = radius(x);
    double error = Math.abs(NormalF32.radius(x) - ideal);
    return ideal == 0 ? error * 1e9 : error / Math.ulp((float) ideal);
  }

  @Test
  void theRadiusIsZeroWhereTheUnitIsOne() {
    assertThat(NormalF32.unit(-1)).isEqualTo(1);
    assertThat(NormalF32.radius(-1)).isZero();
    assertThat(NormalF64.unit(-1)).isEqualTo(1);
    assertThat(NormalF64.radius(-1)).isZero();
    assertThat(NormalF32.unit(0)).isEqualTo(0x1p-33f);
    assertThat(NormalF64.unit(0)).isEqualTo(0x1p-65);
  }

  @Test
  void sineAndCosine() {
    double ulps = 0;
    for (long i = 0; i < WORDS; i++) {
      int y = (int) (i * STRIDE);
      double s = sin(y);
      double c = sin(y + 0x40000000);
      ulps = Math.max(ulps, Math.abs(NormalF32.sin(y) - s) / Math.ulp((float) s));
      ulps = Math.max(ulps, Math.abs(NormalF32.cos(y) - c) / Math.ulp((float) c));
    }
    report("f32 sin, cos", ulps + " ulp");
    assertThat(ulps).isLessThan(1.7);
  }

  @Test
  void normalF32() {
    SplittableRandom random = new SplittableRandom(1);
    Errors errors = new Errors();
    for (long i = 0; i < WORDS; i++) {
      int x = random.nextInt();
      int y = random.nextInt();
      if (i % 8 == 0) {
        x |= 0xFFF00000; // near u = 1
      } else if (i % 8 == 1) {
        x &= 0xFFFF; // near u = 0
      }
      double r = radius(x);
      errors.add(NormalF32.even(x, y), r * sin(y));
      errors.add(NormalF32.odd(x, y), r * sin(y + 0x40000000));
    }
    report("f32 normal", errors.toString());
    assertThat(errors.ulps).isLessThan(3.5);
    assertThat(errors.absolute).isLessThan(3e-9);
  }

  @Test
  void normalF32IsWithinFourMillionthsOfCurand() {
    for (KnownAnswers.Curand row : KnownAnswers.curand()) {
      for (int i = 0; i < 8; i += 2) {
        int x = row.words()[i];
        int y = row.words()[i + 1];
        assertThat(Math.abs(NormalF32.even(x, y) - row.normals()[i])).isLessThan(4e-6f);
        assertThat(Math.abs(NormalF32.odd(x, y) - row.normals()[i + 1])).isLessThan(4e-6f);
      }
    }
  }

  @Test
  void normalF64() {
    Fill fill = Fill.normal(0, 1);
    RandomKey key = RandomKey.of(64);
    Errors errors = new Errors();
    for (long i = 0; i < 2000; i += 2) {
      long x = Reference.word64(key, i);
      long y = Reference.word64(key, i + 1);
      errors.add(NormalF64.even(x, y), Reference.value(fill, key, DType.F64, i));
      errors.add(NormalF64.odd(x, y), Reference.value(fill, key, DType.F64, i + 1));
    }
    report("f64 normal", errors.toString());
    assertThat(errors.ulps).isLessThan(3);
    assertThat(errors.absolute).isLessThan(1e-16);
  }

  /** Bounds in σ units and the largest error there, in ulps. */
  @ParameterizedTest
  @CsvSource({
    "-2, 2, 3.4",
    "-1, 1, 3.6",
    "-3, 3, 3.6",
    "-0.5, 0.5, 3.8",
    "-0.01, 0.02, 4",
    "-1, 3, 3.8",
    "-3, 1, 3.8",
    "-6, 3, 3.8",
    "0, 1, 3.6",
    "0, Infinity, 3.2",
    "-Infinity, 0, 3.2",
    "1, Infinity, 3.2",
    "-Infinity, -1, 3.2",
    "-Infinity, Infinity, 3.2",
    "-100, 100, 3.2",
    "0.3, 0.4, 2.8",
    "1.9, 2.1, 3.2",
    "2, 2.01, 2",
    "5, 6, 2",
    "-8, -7, 2.4",
    "20, 21, 2",
    "36, 40, 2",
    "100, Infinity, 2",
  })
  void truncatedNormal(double a, double b, double most) {
    TruncatedNormalPlanF32 plan = TruncatedNormalPlanF32.of(a, b);
    TruncatedNormalPlanF64 exact = TruncatedNormalPlanF64.of(a, b);
    Errors errors = new Errors();
    long outside = 0;
    long falls = 0;
    double fall = 0;
    double overshoot = 0;
    float last = Float.NEGATIVE_INFINITY;
    long words = WORDS == 1L << 32 ? WORDS : WORDS >> 3;
    long stride = WORDS == 1L << 32 ? 1 : 8 * STRIDE;
    for (long i = 0; i < words && i * stride < 1L << 32; i++) {
      int x = (int) (i * stride);
      float z = TruncatedNormalF32.sample(plan, x);
      // The f64 word in the middle of the f32 word's interval.
      errors.add(z, TruncatedNormalF64.sample(exact, (long) x << 32 | 0x80000000L));
      if (!(z >= a && z <= b)) {
        outside++;
        overshoot = Math.max(overshoot, Math.max(a - z, z - b) / Math.ulp(z));
      }
      if (z < last) {
        falls++;
        fall = Math.max(fall, (last - z) / Math.ulp(z));
      }
      last = z;
    }
    report(
        "f32 truncated [" + a + ", " + b + "]",
        String.format(
            Locale.ROOT,
            "%s; %d of %d outside, by at most %.2f ulp; %d falls of at most %.1f ulp",
            errors,
            outside,
            words,
            overshoot,
            falls,
            fall));
    assertThat(errors.ulps).isLessThan(most);
    assertThat(errors.absolute).isLessThan(3e-9);
    assertThat(overshoot).isLessThan(3);
    assertThat(outside / (double) words)
        .isLessThan(Math.max(1e-6, 6e-7 * Math.max(Math.abs(a), 1) / (b - a)));
  }

  /** The f64 transform, the yardstick above, against an oracle that shares nothing with it. */
  @ParameterizedTest
  @CsvSource({
    "-2, 2",
    "-1, 3",
    "-3, 1",
    "0, 1",
    "0, Infinity",
    "-Infinity, -1",
    "-Infinity, Infinity",
    "0.3, 0.4",
    "5, 6",
    "-8, -7",
    "-6, 3",
    "20, 21",
    "36, 37",
  })
  void truncatedNormalF64(double a, double b) {
    TruncatedNormalPlanF64 plan = TruncatedNormalPlanF64.of(a, b);
    Fill fill = Fill.truncatedNormalSigma(0, 1, a, b);
    RandomKey key = RandomKey.of(65);
    Errors errors = new Errors();
    for (long i = 0; i < 60; i++) {
      double ideal = Reference.value(fill, key, DType.F64, i);
      errors.add(TruncatedNormalF64.sample(plan, Reference.word64(key, i)), ideal);
    }
    report("f64 truncated [" + a + ", " + b + "]", errors.toString());
    assertThat(errors.ulps).isLessThan(4);
    assertThat(errors.absolute).isLessThan(1e-16);
    double worst = 0; // and many words in f64
    for (long i = 0; i < 10_000; i++) {
      int x = (int) (i * 0x9E3779B1L);
      double z = TruncatedNormalF64.sample(plan, (long) x << 32 | 0x80000000L);
      double ideal = Reference.truncated32((Fill.TruncatedNormal) fill, x);
      worst = Math.max(worst, Math.abs(z - ideal) / Math.max(Math.abs(ideal), 1e-3));
    }
    assertThat(worst).isLessThan(1e-11);
  }

  /** Consecutive words, also across the seam of the two branches: never down by more than 2 ulp. */
  @ParameterizedTest
  @CsvSource({"-2, 2", "-3, 3", "-1, 3", "0, Infinity", "-Infinity, Infinity", "5, 6", "-8, -7"})
  void neverFallsByMoreThanTwoUlps(double a, double b) {
    TruncatedNormalPlanF32 plan = TruncatedNormalPlanF32.of(a, b);
    double seam = NormalTail.upper(2.0047);
    double mass = NormalTail.lower(b) - NormalTail.lower(a);
    long[] starts = {0, 1L << 31, (1L << 32) - 50_000, (long) (seam / mass * 0x1p32), 0x12345678L};
    for (long start : starts) {
      float last = Float.NEGATIVE_INFINITY;
      for (long x = Math.max(0, start - 50_000); x < Math.min(1L << 32, start + 50_000); x++) {
        float z = TruncatedNormalF32.sample(plan, (int) x);
        assertThat(z - last).as("word %d", x).isGreaterThanOrEqualTo(-2 * Math.ulp(z));
        last = z;
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"2", "1", "3", "0.1", "Infinity"})
  void symmetricBoundsGiveSymmetricSamples(double b) {
    TruncatedNormalPlanF32 plan = TruncatedNormalPlanF32.of(-b, b);
    TruncatedNormalPlanF64 wide = TruncatedNormalPlanF64.of(-b, b);
    assertThat(plan.isSymmetric()).isTrue();
    assertThat(wide.isSymmetric()).isTrue();
    SplittableRandom random = new SplittableRandom(2);
    for (int i = 0; i < 100_000; i++) {
      long x = random.nextLong();
      assertThat(TruncatedNormalF32.sample(plan, ~(int) x))
          .isEqualTo(-TruncatedNormalF32.sample(plan, (int) x));
      assertThat(TruncatedNormalF64.sample(wide, ~x))
          .isEqualTo(-TruncatedNormalF64.sample(wide, x));
    }
  }

  /** [a, b] of word x is −[−b, −a] of word ~x. */
  @ParameterizedTest
  @CsvSource({"5, 6", "0, 1", "1, Infinity", "0.25, 3"})
  void boundsBelowTheMeanMirrorThoseAbove(double a, double b) {
    TruncatedNormalPlanF32 above = TruncatedNormalPlanF32.of(a, b);
    TruncatedNormalPlanF32 below = TruncatedNormalPlanF32.of(-b, -a);
    for (int x = 0; x < 100_000; x++) {
      int word = x * 0x9E3779B1;
      assertThat(TruncatedNormalF32.sample(below, ~word))
          .isEqualTo(-TruncatedNormalF32.sample(above, word));
    }
  }

  /** The usual cut needs no tail: that is what its vectors are built for. */
  @Test
  void twoSigmaIsCentral() {
    assertThat(TruncatedNormalPlanF32.of(-2, 2).isCentral()).isTrue();
    assertThat(TruncatedNormalPlanF64.of(-2, 2).isCentral()).isTrue();
    assertThat(TruncatedNormalPlanF32.of(-2.1, 2).isCentral()).isFalse();
  }

  /**
   * At σ = 0.002 the bounds ±2 lie 1000σ away: a normal, whose kurtosis is 3 and not that of
   * clamped outliers. 2²⁰ samples of a fixed stream: 5σ of the kurtosis is 5√(24/n) = 0.024.
   */
  @Test
  void kurtosisOfANarrowNormalIsThree() {
    TruncatedNormalPlanF32 plan = TruncatedNormalPlanF32.of(-2 / 0.002, 2 / 0.002);
    SplittableRandom random = new SplittableRandom(3);
    int n = 1 << 20;
    double second = 0;
    double fourth = 0;
    for (int i = 0; i < n; i++) {
      double value = Math.fma(TruncatedNormalF32.sample(plan, random.nextInt()), 0.002f, 0);
      second += value * value;
      fourth += value * value * value * value;
    }
    assertThat(second / n)
        .isBetween(4e-6 * (1 - 5 * Math.sqrt(2.0 / n)), 4e-6 * (1 + 5 * Math.sqrt(2.0 / n)));
    assertThat(fourth * n / (second * second)).isBetween(2.976, 3.024);
  }

  @Test
  void boundsThatDoNotRiseAreRefused() {
    for (double[] bounds : new double[][] {{1, 1}, {2, 1}, {Double.NaN, 1}, {0, Double.NaN}}) {
      assertThatThrownBy(() -> TruncatedNormalPlanF32.of(bounds[0], bounds[1]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("truncated_normal: need lower < upper, got lower=");
    }
  }
}
