package dev.weft.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MomentsTest {
  private static final MathContext DIGITS = new MathContext(60);

  @Test
  void ofFourValuesByHand() {
    Moments moments = moments(1, 2, 4, 9);
    assertThat(moments.count()).isEqualTo(4);
    assertThat(moments.mean()).isEqualTo(4);
    assertThat(moments.variance()).isEqualTo(9.5); // (9 + 4 + 0 + 25) / 4
    assertThat(moments.skewness()).isCloseTo(90 / 4.0 / Math.pow(9.5, 1.5), within(1e-15));
    assertThat(moments.excessKurtosis()).isCloseTo(722 / 4.0 / 90.25 - 3, within(1e-15));
    assertThat(moments.min()).isEqualTo(1);
    assertThat(moments.max()).isEqualTo(9);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 1, 1e6, -3e9})
  void areThoseOfExactArithmetic(double offset) {
    Random random = new Random(17);
    double[] values =
        IntStream.range(0, 9001).mapToDouble(i -> offset + random.nextGaussian()).toArray();
    Moments moments = moments(values);
    BigDecimal n = BigDecimal.valueOf(values.length);
    BigDecimal mean = BigDecimal.ZERO;
    for (double x : values) {
      mean = mean.add(new BigDecimal(x));
    }
    mean = mean.divide(n, DIGITS);
    BigDecimal[] power = {
      BigDecimal.ZERO, BigDecimal.ZERO, BigDecimal.ZERO, BigDecimal.ZERO, BigDecimal.ZERO
    };
    for (double x : values) {
      BigDecimal d = new BigDecimal(x).subtract(mean);
      for (int p = 2; p <= 4; p++) {
        power[p] = power[p].add(d.pow(p).round(DIGITS));
      }
    }
    double m2 = power[2].divide(n, DIGITS).doubleValue();
    double m3 = power[3].divide(n, DIGITS).doubleValue();
    double m4 = power[4].divide(n, DIGITS).doubleValue();
    assertThat(moments.mean()).isCloseTo(mean.doubleValue(), within(Math.ulp(offset) + 1e-15));
    assertThat(moments.variance()).isCloseTo(m2, within(1e-12 * m2));
    assertThat(moments.skewness()).isCloseTo(m3 / Math.pow(m2, 1.5), within(1e-10));
    assertThat(moments.excessKurtosis()).isCloseTo(m4 / (m2 * m2) - 3, within(1e-10));
  }

  @Test
  void ofTheSumOfSquaresWouldFailTheSame() { // the negative control of the test above
    Random random = new Random(17);
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < 9001; i++) {
      double x = -3e9 + random.nextGaussian();
      sum += x;
      squares += x * x;
    }
    double variance = squares / 9001 - sum / 9001 * (sum / 9001);
    assertThat(Math.abs(variance - 1)).isGreaterThan(0.5);
  }

  @Test
  void doNotDependOnTheBlocks() {
    Random random = new Random(5);
    double[] values = random.doubles(50_000).toArray();
    Moments whole = moments(values);
    Moments parts = new Moments();
    for (int at = 0; at < values.length; ) {
      int length = Math.min(random.nextInt(4000), values.length - at);
      double[] part = Arrays.copyOfRange(values, at, at + length);
      Moments moments = new Moments();
      moments.add(part, length);
      parts.merge(moments);
      at += length;
    }
    assertThat(parts.count()).isEqualTo(whole.count());
    assertThat(parts.mean()).isCloseTo(whole.mean(), within(1e-14));
    assertThat(parts.variance()).isCloseTo(whole.variance(), within(1e-14));
    assertThat(parts.skewness()).isCloseTo(whole.skewness(), within(1e-12));
    assertThat(parts.excessKurtosis()).isCloseTo(whole.excessKurtosis(), within(1e-12));
  }

  /** Of any size: merged blocks of numbers whose squares, or fourth powers, f64 does not hold. */
  @ParameterizedTest
  @ValueSource(
      doubles = {
        Double.MAX_VALUE,
        1e300,
        1e155,
        1e80,
        1e60,
        1,
        1e-60,
        1e-80,
        1e-155,
        1e-300,
        1e-310
      })
  void areFiniteForFiniteValues(double size) {
    Random random = new Random(23);
    Moments moments = new Moments();
    moments.add(new double[] {0, 0}, 2); // a block of zeros has no size of its own
    List<Double> values = new ArrayList<>(List.of(0.0, 0.0));
    for (int block = 0; block < 5; block++) {
      double[] some = new double[100];
      for (int i = 0; i < some.length; i++) {
        some[i] = (random.nextDouble() - 0.3) * size * (block == 2 ? 1e-3 : 1);
        values.add(some[i]);
      }
      moments.add(some, some.length);
    }
    assertMoments(moments, values);
  }

  @Test
  void ofBlocksOfEverySizeAreThoseOfTheLargest() {
    double[] sizes = {1e-300, 1, 1e300, 1e-80, 1e80, 1e308};
    Moments moments = new Moments();
    List<Double> values = new ArrayList<>();
    for (double size : sizes) {
      moments.add(new double[] {size, -size / 2, size / 4}, 3);
      values.addAll(List.of(size, -size / 2, size / 4));
    }
    assertMoments(moments, values);
  }

  @Test
  void ofTheLargestNumbersAreNumbers() {
    Moments moments = moments(1.7e308, -1.7e308, 1e308, 0);
    assertThat(moments.mean()).isCloseTo(2.5e307, within(1e293));
    assertThat(moments.variance()).isInfinite(); // 1.6e616
    assertThat(moments.exactVariance().precision() - moments.exactVariance().scale())
        .isEqualTo(617); // digits before the point
    assertThat(moments.stddev()).isCloseTo(1.2776932339180638e308, within(1e293));
    Moments equal = moments(Double.MAX_VALUE, Double.MAX_VALUE, Double.MAX_VALUE);
    assertThat(equal.mean()).isEqualTo(Double.MAX_VALUE);
    Moments apart = moments(Double.MAX_VALUE, -Double.MAX_VALUE);
    assertThat(apart.mean()).isZero();
    assertThat(apart.stddev()).isEqualTo(Double.MAX_VALUE);
    Moments least = moments(Double.MIN_VALUE, 3 * Double.MIN_VALUE);
    assertThat(least.mean()).isEqualTo(2 * Double.MIN_VALUE);
    assertThat(least.stddev()).isEqualTo(Double.MIN_VALUE);
    assertThat(least.variance()).isZero();
    assertThat(least.exactVariance().signum()).isOne();
  }

  /** Against decimal arithmetic. */
  private static void assertMoments(Moments moments, List<Double> values) {
    BigDecimal n = BigDecimal.valueOf(values.size());
    BigDecimal sum = BigDecimal.ZERO;
    for (double x : values) {
      sum = sum.add(new BigDecimal(x));
    }
    MathContext digits = new MathContext(60);
    BigDecimal mean = sum.divide(n, digits);
    BigDecimal[] power = new BigDecimal[5];
    Arrays.fill(power, BigDecimal.ZERO);
    for (double x : values) {
      BigDecimal d = new BigDecimal(x).subtract(mean, digits);
      for (int p = 2; p < 5; p++) {
        power[p] = power[p].add(d.pow(p, digits).divide(n, digits), digits);
      }
    }
    BigDecimal deviation = power[2].sqrt(digits);
    double stddev = deviation.doubleValue();
    double skewness = power[3].divide(power[2].multiply(deviation), digits).doubleValue();
    double kurtosis = power[4].divide(power[2].pow(2), digits).doubleValue() - 3;
    double least = Double.MIN_VALUE;
    assertThat(moments.mean()).isCloseTo(mean.doubleValue(), within(1e-13 * stddev + least));
    assertThat(moments.stddev()).isCloseTo(stddev, within(1e-13 * stddev + least));
    assertThat(moments.exactVariance().divide(power[2], digits).doubleValue())
        .isCloseTo(1, within(1e-12));
    assertThat(moments.skewness()).isCloseTo(skewness, within(1e-11 * (1 + Math.abs(skewness))));
    assertThat(moments.excessKurtosis())
        .isCloseTo(kurtosis, within(1e-11 * (1 + Math.abs(kurtosis))));
  }

  @Test
  void leaveOutWhatIsNotFinite() {
    Moments moments =
        moments(Double.NaN, 1, Double.POSITIVE_INFINITY, 3, -0.0, 0, Double.NEGATIVE_INFINITY, -4);
    assertThat(moments.count()).isEqualTo(5);
    assertThat(moments.nans()).isEqualTo(1);
    assertThat(moments.infinities()).isEqualTo(2);
    assertThat(moments.zeros()).isEqualTo(2);
    assertThat(moments.mean()).isCloseTo(0, within(1e-16));
    assertThat(moments.variance()).isCloseTo(26 / 5.0, within(1e-15));
    assertThat(moments.min()).isEqualTo(-4);
    assertThat(moments.max()).isEqualTo(3);
  }

  @Test
  void ofNothingAreNotNumbers() {
    Moments moments = moments();
    assertThat(moments.mean()).isNaN();
    assertThat(moments.variance()).isNaN();
    assertThat(moments.skewness()).isNaN();
    assertThat(moments.excessKurtosis()).isNaN();
    assertThat(moments.min()).isNaN();
    assertThat(moments.max()).isNaN();
  }

  @Test
  void ofHugeValuesDoNotOverflowTheMean() {
    assertThat(moments(Double.MAX_VALUE, Double.MAX_VALUE).mean()).isEqualTo(Double.MAX_VALUE);
  }

  @Test
  void ofChunksReadInParallelAreThoseOfOneBlock() {
    int count = (1 << 20) * 2 + 777;
    float[] values = new float[count];
    Random random = new Random(3);
    double[] same = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
      same[i] = values[i];
    }
    Sample sample = new Sample(source(values), count);
    Moments expected = moments(same);
    assertThat(sample.moments().count()).isEqualTo(count);
    assertThat(sample.moments().variance()).isCloseTo(expected.variance(), within(1e-13));
    assertThat(sample.moments().min()).isEqualTo(expected.min());
    assertThat(sample.count(x -> x > 0)).isEqualTo(count(same, 0));
    Histogram histogram = sample.histogram(-1, 1, 10);
    Histogram one = new Histogram(-1, 1, 10);
    one.add(same, count);
    assertThat(histogram.counts()).isEqualTo(one.counts());
  }

  private static Sample.Source source(float[] values) {
    return (from, out) -> {
      int count = (int) Math.min(out.length, values.length - from);
      for (int i = 0; i < count; i++) {
        out[i] = values[(int) from + i];
      }
      return count;
    };
  }

  private static long count(double[] values, double above) {
    return Arrays.stream(values).filter(x -> x > above).count();
  }

  private static Moments moments(double... values) {
    Moments moments = new Moments();
    moments.add(values.clone(), values.length);
    return moments;
  }
}
