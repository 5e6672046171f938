package dev.weft.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
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
