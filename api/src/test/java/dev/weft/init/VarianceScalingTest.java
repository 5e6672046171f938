package dev.weft.init;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.Shape;
import org.junit.jupiter.api.Test;

/** Plans of the named schemes against the published formulas, written out once more. */
class VarianceScalingTest {
  private static final Shape KERAS = Shape.of(3, 3, 64, 128);
  private static final Shape TORCH = Shape.of(128, 64, 3, 3);
  private static final double IN = 576;
  private static final double OUT = 1152;

  @Test
  void uniformSchemes() {
    limit(Initializers.glorotUniform(), Math.sqrt(6 / (IN + OUT)));
    limit(Initializers.heUniform(), Math.sqrt(6 / IN));
    limit(Initializers.lecunUniform(), Math.sqrt(3 / IN));
    limit(Initializers.torchLinear(), 1 / Math.sqrt(IN));
    limit(Initializers.glorotUniform().withGain(2), 2 * Math.sqrt(6 / (IN + OUT)));
    limit(Initializers.heUniform(0.1).withMode(FanMode.FAN_OUT), Math.sqrt(6 / (1.01 * OUT)));
    limit(
        Initializers.varianceScaling(3, FanMode.FAN_GEO_AVG, Distribution.UNIFORM),
        Math.sqrt(9 / Math.sqrt(IN * OUT)));
  }

  @Test
  void normalSchemesTruncateInKerasSemanticsAlone() {
    stddev(Initializers.glorotNormal(), Math.sqrt(2 / (IN + OUT)));
    stddev(Initializers.heNormal(), Math.sqrt(2 / IN));
    stddev(Initializers.lecunNormal(), Math.sqrt(1 / IN));
    stddev(Initializers.heNormal(0.2), Math.sqrt(2 / 1.04 / IN));
    stddev(Initializers.glorotNormal().withGain(5.0 / 3), 5.0 / 3 * Math.sqrt(2 / (IN + OUT)));
  }

  @Test
  void uniformHasNoSemantics() {
    VarianceScaling scheme = Initializers.heUniform();
    assertThat(scheme.withSemantics(Semantics.TORCH)).isEqualTo(scheme);
  }

  @Test
  void fanOfNothingIsOne() {
    assertThat(Initializers.heUniform().plan(Shape.of(0, 4)))
        .isEqualTo(Fill.uniform(-Math.sqrt(6), Math.sqrt(6)));
  }

  @Test
  void biasHasTheWeightsFan() {
    assertThat(Initializers.torchLinearBias(25).plan(Shape.of(10)))
        .isEqualTo(Fill.uniform(-0.2, 0.2));
    assertThatThrownBy(() -> Initializers.torchLinearBias(0))
        .hasMessage("torch_linear: need fanIn >= 1, got fanIn=0");
  }

  @Test
  void badArgumentsAreNamed() {
    for (double bad : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatThrownBy(
              () -> Initializers.varianceScaling(bad, FanMode.FAN_IN, Distribution.UNIFORM))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("variance_scaling: need finite scale > 0, got scale=" + bad);
      assertThatThrownBy(() -> Initializers.heNormal().withGain(bad))
          .hasMessage("variance_scaling: need finite gain > 0, got gain=" + bad);
    }
    assertThatThrownBy(() -> Initializers.heNormal(Double.NaN))
        .hasMessage("he: need a finite negativeSlope, got negativeSlope=NaN");
  }

  private static void limit(VarianceScaling scheme, double limit) {
    for (Fill fill : new Fill[] {scheme.plan(KERAS), scheme.withLayout(Layout.TORCH).plan(TORCH)}) {
      Fill.Uniform uniform = (Fill.Uniform) fill;
      assertThat(uniform.hi()).isCloseTo(limit, within(1e-15));
      assertThat(uniform.lo()).isEqualTo(-uniform.hi());
    }
  }

  @Test
  void scalesOfEverySizeHaveTheirRoots() {
    Shape shape = Shape.of(1000, 1);
    for (double scale : new double[] {Double.MAX_VALUE, 1e-307, Double.MIN_VALUE, 0.5}) {
      double root = Math.sqrt(scale) / Math.sqrt(1000);
      Fill normal =
          Initializers.varianceScaling(scale, FanMode.FAN_IN, Distribution.UNTRUNCATED_NORMAL)
              .plan(shape);
      assertThat(((Fill.Normal) normal).stddev() / root).isCloseTo(1, within(1e-15));
      Fill uniform =
          Initializers.varianceScaling(scale, FanMode.FAN_IN, Distribution.UNIFORM).plan(shape);
      double limit = root * Math.sqrt(3);
      assertThat(((Fill.Uniform) uniform).hi() / limit).isCloseTo(1, within(1e-15));
    }
  }

  private static void stddev(VarianceScaling scheme, double stddev) {
    VarianceScaling torch = scheme.withSemantics(Semantics.TORCH);
    for (Fill fill : new Fill[] {scheme.plan(KERAS), scheme.withLayout(Layout.TORCH).plan(TORCH)}) {
      Fill.TruncatedNormal normal = (Fill.TruncatedNormal) fill;
      assertThat(normal.stddev() * 0.87962566103423978).isCloseTo(stddev, within(1e-15));
      assertThat(normal.mean()).isZero();
      assertThat(normal.lowerSigma()).isEqualTo(-2);
      assertThat(normal.upperSigma()).isEqualTo(2);
    }
    for (Fill fill : new Fill[] {torch.plan(KERAS), torch.withLayout(Layout.TORCH).plan(TORCH)}) {
      assertThat(((Fill.Normal) fill).stddev()).isCloseTo(stddev, within(1e-15));
    }
  }
}
