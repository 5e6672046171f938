package dev.weft.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.Backend;
import dev.weft.Shape;
import dev.weft.Weft;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Signals and draws are what the theory says; the bounds are several times what a seed moves. */
class SignalsTest {
  private static final int LAYERS = 20;

  private static Signal signal(List<Signal> signals, String initializer, String activation) {
    return signals.stream()
        .filter(it -> it.initializer().equals(initializer) && it.activation().equals(activation))
        .findFirst()
        .orElseThrow();
  }

  private static double last(double[] variances) {
    return variances[LAYERS] / variances[0];
  }

  @Test
  void aRuleThatSuitsItsActivationKeepsTheSignal() {
    List<Signal> signals;
    try (Backend backend = Weft.open("cpu")) {
      signals = Signals.of(backend, LAYERS, 256, 64);
      assertThat(backend.memory().allocatedBytes()).isZero();
    }

    assertThat(last(signal(signals, "He normal", "relu").activations())).isBetween(0.1, 10.0);
    assertThat(last(signal(signals, "Glorot uniform", "tanh").activations())).isBetween(0.1, 10.0);
    assertThat(1 / last(signal(signals, "He normal", "relu").gradients())).isBetween(0.1, 10.0);
    // halved in every layer: 2⁻²⁰
    assertThat(last(signal(signals, "Glorot uniform", "relu").activations())).isBetween(1e-8, 1e-4);
    // 256·0.01/2 = 1.28 a layer: 139
    assertThat(last(signal(signals, "N(0, 0.1²)", "relu").activations())).isBetween(10.0, 2000.0);
  }

  @Test
  void drawsHaveTheDensitiesOfTheirFormulas() {
    List<Drawn> drawn;
    try (Backend backend = Weft.open("cpu")) {
      drawn = Draws.of(backend, Shape.of(784, 256));
    }

    assertThat(drawn).extracting(Drawn::initializer).contains("he_normal", "orthogonal");
    for (Drawn it : drawn) {
      double total = Arrays.stream(it.counts()).sum();
      assertThat(total).as(it.initializer()).isBetween(0.9999 * 784 * 256, 784.0 * 256);
      double width = (it.high() - it.low()) / it.counts().length;
      if (it.density().length > 0) {
        double square = 0; // chi² of 60 bins; about 60 ± 11
        for (int bin = 0; bin < it.counts().length; bin++) {
          double expected = total * width * (it.density()[bin] + it.density()[bin + 1]) / 2;
          square += Math.pow(it.counts()[bin] - expected, 2) / Math.max(expected, 5);
        }
        assertThat(square).as(it.initializer()).isBetween(15.0, 140.0);
        assertThat(it.variance() / it.expectedVariance()).isCloseTo(1, within(0.02));
      }
    }
    // by the formulas alone: 6 / (784 + 256) / 3, 2 / 784
    assertThat(variance(drawn, "glorot_uniform")).isCloseTo(2.0 / 1040, within(2e-5));
    assertThat(variance(drawn, "he_normal")).isCloseTo(2.0 / 784, within(3e-5));
    assertThat(variance(drawn, "orthogonal")).isCloseTo(1.0 / 784, within(2e-5));
  }

  private static double variance(List<Drawn> drawn, String name) {
    return drawn.stream()
        .filter(it -> it.initializer().equals(name))
        .findFirst()
        .orElseThrow()
        .variance();
  }
}
