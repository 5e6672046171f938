package dev.weft.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.init.Fill;
import dev.weft.init.Initializers;
import dev.weft.init.Layout;
import dev.weft.init.Semantics;
import dev.weft.init.VarianceScaling;
import dev.weft.random.RandomKey;
import dev.weft.testkit.NormalTail;
import dev.weft.testkit.Patterns;
import dev.weft.testkit.Statistics;
import dev.weft.testkit.Statistics.Moments;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The distributions. Seeds are fixed, so a passing test passes for ever; a fresh true stream would
 * fail a KS test with probability 1e-3 and any test at five standard deviations with 6e-7. Each
 * statistic has a negative control: a sample with a fault that a peer had, which it must refuse.
 */
public abstract class StatisticsContract extends BackendContract {
  private static final int N = 1 << 18;
  private static final int MANY = 1 << 22;
  private static final double SIGMAS = 5;
  private static final double INF = Double.POSITIVE_INFINITY;

  final double[] sample(Fill fill, RandomKey key, DType dtype, int count) {
    return Patterns.values(filled(backend(), fill, key, dtype, Region.of(Shape.of(count))), dtype);
  }

  /** A fill with its distribution: Φ and moments by formula. */
  record Law(Fill fill, DoubleUnaryOperator cdf, double mean, double stddev, double kurtosis) {
    static Law uniform(double lo, double hi) {
      return new Law(
          Fill.uniform(lo, hi),
          x -> Math.clamp((x - lo) / (hi - lo), 0.0, 1.0),
          (lo + hi) / 2,
          (hi - lo) / Math.sqrt(12),
          1.8);
    }

    static Law normal(double mean, double stddev) {
      return new Law(
          Fill.normal(mean, stddev), x -> NormalTail.lower((x - mean) / stddev), mean, stddev, 3);
    }

    static Law truncated(double mean, double stddev, double a, double b) {
      double below = NormalTail.lower(a);
      double mass = NormalTail.lower(b) - below;
      Moments moments = Statistics.truncatedNormal(a, b);
      return new Law(
          Fill.truncatedNormalSigma(mean, stddev, a, b),
          x -> Math.clamp((NormalTail.lower((x - mean) / stddev) - below) / mass, 0.0, 1.0),
          mean + stddev * moments.mean(),
          stddev * Math.sqrt(moments.variance()),
          moments.kurtosis());
    }

    @Override
    public String toString() {
      return fill.toString();
    }
  }

  static List<Law> laws() {
    return List.of(
        Law.uniform(0, 1),
        Law.uniform(-0.05, 0.05),
        Law.uniform(-3, 10),
        Law.normal(0, 1),
        Law.normal(-2, 0.05),
        Law.truncated(0, 1, -2, 2),
        Law.truncated(0.5, 0.002, -2, 2),
        Law.truncated(0, 1, -1, 3),
        Law.truncated(0, 1, 0, INF),
        Law.truncated(0, 0.02, -INF, INF),
        Law.truncated(0, 1, 2, 4),
        Law.truncated(1, 1, -0.1, 0.2));
  }

  static List<Arguments> lawsInTypes() {
    List<Arguments> all = new ArrayList<>();
    for (Law law : laws()) {
      for (DType dtype : DType.values()) {
        boolean coarse = dtype == DType.BF16 || dtype == DType.F16;
        if (!coarse || Math.abs(law.mean) < 4 * law.stddev) { // else few values of the type remain
          all.add(Arguments.of(law, dtype));
        }
      }
    }
    return all;
  }

  @ParameterizedTest
  @MethodSource("lawsInTypes")
  void distributionIsTheFormulas(Law law, DType dtype) {
    // rounding to 8 or 11 bits moves the distribution function itself: few samples cannot see it
    int count = dtype == DType.BF16 ? 4096 : dtype == DType.F16 ? 1 << 15 : N;
    for (RandomKey key : KEY.split(3)) {
      double[] values = sample(law.fill, key, dtype, count);
      assertThat(Statistics.ks(values, law.cdf)).isLessThan(Statistics.KS_LIMIT);
      assertThat(Statistics.meanError(values, law.mean, law.stddev)).isLessThan(SIGMAS);
      assertThat(Statistics.varianceError(values, law.stddev * law.stddev, law.kurtosis))
          .isLessThan(SIGMAS);
    }
  }

  @Test
  void controlsOfTheDistribution() {
    double[] z = sample(Fill.normal(0, 1), KEY, DType.F32, N);
    Law cut = Law.truncated(0, 1, -2, 2);
    double[] clamped = z.clone(); // 4.6 % of the mass sits on the bounds
    double[] slightlyWide = sample(Fill.uniform(0, 1.01), KEY, DType.F32, N);
    double[] thrice = sample(Fill.uniform(-Math.sqrt(3), Math.sqrt(3)), KEY, DType.F32, N);
    double[] shifted = z.clone();
    for (int i = 0; i < N; i++) {
      clamped[i] = Math.clamp(z[i], -2.0, 2.0);
      shifted[i] += 0.02;
    }
    assertThat(Statistics.ks(clamped, cut.cdf)).isGreaterThan(Statistics.KS_LIMIT);
    assertThat(Statistics.varianceError(clamped, cut.stddev * cut.stddev, cut.kurtosis))
        .isGreaterThan(SIGMAS);
    assertThat(Statistics.ks(slightlyWide, Law.uniform(0, 1).cdf))
        .isGreaterThan(Statistics.KS_LIMIT);
    assertThat(Statistics.varianceError(thrice, 1.0 / 3, 1.8)).isGreaterThan(SIGMAS);
    assertThat(Statistics.meanError(shifted, 0, 1)).isGreaterThan(SIGMAS);
  }

  /** Counts beyond k σ, within five standard deviations of a binomial (at least five counts). */
  @Test
  void tailsHaveTheirMass() {
    double[] z = sample(Fill.normal(0, 1), KEY, DType.F32, MANY);
    assertThat(tailError(z)).isLessThan(SIGMAS);
    assertThat(tailError(sample(Fill.normal(0, 1), KEY, DType.F64, MANY))).isLessThan(SIGMAS);
    double[] all = sample(Fill.truncatedNormalSigma(0, 1, -INF, INF), KEY, DType.F32, MANY);
    assertThat(tailError(all)).isLessThan(SIGMAS);
    double[] light = z.clone(); // negative control: no value beyond 4
    for (int i = 0; i < MANY; i++) {
      light[i] = Math.abs(z[i]) > 4 ? z[i] / 2 : z[i];
    }
    assertThat(tailError(light)).isGreaterThan(SIGMAS);
  }

  private static double tailError(double[] z) {
    double worst = 0;
    for (double k = 0.5; k <= 4.5; k += 0.5) {
      double p = NormalTail.upper(k);
      int above = 0;
      int below = 0;
      for (double value : z) {
        above += value > k ? 1 : 0;
        below += value < -k ? 1 : 0;
      }
      double error = Math.sqrt(z.length * p * (1 - p));
      worst = Math.max(worst, Math.abs(above - z.length * p) / error);
      worst = Math.max(worst, Math.abs(below - z.length * p) / error);
    }
    return worst;
  }

  @Test
  void truncatedKurtosisIsTheFormulas() {
    double theory = Statistics.truncatedNormal(-2, 2).kurtosis();
    for (double stddev : new double[] {1, 0.02, 0.002}) {
      double[] values = sample(Fill.truncatedNormalSigma(0, stddev, -2, 2), KEY, DType.F32, MANY);
      assertThat(kurtosisError(values, theory)).as("stddev %s", stddev).isLessThan(SIGMAS);
      values[MANY / 2] = 1000 * stddev; // negative control: one value that escaped
      assertThat(kurtosisError(values, theory)).isGreaterThan(SIGMAS);
    }
  }

  /** In standard errors of a normal's kurtosis, √(24/n), more than that of a bounded law. */
  private static double kurtosisError(double[] values, double expected) {
    return Math.abs(Moments.of(values).kurtosis() - expected) / Math.sqrt(24.0 / values.length);
  }

  @Test
  void everyStrideIsUniform() {
    double[] values = sample(Fill.uniform(0, 1), KEY, DType.F32, MANY);
    double[] repeating = values.clone(); // negative control: 4096 values again and again
    for (int i = 0; i < MANY; i++) {
      repeating[i] = values[i % 4096];
    }
    for (int stride : new int[] {2, 3, 4, 5, 7, 8, 16, 64, 100, 256, 1000, 1024, 4096}) {
      for (int first : new int[] {0, 1, stride - 1}) {
        double[] taken = Statistics.strided(values, first, stride);
        assertThat(Statistics.ks(taken, x -> x))
            .as("stride %d from %d", stride, first)
            .isLessThan(Statistics.KS_LIMIT);
      }
    }
    assertThat(Statistics.ks(Statistics.strided(repeating, 0, 4096), x -> x))
        .isGreaterThan(Statistics.KS_LIMIT);
  }

  @Test
  void elementsAreUncorrelated() {
    double[] uniform = sample(Fill.uniform(0, 1), KEY, DType.F32, MANY);
    double[] normal = sample(Fill.normal(0, 1), KEY, DType.F32, MANY);
    double[] squares = normal.clone();
    for (int i = 0; i < MANY; i++) {
      squares[i] = normal[i] * normal[i];
    }
    for (int lag : new int[] {1, 2, 3, 4, 5, 8, 16, 64, 128, 1000, 1024, 262_144}) {
      for (double[] values : List.of(uniform, normal, squares)) {
        assertThat(lagged(values, lag)).as("lag %d", lag).isLessThan(SIGMAS);
      }
    }
    double[] smooth = uniform.clone(); // negative control: each value remembers a little
    for (int i = 1; i < MANY; i++) {
      smooth[i] = uniform[i] + 0.01 * uniform[i - 1];
    }
    assertThat(lagged(smooth, 1)).isGreaterThan(SIGMAS);
  }

  private static double lagged(double[] values, int lag) {
    double[] later = new double[values.length - lag];
    System.arraycopy(values, lag, later, 0, later.length);
    return Math.abs(Statistics.correlation(values, later));
  }

  /** The pair of one Box–Muller step: uniform over a grid of equal probabilities. */
  @Test
  void pairsOfNormalsAreIndependent() {
    double[] z = sample(Fill.normal(0, 1), KEY, DType.F32, MANY);
    assertThat(pairs(z)).isLessThan(SIGMAS);
    double[] swapped = z.clone(); // negative control: the larger of each pair comes first
    for (int i = 0; i < MANY; i += 2) {
      swapped[i] = Math.max(z[i], z[i + 1]);
      swapped[i + 1] = Math.min(z[i], z[i + 1]);
    }
    assertThat(pairs(swapped)).isGreaterThan(SIGMAS);
  }

  private static double pairs(double[] z) {
    int cells = 32;
    long[] counts = new long[cells * cells];
    for (int i = 0; i + 1 < z.length; i += 2) {
      int row = (int) (cells * NormalTail.lower(z[i]));
      int column = (int) (cells * NormalTail.lower(z[i + 1]));
      counts[Math.min(row, cells - 1) * cells + Math.min(column, cells - 1)]++;
    }
    return Math.abs(Statistics.chiSquare(counts));
  }

  @Test
  void bitsAndBytesOfWordsAreEven() {
    for (RandomKey key : new RandomKey[] {KEY, RandomKey.of(0), RandomKey.of(-1)}) {
      double[] ones = new double[32];
      long[][] bytes = new long[4][256];
      double[] words = sample(Fill.custom((i, word) -> word), key, DType.F64, MANY);
      for (double value : words) {
        int word = (int) value;
        for (int bit = 0; bit < 32; bit++) {
          ones[bit] += word >>> bit & 1;
        }
        for (int b = 0; b < 4; b++) {
          bytes[b][word >>> 8 * b & 255]++;
        }
      }
      for (double count : ones) {
        assertThat(Math.abs(count - MANY / 2.0) / (Math.sqrt(MANY) / 2)).isLessThan(SIGMAS);
      }
      for (long[] counts : bytes) {
        assertThat(Math.abs(Statistics.chiSquare(counts))).isLessThan(SIGMAS);
        counts[7] += MANY / 1000; // negative control
        assertThat(Math.abs(Statistics.chiSquare(counts))).isGreaterThan(SIGMAS);
      }
    }
  }

  /** Element 0, or any other, of many keys is a sample too. */
  @Test
  void acrossKeysIsUniform() {
    int keys = 50_000;
    RandomKey[] split = KEY.split(keys);
    double[][] samples = new double[5][keys];
    for (int i = 0; i < keys; i++) {
      RandomKey[] each = {
        RandomKey.of(i), RandomKey.of((long) i << 32), split[i], KEY.child("layer" + i)
      };
      for (int s = 0; s < 4; s++) {
        double[] values = sample(Fill.uniform(0, 1), each[s], DType.F32, 2);
        samples[s][i] = values[0];
        if (s == 0) {
          samples[4][i] = values[1];
        }
      }
    }
    for (double[] values : samples) {
      assertThat(Statistics.ks(values, x -> x)).isLessThan(Statistics.KS_LIMIT);
      assertThat(lagged(values, 1)).isLessThan(SIGMAS);
    }
    for (int a = 0; a < samples.length; a++) {
      for (int b = 0; b < a; b++) {
        assertThat(Math.abs(Statistics.correlation(samples[a], samples[b]))).isLessThan(SIGMAS);
      }
    }
    double[] few = samples[0].clone(); // negative control: keys that share a stream
    for (int i = 0; i < keys; i++) {
      few[i] = samples[0][i % 500];
    }
    assertThat(Statistics.ks(few, x -> x)).isGreaterThan(Statistics.KS_LIMIT);
  }

  @Test
  void streamsOfRelatedKeysAreUncorrelated() {
    List<RandomKey> family = new ArrayList<>();
    family.add(KEY);
    family.add(RandomKey.of(KEY.seed() + 1));
    family.add(RandomKey.of(KEY.seed() ^ 1L << 32));
    family.add(KEY.child("kernel"));
    family.add(KEY.child("bias"));
    family.add(KEY.child("kernel").child("kernel"));
    family.addAll(List.of(KEY.split(3)));
    List<double[]> streams = new ArrayList<>();
    for (RandomKey key : family) {
      streams.add(sample(Fill.normal(0, 1), key, DType.F32, N));
    }
    for (int a = 0; a < streams.size(); a++) {
      for (int b = 0; b < a; b++) {
        assertThat(Math.abs(Statistics.correlation(streams.get(a), streams.get(b))))
            .as("%s and %s", family.get(a), family.get(b))
            .isLessThan(SIGMAS);
      }
    }
    double[] leaky = streams.get(0).clone(); // negative control: one in fifty is the parent's
    for (int i = 0; i < N; i++) {
      leaky[i] = i % 50 == 0 ? streams.get(0)[i] : streams.get(1)[i];
    }
    assertThat(Math.abs(Statistics.correlation(leaky, streams.get(0)))).isGreaterThan(SIGMAS);
  }

  static List<Arguments> schemes() {
    double in = 576;
    double out = 1152;
    List<Arguments> all = new ArrayList<>();
    all.add(Arguments.of("glorot_uniform", Initializers.glorotUniform(), 2 / (in + out)));
    all.add(Arguments.of("glorot_normal", Initializers.glorotNormal(), 2 / (in + out)));
    all.add(Arguments.of("he_uniform", Initializers.heUniform(), 2 / in));
    all.add(Arguments.of("he_normal", Initializers.heNormal(), 2 / in));
    all.add(Arguments.of("he_normal 0.2", Initializers.heNormal(0.2), 2 / 1.04 / in));
    all.add(Arguments.of("lecun_uniform", Initializers.lecunUniform(), 1 / in));
    all.add(Arguments.of("lecun_normal", Initializers.lecunNormal(), 1 / in));
    all.add(Arguments.of("torch_linear", Initializers.torchLinear(), 1 / in / 3));
    all.add(
        Arguments.of(
            "gain 5/3", Initializers.glorotNormal().withGain(5.0 / 3), 25.0 / 9 * 2 / (in + out)));
    return all;
  }

  /** The variance of every scheme on a convolution in both layouts, against its formula. */
  @ParameterizedTest
  @MethodSource("schemes")
  void schemesHaveTheirVariance(String name, VarianceScaling scheme, double variance) {
    for (Semantics semantics : Semantics.values()) {
      for (Layout layout : Layout.values()) {
        Shape shape = layout == Layout.KERAS ? Shape.of(3, 3, 64, 128) : Shape.of(128, 64, 3, 3);
        Fill fill = scheme.withSemantics(semantics).withLayout(layout).plan(shape);
        double[] values =
            Patterns.values(
                filled(backend(), fill, KEY.child(name), DType.F32, Region.of(shape)), DType.F32);
        double kurtosis =
            switch (fill) {
              case Fill.Uniform f -> 1.8;
              case Fill.Normal f -> 3;
              default -> Statistics.truncatedNormal(-2, 2).kurtosis();
            };
        assertThat(Statistics.varianceError(values, variance, kurtosis)).isLessThan(SIGMAS);
        assertThat(Statistics.meanError(values, 0, Math.sqrt(variance))).isLessThan(SIGMAS);
        for (double wrong : new double[] {variance * 3, variance / 2, variance * 1.1}) {
          assertThat(Statistics.varianceError(values, wrong, kurtosis)).isGreaterThan(SIGMAS);
        }
        double edge =
            Math.sqrt(variance) * (kurtosis == 1.8 ? Math.sqrt(3) : 2 / 0.8796256610342398);
        double largest = 0;
        for (double value : values) {
          largest = Math.max(largest, Math.abs(value));
        }
        if (kurtosis < 3) {
          assertThat(largest).isBetween(edge * 0.999, Math.nextUp((float) edge) * 1.0);
        } else {
          assertThat(largest).isGreaterThan(1.5 * edge);
        }
      }
    }
  }
}
