package dev.weft.compare.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** An axis has a handful of ticks and finite places, whatever its ends are. */
class ScaleTest {
  private static final double[] ENDS = {
    -Double.MAX_VALUE,
    -1e308,
    -1e300,
    -1,
    -1e-300,
    -Double.MIN_VALUE,
    0,
    Double.MIN_VALUE,
    1e-323,
    1e-320,
    Double.MIN_NORMAL,
    1e-300,
    1e-9,
    0.1,
    1,
    Math.nextUp(1),
    1.5,
    59,
    1e9,
    0x1p53,
    0x1p53 + 2,
    1e300,
    Math.nextUp(1e300),
    1e308,
    Double.MAX_VALUE,
    Double.POSITIVE_INFINITY,
    Double.NEGATIVE_INFINITY,
    Double.NaN
  };

  @ParameterizedTest
  @EnumSource(Scale.Kind.class)
  void ticksAreBoundedAndInOrder(Scale.Kind kind) {
    for (double low : ENDS) {
      for (double high : ENDS) {
        Scale scale = new Scale(low, high, 50, 400, kind);
        List<Double> ticks = scale.ticks();
        String what = kind + " " + low + " " + high + ": " + ticks;
        assertThat(ticks).as(what).hasSizeLessThan(12);
        for (int i = 0; i < ticks.size(); i++) {
          assertThat(ticks.get(i)).as(what).isFinite();
          assertThat(scale.at(ticks.get(i))).as(what).isBetween(50.0, 400.0);
          assertThat(Text.tick(ticks.get(i))).as(what).hasSizeLessThan(20);
          if (i > 0) {
            assertThat(ticks.get(i)).as(what).isGreaterThan(ticks.get(i - 1));
          }
        }
        for (double value : ENDS) {
          assertThat(scale.at(value)).as(what + " " + value).isBetween(50.0, 400.0);
        }
      }
    }
  }

  @Test
  void usualAxesHaveRoundTicks() {
    assertThat(ticks(0, 1, Scale.Kind.LINEAR))
        .containsExactly(0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0);
    assertThat(ticks(-3, 9, Scale.Kind.LINEAR)).containsExactly(0.0, 5.0);
    assertThat(ticks(1.5, 30, Scale.Kind.DECADES)).containsExactly(2.0, 5.0, 10.0, 20.0);
    assertThat(ticks(2, 20000, Scale.Kind.DECADES)).containsExactly(10.0, 100.0, 1000.0, 10000.0);
    assertThat(ticks(60, 300, Scale.Kind.OCTAVES)).containsExactly(64.0, 128.0, 256.0);
    assertThat(ticks(-1e308, 1e308, Scale.Kind.LINEAR))
        .containsExactly(-1e308, -5e307, 0.0, 5e307, 1e308);
  }

  private static List<Double> ticks(double low, double high, Scale.Kind kind) {
    return new Scale(low, high, 0, 1, kind).ticks();
  }
}
