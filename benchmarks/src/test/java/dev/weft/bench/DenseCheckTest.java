package dev.weft.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.nn.Activation;
import dev.weft.nn.Dense;
import dev.weft.nn.Mlp;
import dev.weft.nn.Optimizer;
import dev.weft.nn.Write;
import dev.weft.random.RandomKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What benchmarks are checked against is right itself, and notices what is wrong. */
class DenseCheckTest {
  private static final RandomKey KEY = RandomKey.of(3);

  @ParameterizedTest
  @EnumSource(Activation.Kind.class)
  void derivativesAreThoseOfTheValues(Activation.Kind kind) {
    Activation f = Activation.parse(kind.id());
    double[] z = {-3.5, -2.1, -0.4, 0.3, 1.7, 3.9};
    double[] dy = {0.5, -1, 0.25, 2, -0.75, 1};
    double h = 1e-6;

    double[] dz = Naive.gradient(f, z, dy, z.length);

    for (int i = 0; i < z.length; i++) {
      double[] more = z.clone();
      double[] less = z.clone();
      more[i] += h;
      less[i] -= h;
      double[] above = Naive.activate(f, more, z.length);
      double[] below = Naive.activate(f, less, z.length);
      double sum = 0;
      for (int j = 0; j < z.length; j++) {
        sum += dy[j] * (above[j] - below[j]) / (2 * h);
      }
      assertThat(dz[i]).isCloseTo(sum, within(1e-8));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"relu", "gelu", "softmax"})
  void aLayerPassesAndOneWrongElementDoesNot(String activation) {
    Shape sizes = Shape.of(5, 33, 17);
    try (Backend backend = Backends.open("scalar", 1);
        Dense layer =
            DenseCase.layer(backend, DType.F32, sizes, Activation.parse(activation), KEY);
        Tensor x = backend.tensor(DType.F32, Shape.of(5, 33));
        Tensor dx = backend.tensor(DType.F32, Shape.of(5, 33));
        Tensor y = backend.tensor(DType.F32, Shape.of(5, 17));
        Tensor dy = backend.tensor(DType.F32, Shape.of(5, 17));
        Dense.Gradients gradients = layer.gradients()) {
      x.fill(Fill.uniform(-1, 1), KEY.child("x"));
      dy.fill(Fill.uniform(-1, 1), KEY.child("dy"));
      double[] before = Naive.read(dy);
      DenseCheck check = DenseCase.check(layer, x);
      layer.forward(x, y);
      double[] result = Naive.read(y);
      layer.backward(x, y, dy, dx, gradients, Write.OVERWRITE);
      double[] dw = Naive.read(gradients.kernel());
      double[] db = Naive.read(gradients.bias());

      check.forward(result);
      check.backward(before, dw, db, Naive.read(dx));

      result[7] += 1e-4;
      assertThatThrownBy(() -> check.forward(result)).hasMessageContaining("y[7]");
      dw[100] += 1e-3;
      assertThatThrownBy(() -> check.backward(before, dw, db, Naive.read(dx)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("dw[100]");
      dw[100] -= 1e-3;
      db[3] = Double.NaN;
      assertThatThrownBy(() -> check.backward(before, dw, db, Naive.read(dx)))
          .hasMessageContaining("db[3]=NaN");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"})
  void aStepOfTrainingPasses(String optimizer) {
    Optimizer rule = MlpCase.optimizer(optimizer, 1e-3);
    try (Backend backend = Backends.open("scalar", 1);
        Mlp mlp = MlpCase.perceptron("19-23-7-5", Activation.RELU, rule, DType.F32, backend, KEY);
        Tensor x = backend.tensor(DType.F32, Shape.of(6, 19))) {
      x.fill(Fill.uniform(0, 1), KEY.child("x"));

      MlpCase.check(mlp, rule, x, MlpCase.classes(6, 5));

      assertThat(MlpCase.flop(mlp, 6)).isEqualTo(6.0 * (4 * 19 * 23 + 6 * 23 * 7 + 6 * 7 * 5));
    }
  }

  @Test
  void aStepByAnotherRuleDoesNot() {
    try (Backend backend = Backends.open("scalar", 1);
        Mlp mlp =
            MlpCase.perceptron(
                "9-8-5", Activation.RELU, Optimizer.sgd(1e-3), DType.F32, backend, KEY);
        Tensor x = backend.tensor(DType.F32, Shape.of(6, 9))) {
      x.fill(Fill.uniform(0, 1), KEY.child("x"));

      assertThatThrownBy(() -> MlpCase.check(mlp, Optimizer.sgd(1.01e-3), x, MlpCase.classes(6, 5)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("w0[");
    }
  }

  @Test
  void theLossIsThatOfItsFormula() {
    double[] logits = {1, 2, 3, 0, 0, 0};
    double[] gradient = new double[6];
    double sum = Math.exp(1) + Math.exp(2) + Math.exp(3);

    double loss = Naive.crossEntropy(logits, new int[] {2, 0}, gradient);

    assertThat(loss).isCloseTo((-Math.log(Math.exp(3) / sum) + Math.log(3)) / 2, within(1e-14));
    assertThat(gradient[0]).isCloseTo(Math.exp(1) / sum / 2, within(1e-14));
    assertThat(gradient[3]).isCloseTo((1.0 / 3 - 1) / 2, within(1e-14));
  }

  @Test
  void normsAreCompared() {
    double[] expected = {3, 4};
    DenseCheck.requireNear("g", new double[] {3, 4.004}, expected, 1e-3);
    assertThatThrownBy(() -> DenseCheck.requireNear("g", new double[] {3, 4.006}, expected, 1e-3))
        .hasMessageContaining("of the norm of g");
  }
}
