package dev.weft.init;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

class GainTest {
  @Test
  void constantsAreTheIntegrals() {
    DoubleUnaryOperator sigmoid = z -> 1 / (1 + Math.exp(-z));
    DoubleUnaryOperator softplus = z -> Math.log1p(Math.exp(-Math.abs(z))) + Math.max(z, 0);
    check(Gain.LINEAR, z -> z);
    check(Gain.RELU, z -> Math.max(z, 0));
    check(Gain.leakyRelu(0.2), z -> z < 0 ? 0.2 * z : z);
    check(Gain.GELU_ERF, z -> z * cdf(z));
    check(
        Gain.GELU_TANH,
        z -> 0.5 * z * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z * z * z))));
    check(Gain.SILU, z -> z * sigmoid.applyAsDouble(z));
    check(Gain.MISH, z -> z * Math.tanh(softplus.applyAsDouble(z)));
    check(Gain.ELU, z -> z < 0 ? Math.expm1(z) : z);
    check(Gain.SOFTPLUS, softplus);
    check(Gain.HARD_SWISH, z -> z * Math.clamp(z / 6 + 0.5, 0.0, 1.0));
    check(Gain.TANH_EXACT, Math::tanh);
  }

  @Test
  void conventionalValues() {
    assertThat(Gain.TANH).isEqualTo(5.0 / 3);
    assertThat(Gain.SELU).isEqualTo(0.75);
    assertThat(Gain.leakyRelu(0.2)).isCloseTo(1.386750, within(5e-7));
    assertThat(Gain.leakyRelu(0)).isEqualTo(Gain.RELU);
    assertThat(Gain.leakyRelu(-1e200) * 1e200).isCloseTo(Math.sqrt(2), within(1e-15));
    assertThat(Gain.leakyRelu(1e154) * 1e154).isCloseTo(Math.sqrt(2), within(1e-15));
    assertThat(Gain.leakyRelu(1e80) * 1e80).isCloseTo(Math.sqrt(2), within(1e-15));
  }

  @Test
  void badArgumentsAreNamed() {
    assertThatThrownBy(() -> Gain.leakyRelu(Double.NaN))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("gain: need a finite negativeSlope, got negativeSlope=NaN");
    assertThatThrownBy(() -> Gain.of(z -> 0))
        .hasMessage("gain: need E[f(z)^2] positive and finite, got moment=0.0");
    assertThatThrownBy(() -> Gain.of(z -> Double.NaN)).isInstanceOf(IllegalArgumentException.class);
  }

  private static void check(double constant, DoubleUnaryOperator activation) {
    assertThat(Gain.of(activation)).isCloseTo(constant, within(6e-7));
  }

  /** Φ(z) by its series Σ z^(2n+1) / (1·3·…·(2n+1)), good for |z| below 12 to 1e-15 absolute. */
  private static double cdf(double z) {
    if (Math.abs(z) > 9) {
      return z > 0 ? 1 : 0;
    }
    double term = z;
    double sum = z;
    for (int n = 1; n < 300; n++) {
      term *= z * z / (2 * n + 1);
      sum += term;
    }
    return 0.5 + sum * Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
  }
}
