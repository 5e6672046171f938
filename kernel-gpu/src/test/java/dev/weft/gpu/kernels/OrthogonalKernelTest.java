package dev.weft.gpu.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.init.Fill;
import dev.weft.init.Layout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** orthogonal.cu as C++ against plain loops. */
class OrthogonalKernelTest {
  private static final double POISON = -7.25;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment failed = arena.allocate(ValueLayout.JAVA_INT);
  private OrthogonalLaunch launch;

  @BeforeEach
  void compile() {
    HostShim.shared();
    launch =
        new OrthogonalLaunch(
            arena,
            (kernel, items, threads, arguments) ->
                HostShim.shared()
                    .launch(
                        kernel.symbol(),
                        (int) Math.min(3, (items + threads - 1) / threads),
                        threads,
                        arguments));
  }

  @AfterEach
  void close() {
    arena.close();
  }

  private boolean hasFailed() {
    int word = failed.get(ValueLayout.JAVA_INT, 0);
    failed.fill((byte) 0);
    assertThat(word).isBetween(0, 1);
    return word == 1;
  }

  /** The same operations in the same order; nothing but the triangle is touched. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 31, 32, 33, 63, 64})
  void choleskyHasTheBitsOfPlainLoops(int n) {
    int ld = n + 3;
    double[] g = positive(n, ld);
    double[] expected = g.clone();
    for (int j = 0; j < n; j++) {
      expected[j + j * ld] = Math.sqrt(expected[j + j * ld]);
      for (int i = j + 1; i < n; i++) {
        expected[i + j * ld] /= expected[j + j * ld];
      }
      for (int k = j + 1; k < n; k++) {
        for (int i = k; i < n; i++) {
          expected[i + k * ld] =
              Math.fma(-expected[i + j * ld], expected[k + j * ld], expected[i + k * ld]);
        }
      }
    }
    assertThat(cholesky(g, ld, n)).isEqualTo(expected);
    assertThat(hasFailed()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -0.0, -1e-300, -5, Double.NaN, Double.NEGATIVE_INFINITY})
  void aPivotThatIsNotPositiveIsSeen(double pivot) {
    for (int at : new int[] {0, 20, 63}) {
      double[] g = new double[64 * 64];
      for (int i = 0; i < 64; i++) {
        g[i + i * 64] = i == at ? pivot : 2;
      }
      cholesky(g, 64, 64);
      assertThat(hasFailed()).as("pivot %d", at).isTrue();
    }
  }

  private double[] cholesky(double[] g, int ld, int n) {
    MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_DOUBLE, g);
    launch.cholesky(memory.address(), ld, n, failed.address());
    return memory.toArray(ValueLayout.JAVA_DOUBLE);
  }

  /** A lower triangle of a matrix with a dominant diagonal, among poison. */
  private static double[] positive(int n, int ld) {
    SplittableRandom random = new SplittableRandom(n);
    double[] g = new double[ld * n];
    Arrays.fill(g, POISON);
    for (int j = 0; j < n; j++) {
      for (int i = j; i < n; i++) {
        g[i + j * ld] = i == j ? n + random.nextDouble() : random.nextDouble() - 0.5;
      }
    }
    return g;
  }

  /** Every element of the lower triangle counts, and none above it. */
  @Test
  void checkSeesEveryElement() {
    int n = 41;
    for (double error : new double[] {0.1, -0.1, Double.NaN, Double.POSITIVE_INFINITY}) {
      for (int at = 0; at < n * n; at++) {
        double[] g = new double[n * n];
        for (int i = 0; i < n; i++) {
          g[i * n + i] = 1 + 0.09;
        }
        g[at] = at % (n + 1) == 0 ? 1 + error : error;
        MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_DOUBLE, g);
        launch.check(memory.address(), n, 0.095, failed.address());
        assertThat(hasFailed()).as("%d", at).isEqualTo(at % n >= at / n);
      }
    }
  }

  @Test
  void widenIsExact() {
    float[] in = {0, -0.0f, 1.5f, Float.MIN_VALUE, -3.4e38f, 6.7f};
    MemorySegment from = arena.allocateFrom(ValueLayout.JAVA_FLOAT, in);
    MemorySegment to = arena.allocate(8L * in.length);
    launch.widen(to.address(), from.address(), in.length);
    double[] expected = new double[in.length];
    Arrays.setAll(expected, i -> in[i]);
    assertThat(to.toArray(ValueLayout.JAVA_DOUBLE)).isEqualTo(expected);
  }

  /** Elements by hand: the number that each has in Q, 0 for none. Q [3, 2] is 1 2, 3 4, 5 6. */
  @ParameterizedTest
  @CsvSource({
    "orthogonal, KERAS, '3,2', '1 2 3 4 5 6'",
    "orthogonal, TORCH, '3,2', '1 2 3 4 5 6'",
    "orthogonal, KERAS, '2,3', '1 3 5 2 4 6'",
    "orthogonal, TORCH, '2,1,3', '1 3 5 2 4 6'",
    "delta, KERAS, '2,2,3', '1 3 5 2 4 6 0 0 0 0 0 0'",
    "delta, KERAS, '3,2,3', '0 0 0 0 0 0 1 3 5 2 4 6 0 0 0 0 0 0'",
    "delta, TORCH, '3,2,3', '0 1 0 0 2 0 0 3 0 0 4 0 0 5 0 0 6 0'"
  })
  void elementsComeFromTheirPlace(String kind, Layout layout, String text, String numbers) {
    Shape shape = Shape.parse(text);
    Fill fill = kind.equals("delta") ? Fill.deltaOrthogonal(1, layout) : Fill.orthogonal(1, layout);
    double[] expected =
        Arrays.stream(numbers.split(" ")).mapToDouble(Double::parseDouble).toArray();
    OrthogonalPlan plan = OrthogonalPlan.of(fill, shape);
    assertThat(written(plan, shape, expected.length)).isEqualTo(expected);
    OrthogonalPlan wrong =
        new OrthogonalPlan(
            plan.inner(),
            plan.taps(),
            plan.centre(),
            plan.rows(),
            plan.columns(),
            !plan.transposed(),
            plan.gain());
    assertThat(written(wrong, shape, expected.length)).isNotEqualTo(expected);
  }

  private double[] written(OrthogonalPlan plan, Shape shape, int count) {
    MemorySegment q = arena.allocateFrom(ValueLayout.JAVA_DOUBLE, 1, 2, 3, 4, 5, 6);
    MemorySegment out = arena.allocate(8L * count + 16);
    out.asSlice(8L * count).fill((byte) 0xA5);
    launch.region(plan, Region.of(shape));
    launch.write(DType.F64, q.address(), 0, 1, out.address());
    launch.write(DType.F64, q.address(), 1, count - 1, out.address() + 8);
    assertThat(out.get(ValueLayout.JAVA_LONG, 8L * count)).isEqualTo(0xA5A5A5A5A5A5A5A5L);
    return out.asSlice(0, 8L * count).toArray(ValueLayout.JAVA_DOUBLE);
  }

  /** A gain of the largest value times a q that passes 1 is that value, in every type. */
  @Test
  void theLargestGainDoesNotOverflow() {
    for (DType dtype : DType.values()) {
      double most = dtype.maxValue();
      Shape shape = Shape.of(2, 1);
      OrthogonalPlan plan = OrthogonalPlan.of(Fill.orthogonal(most, Layout.KERAS), shape);
      MemorySegment q = arena.allocateFrom(ValueLayout.JAVA_DOUBLE, 1 + 0x1p-20, -1 - 0x1p-20);
      MemorySegment out = arena.allocate(dtype.byteSize(2), 8);
      launch.region(plan, Region.of(shape));
      launch.write(dtype, q.address(), 0, 2, out.address());
      assertThat(dev.weft.testkit.Patterns.values(out, dtype)).containsExactly(most, -most);
    }
  }
}
