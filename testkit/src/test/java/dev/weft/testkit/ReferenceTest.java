package dev.weft.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.Accuracy;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.init.Fill;
import dev.weft.random.Philox4x32;
import dev.weft.random.RandomKey;
import dev.weft.random.StreamOrder;
import java.math.BigDecimal;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The oracle against published numbers. */
class ReferenceTest {
  private static final RandomKey KEY = RandomKey.of(0x0123456789ABCDEFL);

  @Test
  void philoxIsRandom123s() {
    assertThat(KnownAnswers.philox()).hasSize(3);
    for (KnownAnswers.Block block : KnownAnswers.philox()) {
      assertThat(Reference.philox(block.counter(), block.key())).isEqualTo(block.output());
    }
  }

  @Test
  void wordsAndNormalsAreCurands() {
    double worst = 0;
    assertThat(KnownAnswers.curand()).hasSize(56);
    for (KnownAnswers.Curand row : KnownAnswers.curand()) {
      for (int i = 0; i < 8; i++) {
        assertThat(Reference.word(row.key(), row.offset() + i)).isEqualTo(row.words()[i]);
        double z = Reference.normal32(row.key(), row.offset() + i);
        worst = Math.max(worst, Math.abs(z - row.normals()[i]));
      }
    }
    assertThat(worst).isLessThan(Accuracy.NORMAL_CURAND).isGreaterThan(0);
  }

  @Test
  void wordsAreThoseOfTheReadableGenerator() {
    SplittableRandom random = new SplittableRandom(3);
    for (int trial = 0; trial < 20_000; trial++) {
      RandomKey key = new RandomKey(random.nextLong(), StreamOrder.values()[trial & 1]);
      long index = random.nextLong() >>> random.nextInt(1, 64);
      assertThat(Reference.word(key, index)).isEqualTo(Philox4x32.word(key, index));
    }
  }

  @Test
  void tailIsThePublishedOne() {
    // Abramowitz and Stegun, table 26.2 and Q(5), Q(10), Q(37) in higher precision
    assertThat(NormalTail.lower(0)).isEqualTo(0.5);
    assertThat(NormalTail.lower(1)).isCloseTo(0.841344746068543, within(1e-15));
    assertThat(NormalTail.lower(2)).isCloseTo(0.977249868051821, within(1e-15));
    relative(NormalTail.upper(2), 0.0227501319481792072, 1e-13);
    relative(NormalTail.upper(3), 1.34989803163009453e-3, 1e-13);
    relative(NormalTail.upper(5), 2.86651571879193911e-7, 1e-13);
    relative(NormalTail.upper(10), 7.61985302416052607e-24, 1e-13);
    relative(Decimal.upperTail(2).doubleValue(), 0.0227501319481792072, 1e-15);
    relative(Decimal.upperTail(10).doubleValue(), 7.61985302416052607e-24, 1e-15);
    // 1 − 2Q(2), the mass inside ±2 of the initializers' table
    assertThat(1 - 2 * NormalTail.upper(2)).isCloseTo(0.9544997361036416, within(1e-15));
  }

  @Test
  void quantileInvertsTheTail() {
    for (double z = 0.001; z < 37; z *= 1.07) {
      relative(NormalTail.quantile(NormalTail.upper(z)), z, 1e-11);
    }
    assertThat(NormalTail.quantile(0.5)).isZero();
    relative(NormalTail.quantile(0.025), 1.959963984540054, 1e-13);
    for (double z : new double[] {0.01, 1, 3.9, 4.1, 8}) {
      BigDecimal q = Decimal.upperTail(z);
      assertThat(Decimal.upperQuantile(q).doubleValue()).isEqualTo(z);
      assertThat(Decimal.upperQuantile(BigDecimal.ONE.subtract(q)).doubleValue()).isEqualTo(-z);
    }
  }

  @Test
  void decimalsAreStrictMaths() {
    Random random = new Random(8);
    for (int i = 0; i < 300; i++) {
      double x = random.nextDouble();
      relative(Decimal.exp(new BigDecimal(-30 * x)).doubleValue(), StrictMath.exp(-30 * x), 4e-16);
      relative(Decimal.ln(new BigDecimal(x)).doubleValue(), StrictMath.log(x), 4e-16);
      assertThat(Decimal.sinOfTurn(new BigDecimal(x)).doubleValue())
          .isCloseTo(Math.sin(2 * Math.PI * x), within(1e-15));
      assertThat(Reference.sinOfTurn(x)).isCloseTo(Math.sin(2 * Math.PI * x), within(1e-15));
    }
  }

  @Test
  void truncationInsideIsTheSameQuantileWithoutIt() {
    Fill.TruncatedNormal all =
        (Fill.TruncatedNormal)
            Fill.truncatedNormalSigma(0, 1, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
    assertThat(Reference.truncated32(all, 0)).isCloseTo(-6.338, within(1e-3));
    assertThat(Reference.truncated32(all, -1)).isCloseTo(6.338, within(1e-3));
    Fill.TruncatedNormal upper =
        (Fill.TruncatedNormal) Fill.truncatedNormalSigma(0, 1, 0, Double.POSITIVE_INFINITY);
    Fill.TruncatedNormal tail = (Fill.TruncatedNormal) Fill.truncatedNormalSigma(0, 1, 5, 6);
    Fill.TruncatedNormal mirror = (Fill.TruncatedNormal) Fill.truncatedNormalSigma(0, 1, -6, -5);
    SplittableRandom random = new SplittableRandom(9);
    for (int i = 0; i < 2000; i++) {
      int word = random.nextInt();
      double z = Reference.truncated32(tail, word);
      assertThat(z).isBetween(5.0, 6.0);
      relative(Reference.truncated32(mirror, ~word), -z, 1e-9);
      assertThat(Reference.truncated32(upper, word)).isPositive();
    }
    // the median of [5, 6]: half of the mass lies above it
    double half = NormalTail.upper(6) + (NormalTail.upper(5) - NormalTail.upper(6)) / 2;
    relative(Reference.truncated32(tail, 1 << 31), NormalTail.quantile(half), 1e-9);
  }

  @Test
  void f64AndF32AgreeWhereTheirWordsDo() {
    // one oracle in f64 arithmetic, one in decimals: the same formula on different words
    double worst = 0;
    Fill cut = Fill.truncatedNormalSigma(0, 1, -2, 2);
    for (int i = 0; i < 200; i++) {
      double z = Reference.value(cut, KEY, DType.F64, i);
      int top = (int) (Reference.word64(KEY, i) >>> 32);
      worst = Math.max(worst, Math.abs(z - Reference.truncated32((Fill.TruncatedNormal) cut, top)));
    }
    assertThat(worst).isLessThan(4 * 0x1p-32 / 0.05); // half a word's width over the density at 2
  }

  @Test
  void patternsRoundAsTheJdkDoes() {
    SplittableRandom random = new SplittableRandom(4);
    for (int i = 0; i < 200_000; i++) {
      float f = Float.intBitsToFloat(random.nextInt());
      if (!Float.isNaN(f)) {
        assertThat(Patterns.of(DType.F16, f)).isEqualTo(Float.floatToFloat16(f) & 0xFFFFL);
      }
    }
    for (int bits = 0; bits < 1 << 16; bits++) {
      float f = Float.float16ToFloat((short) bits);
      assertThat(Double.compare(Patterns.value(DType.F16, bits), f)).isZero();
      if (!Float.isNaN(Float.intBitsToFloat(bits << 16))) {
        assertThat(Patterns.of(DType.BF16, Float.intBitsToFloat(bits << 16))).isEqualTo(bits);
      }
    }
    assertThat(Patterns.of(DType.BF16, 0x1.01p0)).isEqualTo(0x3F80); // a tie, to even
    assertThat(Patterns.of(DType.BF16, 0x1.03p0)).isEqualTo(0x3F82);
    assertThat(Patterns.of(DType.BF16, 0x1.0100001p0)).isEqualTo(0x3F81);
    assertThat(Patterns.of(DType.F16, 65519.999)).isEqualTo(0x7BFF);
    assertThat(Patterns.of(DType.F16, -65520)).isEqualTo(0xFC00);
  }

  @Test
  void uniformStaysBelowItsEnd() {
    Fill fill = Fill.uniform(0, 1);
    for (DType dtype : DType.values()) {
      assertThat(Patterns.below(dtype, 1)).isLessThan(1);
      for (int i = 0; i < 5000; i++) {
        long pattern = Reference.pattern(fill, KEY, dtype, Shape.of(5000), i);
        assertThat(Patterns.value(dtype, pattern)).isBetween(0.0, Patterns.below(dtype, 1));
      }
    }
  }

  @Test
  void gramSchmidtIsOrthogonal() {
    Random random = new Random(12);
    double[][] a = new double[60][40];
    for (double[] row : a) {
      row[0] = random.nextGaussian();
      for (int j = 1; j < row.length; j++) {
        row[j] = row[j - 1] + 1e-4 * random.nextGaussian(); // badly conditioned
      }
    }
    double[][] q = Reference.orthogonal(a);
    assertThat(Reference.orthogonalityError(q)).isLessThan(1e-14);
    double[][] bent = Reference.orthogonal(a);
    bent[3][7] += 1e-6;
    assertThat(Reference.orthogonalityError(bent)).isGreaterThan(1e-8);
    for (int j = 0; j < 40; j++) { // R = QᵀA has a positive diagonal
      double r = 0;
      for (int i = 0; i < 60; i++) {
        r += q[i][j] * a[i][j];
      }
      assertThat(r).isPositive();
    }
  }

  private static void relative(double actual, double expected, double tolerance) {
    assertThat(Math.abs(actual / expected - 1))
        .as("%s against %s", actual, expected)
        .isLessThan(tolerance);
  }

  @Test
  void conditionIsTheRatioOfSingularValues() {
    double c = Math.cos(0.7);
    double d = Math.sin(0.7);
    double[][] rotated = {{300 * c, 300 * d, 0}, {-d, c, 0}, {0, 0, 20}, {0, 0, 0}};
    assertThat(Reference.condition(rotated)).isCloseTo(300, within(1e-6));
    assertThat(Reference.condition(new double[][] {{0.5}, {2}})).isCloseTo(1, within(1e-12));
  }
}
