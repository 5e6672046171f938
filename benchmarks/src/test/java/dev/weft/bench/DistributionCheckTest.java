package dev.weft.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import dev.weft.Backend;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is right passes with fixed seeds; what is wrong in one respect fails by that. */
class DistributionCheckTest {
  private static final Shape SHAPE = Shape.of(512, 1024);
  private static final int N = 512 * 1024;

  private static float[] drawn(Fill fill, Shape shape) {
    float[] x = new float[(int) shape.elements()];
    try (Backend backend = Backends.open("scalar", 1);
        Tensor tensor = backend.wrap(x, shape)) {
      DistributionCheck.poison(x);
      tensor.fill(fill, RandomKey.of(7));
    }
    return x;
  }

  private static void check(float[] x, Fill fill) {
    DistributionCheck.check(x, fill);
    DistributionCheck.independence(x, fill);
  }

  private static Fill named(String name) {
    return Distributions.named(name).plan(SHAPE);
  }

  private static void assertRejected(float[] x, String name, String message) {
    assertThatThrownBy(() -> check(x, named(name)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @ValueSource(strings = {"uniform", "normal", "truncated_normal", "glorot_uniform", "he_normal"})
  void whatIsRightPassesAndFaultsDoNot(String name) {
    float[] right = drawn(named(name), SHAPE);
    check(right, named(name));

    float[] poisoned = right.clone();
    poisoned[N - 1] = Float.intBitsToFloat(-1);
    assertRejected(poisoned, name, "got x[524287]=NaN");

    float[] unfilled = right.clone();
    Arrays.fill(unfilled, N - 4, N, 0);
    assertRejected(unfilled, name, "neighbours that differ");

    float[] halves = right.clone(); // two threads of one stream
    System.arraycopy(right, 0, halves, N / 2, N / 2);
    assertRejected(halves, name, "at distance 262144");

    float[] pairs = right.clone();
    for (int i = 0; i < N; i += 2) {
      pairs[i + 1] = pairs[i];
    }
    assertRejected(pairs, name, "at distance 1");

    float[] narrow = right.clone();
    double mean = name.equals("uniform") ? 0.5 : 0;
    for (int i = 0; i < N; i++) {
      narrow[i] = (float) (mean + 0.98 * (right[i] - mean));
    }
    assertRejected(narrow, name, "a variance within");
  }

  @Test
  void shiftedIsRejectedByItsMean() {
    assertRejected(drawn(Fill.normal(0.02, 1), SHAPE), "normal", "a mean within");
  }

  @Test
  void anotherShapeOfEqualMomentsIsRejectedByItsDistance() {
    double half = Math.sqrt(3);
    assertRejected(drawn(Fill.uniform(-half, half), SHAPE), "normal", "a distance to");
  }

  @Test
  void outOfRangeIsRejected() {
    assertRejected(drawn(Fill.normal(0, 1), SHAPE), "truncated_normal", "a number in [-2.0, 2.0]");
    assertRejected(drawn(Fill.uniform(0, 1.01), SHAPE), "uniform", "a number in [0.0, 1.0]");
  }

  @Test
  void orthogonalPassesAndItsFaultsDoNot() {
    int n = 256;
    float[] q = drawn(Distributions.named("orthogonal").plan(Shape.of(n, n)), Shape.of(n, n));
    DistributionCheck.checkOrthogonal(q, n);

    float[] wrong = q.clone();
    wrong[17 * n + 5] += 0.01f;
    assertOrthogonalRejected(wrong, n, "QᵀQ·v");

    float[] identity = new float[n * n];
    for (int i = 0; i < n; i++) {
      identity[i * n + i] = 1;
    }
    assertOrthogonalRejected(identity, n, "a distance to");

    float[] signs = q.clone();
    for (int j = 0; j < n; j++) {
      float sign = -Math.signum(q[j * n + j]);
      for (int i = 0; i < n; i++) {
        signs[i * n + j] *= sign;
      }
    }
    assertOrthogonalRejected(signs, n, "a diagonal half");

    float[] poisoned = q.clone();
    poisoned[0] = Float.intBitsToFloat(-1);
    assertOrthogonalRejected(poisoned, n, "elements in [-1, 1]");
  }

  private static void assertOrthogonalRejected(float[] q, int n, String message) {
    assertThatThrownBy(() -> DistributionCheck.checkOrthogonal(q, n))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(message);
  }

  @Test
  void cdfIsThatOfTheTables() {
    assertThat(DistributionCheck.cdf(0)).isEqualTo(0.5);
    assertThat(DistributionCheck.cdf(1.959963984540054)).isCloseTo(0.975, offset(1e-14));
    assertThat(DistributionCheck.cdf(-3)).isCloseTo(0.0013498980316300946, offset(1e-15));
    assertThat(DistributionCheck.cdf(Double.NEGATIVE_INFINITY)).isZero();
  }
}
