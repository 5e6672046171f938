package dev.weft.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Medians and intervals of samples, against tables and numbers computed by hand. */
class MeasurementTest {
  private static Measurement of(double[]... forks) {
    Task task = new Task(Suite.FILL, "uniform", "4MiB", "f32", "reused", 1, 0, 1 << 22, 1 << 20);
    return new Measurement("b", Map.of(), task, "weft cpu", "", List.of(forks));
  }

  @Test
  void theIntervalIsThatOfStudentAroundTheMean() {
    Measurement five = of(new double[] {10, 11, 12, 13, 19});

    assertThat(five.rate()).isEqualTo(12);
    double error = 8.610 * Math.sqrt(50 / 4.0 / 5); // t of 4 degrees at 0.0005; squares sum to 50
    assertThat(five.high()).isCloseTo(13 + error, within(0.01));
    assertThat(five.low()).isCloseTo(13 - error, within(0.01));
  }

  /** Rates of any size have the same interval, in their unit; none is infinite. */
  @ParameterizedTest
  @ValueSource(doubles = {1e300, 1e160, 1e-160, 1e-300})
  void intervalsDoNotDependOnTheUnit(double unit) {
    Measurement ordinary = of(new double[] {10, 11, 12, 13, 19});
    Measurement scaled = of(new double[] {10 * unit, 11 * unit, 12 * unit, 13 * unit, 19 * unit});
    assertThat(scaled.low() / unit).isCloseTo(ordinary.low(), within(1e-12));
    assertThat(scaled.high() / unit).isCloseTo(ordinary.high(), within(1e-12));
    Measurement largest = of(new double[] {Double.MAX_VALUE, Double.MAX_VALUE / 2});
    assertThat(largest.low()).isFinite();
    assertThat(largest.rate()).isBetween(Double.MAX_VALUE / 2, Double.MAX_VALUE);
    assertThat(largest.high()).isEqualTo(Double.MAX_VALUE);
  }

  @Test
  void mediansOfJvmsAreWithinTheInterval() {
    Measurement two = of(new double[] {10, 10, 10, 10, 10}, new double[] {20, 20, 20, 20, 20});
    assertThat(two.low()).isLessThanOrEqualTo(10);
    assertThat(two.high()).isGreaterThanOrEqualTo(20);

    Measurement one = of(new double[] {10});
    assertThat(one.low()).isEqualTo(10);
    assertThat(one.high()).isEqualTo(10);
  }

  /** Two-sided 99.9 %, from published tables. */
  @ParameterizedTest
  @CsvSource({
    "1, 636.619",
    "2, 31.599",
    "3, 12.924",
    "4, 8.610",
    "9, 4.781",
    "14, 4.140",
    "60, 3.460"
  })
  void quantilesAreThoseOfTables(int freedom, double t) {
    assertThat(Student.quantile(freedom)).isCloseTo(t, within(0.0006));
  }
}
