package dev.weft.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.init.Fill;
import org.junit.jupiter.api.Test;

class HistogramTest {
  @Test
  void countsEveryValueOnceAndTheEndInTheLastBin() {
    Histogram histogram = new Histogram(0, 4, 4);
    histogram.add(new double[] {0, 0.5, 1, 3.999, 4, -0.001, 4.001, Double.NaN}, 8);
    assertThat(histogram.counts()).containsExactly(2, 1, 0, 2);
    assertThat(histogram.total()).isEqualTo(5);
    assertThat(histogram.edge(4)).isEqualTo(4);
  }

  @Test
  void ofEqualValuesHasOneBin() {
    Histogram histogram = new Histogram(2, 2, 3);
    histogram.add(new double[] {2, 2}, 2);
    assertThat(histogram.counts()).containsExactly(2, 0, 0);
  }

  /** Bounds as far apart as f64 has them, and as near. */
  @Test
  void edgesAreFiniteAndInOrder() {
    double most = Double.MAX_VALUE;
    double least = Double.MIN_VALUE;
    double[][] bounds = {
      {-most, most}, {-most, 0}, {0, most}, {most / 2, most}, {-1.7e308, 1.7e308}, {1e300, 1e301},
      {0, least}, {-least, least}, {least, 100 * least}, {0, 1e-310}, {1e-301, 1e-300}, {-3, 4}
    };
    for (double[] each : bounds) {
      Histogram histogram = new Histogram(each[0], each[1], 20);
      for (int edge = 0; edge < 20; edge++) {
        assertThat(histogram.edge(edge)).isBetween(each[0], each[1]);
        assertThat(histogram.edge(edge)).isLessThanOrEqualTo(histogram.edge(edge + 1));
      }
      double quarter = each[0] / 4 * 3 + each[1] / 4;
      histogram.add(new double[] {each[0], each[1], quarter}, 3);
      assertThat(histogram.total()).isEqualTo(3);
      assertThat(histogram.count(19)).isPositive();
      assertThat(histogram.count(0)).isPositive();
      assertThat(histogram.width()).isFinite();
      assertThat(histogram.text(10)).doesNotContain("NaN", "Infinity");
    }
    Histogram wide = new Histogram(-most, most, 4);
    wide.add(new double[] {-most, -most / 4, most / 4, most}, 4);
    assertThat(wide.counts()).containsExactly(1, 1, 1, 1);
  }

  @Test
  void densitiesOfEverySizeHaveTheirMoments() {
    for (double size : new double[] {8e307, 1e155, 1, 1e-155, 1e-300}) {
      Density uniform = Density.of(Fill.uniform(-size, size), 8).orElseThrow();
      assertThat(uniform.mean()).isZero();
      assertThat(uniform.stddev() / size).isCloseTo(Math.sqrt(1 / 3.0), within(1e-12));
      assertThat(uniform.at(0, 0) * size).isCloseTo(0.5, within(1e-6));
      Density normal = Density.of(Fill.normal(size, size / 8), 8).orElseThrow();
      assertThat(normal.mean() / size).isCloseTo(1, within(1e-9));
      assertThat(normal.stddev() / size * 8).isCloseTo(1, within(1e-6));
    }
  }

  @Test
  void textHasALineForEachBin() {
    Histogram histogram = new Histogram(0, 2, 2);
    histogram.add(new double[] {0, 0.1, 0.2, 1.5}, 4);
    assertThat(histogram.text(8))
        .isEqualTo("      0.0000  ████████  75.000 %\n      1.0000  ██▋       25.000 %\n");
  }

  @Test
  void densitiesHaveTheMomentsOfTheBooks() {
    check(Fill.uniform(-1, 3), 1, 16.0 / 12, 1e-12);
    check(Fill.normal(2, 0.5), 2, 0.25, 1e-12);
    check(Fill.truncatedNormalSigma(0, 1, -2, 2), 0, 0.773741303, 1e-9);
    check(Fill.bits(), 0x1p31, 0x1p64 / 12, 1e-9);
    double tail = 0.0044318484119380075 / 0.0013498980316300933; // φ(3) / Q(3), by the tables
    check(
        Fill.truncatedNormalSigma(0, 1, 3, Double.POSITIVE_INFINITY),
        tail,
        1 + 3 * tail - tail * tail,
        1e-9);
    double far = 30 + 1 / 30.0 - 2 / 27000.0; // a + 1/a − 2/a³, an asymptotic series
    assertThat(
            Density.of(Fill.truncatedNormalSigma(0, 1, 30, Double.POSITIVE_INFINITY), 4)
                .orElseThrow()
                .mean())
        .isCloseTo(far, within(1e-5));
    assertThat(Density.of(Fill.constant(1), 4)).isEmpty();
    assertThat(Density.of(Fill.normal(0, 0), 4)).isEmpty();
  }

  @Test
  void densityIsZeroOutside() {
    Density density = Density.of(Fill.uniform(-1, 3), 4).orElseThrow();
    assertThat(density.at(-1.01)).isZero();
    assertThat(density.at(3.01)).isZero();
    assertThat(density.at(0)).isCloseTo(0.25, within(1e-15));
  }

  private static void check(Fill fill, double mean, double variance, double tolerance) {
    Density density = Density.of(fill, 4).orElseThrow();
    assertThat(density.mean()).isCloseTo(mean, within(tolerance * Math.max(1, Math.abs(mean))));
    assertThat(density.variance()).isCloseTo(variance, within(tolerance * Math.max(1, variance)));
  }
}
