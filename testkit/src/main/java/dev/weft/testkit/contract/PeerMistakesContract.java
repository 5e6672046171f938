package dev.weft.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.Backend;
import dev.weft.BackendInfo;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Weft;
import dev.weft.init.Fans;
import dev.weft.init.Fill;
import dev.weft.init.Initializer;
import dev.weft.init.Initializers;
import dev.weft.init.Layout;
import dev.weft.init.Semantics;
import dev.weft.testkit.Patterns;
import dev.weft.testkit.Reference;
import dev.weft.testkit.Statistics;
import dev.weft.testkit.Statistics.Moments;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What other libraries got wrong, as their issue trackers and sources show, does not happen here.
 */
public abstract class PeerMistakesContract extends BackendContract {
  private static final int MANY = 1 << 22;
  private static final double INF = Double.POSITIVE_INFINITY;

  private double[] values(Fill fill, DType dtype, Shape shape) {
    return Patterns.values(filled(backend(), fill, KEY, dtype, Region.of(shape)), dtype);
  }

  private double[] values(Initializer initializer, Shape shape) {
    return values(initializer.plan(shape), DType.F32, shape);
  }

  /** PyTorch before 2.12: at stddev 0.002 the tail words became ±2, kurtosis 28 122. */
  @Test
  void truncatedNormalClampsNoOutliers() {
    for (DType dtype : DType.values()) {
      double[] x = values(Fill.truncatedNormalBetween(0, 0.002, -2, 2), dtype, Shape.of(MANY));
      assertThat(Moments.of(x).kurtosis()).isCloseTo(3, within(0.05));
      for (double value : x) {
        if (!(Math.abs(value) < 0.02)) {
          throw new AssertionError(dtype + " " + value);
        }
      }
    }
  }

  /** Keras on PyTorch: 4.3e-6 of the samples escape ±2σ. */
  @ParameterizedTest
  @EnumSource
  void noTruncatedSampleEscapes(DType dtype) {
    for (double stddev : new double[] {1, 0.05, 0.0123}) {
      double bound = 2 * stddev;
      double largest = 0;
      for (double value :
          values(Fill.truncatedNormalSigma(0, stddev, -2, 2), dtype, Shape.of(MANY))) {
        largest = Math.max(largest, Math.abs(value));
      }
      assertThat(largest).isBetween(0.99 * bound, bound);
    }
  }

  /** PyTorch's CUDA rand returns the excluded bound in fp16 and bf16. */
  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void halfUniformNeverReturnsTheExcludedBound(DType dtype) {
    for (double[] interval :
        new double[][] {
          {0, 1}, {-1, 1}, {-0.05, 0.05}, {0.1, 0.3}, {1, 1.1}, {-3, -2.7}, {0, 1e-6}
        }) {
      double lo = interval[0];
      double hi = interval[1];
      double least = INF;
      double most = -INF;
      for (double x : values(Fill.uniform(lo, hi), dtype, Shape.of(1 << 20))) {
        least = Math.min(least, x);
        most = Math.max(most, x);
      }
      if (lo == 0) { // its neighbours are too fine to be met
        assertThat(least).isGreaterThanOrEqualTo(0);
      } else {
        assertThat(least).as("[%s, %s)", lo, hi).isEqualTo(Patterns.ceil(dtype, lo));
      }
      assertThat(most).as("[%s, %s)", lo, hi).isEqualTo(Patterns.below(dtype, hi));
    }
    // negative control: rounding a good f32 uniform without the clamp returns 1
    boolean reached = false;
    for (double x : values(Fill.uniform(0, 1), DType.F32, Shape.of(1 << 20))) {
      reached |= Patterns.value(dtype, Patterns.of(dtype, x)) == 1;
    }
    assertThat(reached).isTrue();
  }

  /**
   * Every value of a 16-bit type as the lower bound, with the upper bound one, two, three and a
   * half values above: nothing outside [lo, hi).
   */
  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void uniformStaysInsideAtEveryValueOfAHalf(DType dtype) {
    int checked = 0;
    for (int pattern = 0; pattern < 1 << 16; pattern++) {
      double lo = Patterns.value(dtype, pattern);
      if (!(Math.abs(lo) <= dtype.maxValue())) {
        continue;
      }
      double next = Patterns.next(dtype, lo);
      double second = next < INF ? Patterns.next(dtype, next) : INF;
      double third = second < INF ? Patterns.next(dtype, second) : INF;
      for (double hi : new double[] {next, second, third, (lo + next) / 2, (next + second) / 2}) {
        if (hi <= dtype.maxValue() && hi > lo) {
          MemorySegment out =
              filled(backend(), Fill.uniform(lo, hi), KEY, dtype, Region.of(Shape.of(24)));
          for (int i = 0; i < 24; i++) {
            double x = Patterns.value(dtype, Patterns.get(out, dtype, i));
            if (!(lo <= x && x < hi)) {
              throw new AssertionError(x + " outside [" + lo + ", " + hi + ") in " + dtype);
            }
          }
          checked++;
        }
      }
    }
    assertThat(checked).isGreaterThan(300_000 - (dtype == DType.F16 ? 12_000 : 5_000) * 2);
  }

  /** ND4J: bf16 uniforms were zeros. */
  @Test
  void bfloat16UniformTakesItsValues() {
    Set<Double> seen = new HashSet<>();
    int zeros = 0;
    for (double x : values(Fill.uniform(0, 1), DType.BF16, Shape.of(1 << 18))) {
      seen.add(x);
      zeros += x == 0 ? 1 : 0;
    }
    assertThat(seen.size()).isGreaterThan(1000); // 128 in each binade that 2^18 words fill
    assertThat(zeros).isLessThan(10);
  }

  /** Normals of −∞ in half precision, where the logarithm met a zero. */
  @ParameterizedTest
  @EnumSource
  void normalsAreFinite(DType dtype) {
    for (double x : values(Fill.normal(0, 1), dtype, Shape.of(MANY))) {
      if (!(Math.abs(x) < Fill.MAX_NORMAL_F64)) {
        throw new AssertionError(dtype + " " + x);
      }
    }
  }

  /** TensorFlow-Java: VarianceScaling(UNIFORM) drew [0, L). */
  @Test
  void scaledUniformIsSymmetric() {
    Shape shape = Shape.of(300, 400);
    double limit = Math.sqrt(6.0 / 700);
    double[] x = values(Initializers.glorotUniform(), shape);
    double least = 0;
    double most = 0;
    for (double value : x) {
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    assertThat(least).isCloseTo(-limit, within(limit * 1e-3));
    assertThat(most).isCloseTo(limit, within(limit * 1e-3));
  }

  /** TensorFlow-Java: input channels counted twice in a convolution. */
  @Test
  void convolutionCountsItsChannelsOnce() {
    assertThat(Fans.of(Shape.of(3, 3, 64, 128), Layout.KERAS)).isEqualTo(new Fans(576, 1152));
    assertThat(Fans.of(Shape.of(128, 64, 3, 3), Layout.TORCH)).isEqualTo(new Fans(576, 1152));
    double[] x = values(Initializers.heNormal(), Shape.of(3, 3, 64, 128));
    assertThat(Moments.of(x).variance()).isCloseTo(2.0 / 576, within(0.03 * 2 / 576));
  }

  /** ND4J: the variance-scaling uniform with fan_in had three times the variance. */
  @Test
  void lecunUniformHasItsVariance() {
    double[] x = values(Initializers.lecunUniform(), Shape.of(400, 300));
    assertThat(Statistics.varianceError(x, 1.0 / 400, 1.8)).isLessThan(5);
    assertThat(Statistics.varianceError(x, 3.0 / 400, 1.8)).isGreaterThan(5);
  }

  /** ND4J: no normal beyond 4.8σ. Among 2²⁶ about 106 belong there. */
  @Test
  void normalsGoBeyondFourPointEight() {
    int beyond = 0;
    int count = 1 << 22;
    double largest = 0;
    for (int part = 0; part < 16; part++) {
      Region region = Region.of(Shape.of(1L << 40)).slice((long) part * count, (part + 1L) * count);
      MemorySegment out = filled(backend(), Fill.normal(0, 1), KEY, DType.F32, region);
      for (int i = 0; i < count; i++) {
        float z = Math.abs(out.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i));
        beyond += z > 4.8f ? 1 : 0;
        largest = Math.max(largest, z);
      }
    }
    assertThat(beyond).isBetween(106 - 52, 106 + 52);
    assertThat(largest).isBetween(5.2, Fill.MAX_NORMAL_F32);
  }

  /** DJL: Xavier's normal by default has three times Glorot's variance. */
  @Test
  void glorotNormalHasItsVariance() {
    for (Semantics semantics : Semantics.values()) {
      double[] x = values(Initializers.glorotNormal().withSemantics(semantics), Shape.of(500, 300));
      assertThat(Statistics.varianceError(x, 2.0 / 800, 3)).isLessThan(5);
      assertThat(Statistics.varianceError(x, 6.0 / 800, 3)).isGreaterThan(5);
    }
  }

  /** Flashlight: Kaiming without √2. */
  @Test
  void heHasItsRootOfTwo() {
    double[] x = values(Initializers.heUniform(), Shape.of(500, 300));
    assertThat(Statistics.varianceError(x, 2.0 / 500, 1.8)).isLessThan(5);
    assertThat(Statistics.varianceError(x, 1.0 / 500, 1.8)).isGreaterThan(5);
  }

  /** PyTorch: CUDA's numbers depend on the processors of the device, and differ from the CPU's. */
  @Test
  void everyBackendAndTeamDrawsTheSame() {
    Region region = Region.of(Shape.of(300_001));
    for (Fill fill :
        new Fill[] {
          Fill.uniform(-1, 1), Fill.normal(0, 1), Fill.truncatedNormalSigma(0, 1, -2, 2)
        }) {
      MemorySegment expected = filled(backend(), fill, KEY, DType.F32, region);
      for (BackendInfo info : Weft.backends()) {
        if (info.probe().available()) {
          try (Backend other = Weft.open(info.name())) {
            assertSame(
                filled(other, fill, KEY, DType.F32, region), expected, DType.F32, info.name());
          }
        }
      }
      for (int threads : new int[] {1, 3, 7}) {
        try (Backend other = open(threads)) {
          assertSame(filled(other, fill, KEY, DType.F32, region), expected, DType.F32, threads);
        }
      }
    }
  }

  /** DTensor: the numbers depend on the number of shards; elsewhere fans came from the shard. */
  @Test
  void shardsAreTheWholeWithTheFansOfTheWhole() {
    Shape shape = Shape.of(96, 50);
    Fill fill = Initializers.glorotNormal().plan(shape);
    MemorySegment whole = filled(backend(), fill, KEY, DType.F32, Region.of(shape));
    for (int shards : new int[] {2, 3, 4, 8}) {
      int rows = 96 / shards;
      for (int shard = 0; shard < shards; shard++) {
        Region region = Region.of(shape).rows((long) shard * rows, (shard + 1L) * rows);
        float[] mine = new float[rows * 50];
        try (var tensor = backend().wrap(mine, Shape.of(rows, 50))) {
          tensor.fill(Initializers.glorotNormal(), KEY, region);
        }
        assertSame(
            MemorySegment.ofArray(mine),
            slice(whole, DType.F32, (long) shard * rows * 50, (shard + 1L) * rows * 50),
            DType.F32,
            region);
      }
    }
  }

  /** Several: silent garbage past 2³¹ elements. */
  @Test
  void elementsPastTwoToTheThirtyFirstAreTheOracles() {
    Region logical = Region.of(Shape.of(1L << 20, 1L << 20));
    for (long first : new long[] {(1L << 31) - 40, (1L << 32) - 40, (1L << 33) - 40}) {
      for (DType dtype : DType.values()) {
        Case c = new Case("uniform", Fill.uniform(-1, 1), dtype, KEY);
        MemorySegment out = filled(c, logical.slice(first, first + 80));
        for (int i = 0; i < 80; i++) {
          assertThat(Patterns.get(out, dtype, i))
              .isEqualTo(Reference.pattern(c.fill(), KEY, dtype, logical.logical(), first + i));
        }
      }
    }
  }

  /** Rounding in f32 alone returns hi for the largest word; those words are searched for here. */
  @Test
  void theExtremeWordsStayInside() {
    int count = 1 << 22;
    int found = 0;
    for (int part = 0; part < 32; part++) {
      long start = (long) part * count;
      MemorySegment words =
          filled(
              backend(),
              Fill.bits(),
              KEY,
              DType.F32,
              Region.of(Shape.of(1L << 40)).slice(start, start + count));
      for (int i = 0; i < count; i++) {
        int k = words.get(ValueLayout.JAVA_INT_UNALIGNED, 4L * i) >>> 8;
        if (k == 0 || k == 0xFFFFFF) {
          extreme(start + i, k);
          found++;
        }
      }
    }
    assertThat(found).isBetween(4, 40); // 16 expected
  }

  private void extreme(long index, int k) {
    Region region = Region.of(Shape.of(1L << 40)).slice(index, index + 1);
    for (double[] interval :
        new double[][] {{0, 1}, {-1, 1}, {0.1, 0.3}, {1, 1.0000002}, {-0.05, 0.05}, {100, 101}}) {
      for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16}) {
        double lo = interval[0];
        double hi = interval[1];
        if (Patterns.ceil(dtype, lo) < hi) {
          Fill fill = Fill.uniform(lo, hi);
          double x = one(fill, dtype, region);
          assertThat(x).isGreaterThanOrEqualTo(lo).isLessThan(hi);
          assertThat(Patterns.of(dtype, x))
              .isEqualTo(Reference.pattern(fill, KEY, dtype, region.logical(), index));
          double edge = k == 0 ? Patterns.ceil(dtype, lo) : Patterns.below(dtype, hi);
          if (dtype != DType.F32) {
            assertThat(x).isEqualTo(edge);
          }
        }
      }
    }
    double z = one(Fill.normal(0, 1), DType.F32, region);
    assertThat(Math.abs(z)).isLessThan(Fill.MAX_NORMAL_F32);
    double cut = one(Fill.truncatedNormalSigma(0, 1, -2, 2), DType.F32, region);
    assertThat(cut).isBetween(-2.0, 2.0);
    assertThat(Math.abs(cut)).isGreaterThan(1.99999);
    double all = one(Fill.truncatedNormalSigma(0, 1, -INF, INF), DType.F32, region);
    assertThat(Math.abs(all)).isBetween(5.2, 6.5);
  }

  private double one(Fill fill, DType dtype, Region region) {
    return Patterns.value(
        dtype, Patterns.get(filled(backend(), fill, KEY, dtype, region), dtype, 0));
  }
}
