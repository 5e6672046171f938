package dev.weft.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.testkit.Patterns;
import dev.weft.testkit.Reference;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Fills whose elements have a place: constants, identity, dirac, sparse, custom. Grade bits. */
public abstract class StructuredContract extends BackendContract {

  @ParameterizedTest
  @EnumSource
  void constantsAreRoundedOnce(DType dtype) {
    for (double value :
        new double[] {
          0,
          -0.0,
          1,
          -1,
          1.0 / 3,
          0x1.01p0, // a tie in bf16
          0x1.03p0,
          0x1.002p0, // a tie in f16
          0x1.000001p0, // a tie in f32
          0x1.000001000000001p0,
          65_504,
          65_519.999,
          0x1p-24, // the least f16
          0x1p-25, // half of it: to even
          0x1.8p-25,
          0x1p-140,
          Double.POSITIVE_INFINITY,
          Double.NEGATIVE_INFINITY,
          Double.NaN
        }) {
      Case c = new Case("constant " + value, Fill.constant(value), dtype, KEY);
      for (int size : new int[] {0, 1, 3, 4, 5, 15, 16, 17, 63, 65, 1_003}) {
        assertReference(c, Region.of(Shape.of(size)));
      }
    }
  }

  @Test
  void aLongConstantIsConstant() {
    for (DType dtype : DType.values()) {
      Case c = new Case("constant", Fill.constant(-2.5), dtype, KEY);
      MemorySegment out = filled(c, Region.of(Shape.of(1_000_003)));
      for (int i = 0; i < 1_000_003; i++) {
        if (Patterns.value(dtype, Patterns.get(out, dtype, i)) != -2.5) {
          throw new AssertionError(c + " element " + i);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void identityIsOnTheDiagonal(DType dtype) {
    SplittableRandom random = new SplittableRandom(21);
    for (long[] dims :
        new long[][] {
          {1, 1}, {5, 5}, {3, 7}, {7, 3}, {1, 9}, {9, 1}, {0, 4}, {4, 0}, {0, 0}, {64, 65},
          {130, 64}
        }) {
      Case c = new Case("identity", Fill.identity(-1.1), dtype, KEY);
      assertParts(c, Shape.of(dims), random);
    }
    Case huge = new Case("identity", Fill.identity(2), dtype, KEY);
    Region logical = Region.of(Shape.of(1L << 31, 1L << 31));
    long diagonal = 1_234_567_890L * (1L << 31) + 1_234_567_890L;
    assertReference(huge, logical.slice(diagonal - 5, diagonal + 6));
    assertReference(
        huge, logical.box(new long[] {1_234_567_888, 1_234_567_880}, new long[] {5, 20}));
  }

  @ParameterizedTest
  @CsvSource({
    "keras,1,'3,4,4'",
    "keras,1,'4,6,3'",
    "keras,2,'5,3,6'",
    "keras,3,'2,3,5,6'",
    "keras,1,'3,3,7,5'",
    "keras,2,'1,2,3,2,4'",
    "keras,4,'3,1,8'",
    "keras,1,'0,4,4'",
    "keras,1,'3,0,4'",
    "keras,1,'3,4,0'",
    "torch,1,'4,4,3'",
    "torch,1,'6,4,3'",
    "torch,2,'6,3,5'",
    "torch,3,'6,2,3,5'",
    "torch,1,'5,7,3,3'",
    "torch,2,'4,2,1,2,3'",
    "torch,4,'8,1,3'",
    "torch,1,'4,4,0'",
    "torch,1,'0,4,3'",
    "torch,1,'4,0,3'"
  })
  void diracPassesTheCentreTap(String layout, int groups, String shape) {
    SplittableRandom random = new SplittableRandom(22);
    Fill fill = Fill.dirac(groups, Layout.parse(layout));
    for (DType dtype : DType.values()) {
      assertParts(new Case("dirac " + groups, fill, dtype, KEY), Shape.parse(shape), random);
    }
  }

  @Test
  void diracMeansTheInputComesOut() {
    // PyTorch's documentation: out channel g·(out/groups) + d is in channel d of its group
    MemorySegment out =
        filled(
            backend(), Fill.dirac(2, Layout.TORCH), KEY, DType.F32, Region.of(Shape.of(4, 2, 3)));
    double[] values = Patterns.values(out, DType.F32);
    for (int o = 0; o < 4; o++) {
      for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 3; k++) {
          assertThat(values[(o * 2 + i) * 3 + k]).isEqualTo(k == 1 && o % 2 == i ? 1 : 0);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0.9,100,17",
    "0.5,7,300",
    "0,6,6",
    "1,6,6",
    "0.1,1,40",
    "0.33,1000,3",
    "0.000001,64,64",
    "0.999,65,5",
    "0.25,2,2",
    "0.9,0,5",
    "0.9,5,0"
  })
  void sparseHasExactlyItsZeros(double sparsity, int rows, int columns) {
    long zeros = (long) Math.ceil(sparsity * rows);
    Region region = Region.of(Shape.of(rows, columns));
    for (DType dtype : DType.values()) {
      MemorySegment out = filled(backend(), Fill.sparse(sparsity, 0.01), KEY, dtype, region);
      MemorySegment normal = filled(backend(), Fill.normal(0, 0.01), KEY, dtype, region);
      for (int j = 0; j < columns; j++) {
        int found = 0;
        for (int i = 0; i < rows; i++) {
          long pattern = Patterns.get(out, dtype, (long) i * columns + j);
          if (pattern == 0) {
            found++;
          } else {
            assertThat(pattern).isEqualTo(Patterns.get(normal, dtype, (long) i * columns + j));
          }
        }
        assertThat(found).as("zeros of column %d", j).isEqualTo(zeros);
      }
    }
  }

  @Test
  void sparsePartsAreTheWhole() {
    SplittableRandom random = new SplittableRandom(23);
    for (DType dtype : DType.values()) {
      Case c = new Case("sparse", Fill.sparse(0.7, 1), dtype, KEY);
      Region logical = Region.of(Shape.of(123, 77));
      MemorySegment whole = filled(c, logical);
      assertSame(whole, filled(scalar(), c, logical), dtype, c);
      for (int trial = 0; trial < 30; trial++) {
        assertPart(c, whole, FillContract.randomBox(random, logical));
        long from = random.nextLong(123 * 77);
        assertPart(c, whole, logical.slice(from, from + random.nextLong(123 * 77 - from + 1)));
      }
    }
  }

  /**
   * Each row of 20 is zero in half of 2000 columns, each pair of rows in 9/38 of them: within 5
   * standard deviations, so that a uniform choice fails with probability below 210 · 6e-7.
   */
  @Test
  void sparseZerosAreSpreadEvenly() {
    int rows = 20;
    int columns = 2000;
    boolean[][] zero = sparseZeros(KEY, rows, columns);
    assertThat(evenness(zero)).isLessThan(5);

    boolean[][] stuck = sparseZeros(KEY, rows, columns);
    for (int j = 0; j < columns; j += 9) { // negative control: one column in nine repeats the first
      for (int i = 0; i < rows; i++) {
        stuck[i][j] = zero[i][0];
      }
    }
    assertThat(evenness(stuck)).isGreaterThan(5);
  }

  @Test
  void sparseZerosDependOnTheKeyAndTheColumn() {
    boolean[][] one = sparseZeros(KEY, 200, 50);
    boolean[][] other = sparseZeros(KEY.child("b"), 200, 50);
    Set<String> columns = new HashSet<>();
    for (int j = 0; j < 50; j++) {
      for (boolean[][] zero : List.of(one, other)) {
        StringBuilder column = new StringBuilder();
        for (int i = 0; i < 200; i++) {
          column.append(zero[i][j] ? '0' : '1');
        }
        columns.add(column.toString());
      }
    }
    assertThat(columns).hasSize(100);
  }

  private boolean[][] sparseZeros(RandomKey key, int rows, int columns) {
    Region region = Region.of(Shape.of(rows, columns));
    MemorySegment out = filled(backend(), Fill.sparse(0.5, 1), key, DType.F32, region);
    boolean[][] zero = new boolean[rows][columns];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        zero[i][j] = Patterns.get(out, DType.F32, (long) i * columns + j) == 0;
      }
    }
    return zero;
  }

  /** The largest distance of a count from its expectation, in standard deviations. */
  private static double evenness(boolean[][] zero) {
    int rows = zero.length;
    int columns = zero[0].length;
    double worst = 0;
    for (int a = 0; a < rows; a++) {
      for (int b = a; b < rows; b++) {
        int both = 0;
        for (int j = 0; j < columns; j++) {
          both += zero[a][j] && zero[b][j] ? 1 : 0;
        }
        double p = a == b ? 0.5 : (rows / 2 - 1) / (2.0 * (rows - 1));
        worst = Math.max(worst, Math.abs(both - columns * p) / Math.sqrt(columns * p * (1 - p)));
      }
    }
    return worst;
  }

  @Test
  void customSeesEveryIndexOnce() {
    List<Region> regions = new ArrayList<>();
    Region logical = Region.of(Shape.of(40, 50, 60));
    regions.add(logical);
    regions.add(logical.slice(777, 90_000));
    regions.add(logical.box(new long[] {3, 4, 5}, new long[] {30, 40, 50}));
    for (Region region : regions) {
      MemorySegment out =
          filled(backend(), Fill.custom((index, word) -> index), KEY, DType.F64, region);
      double[] values = Patterns.values(out, DType.F64);
      int at = 0;
      for (long run = 0; run < region.runCount(); run++) {
        for (long i = 0; i < region.runLength(); i++) {
          if (values[at++] != region.runStart(run) + i) {
            throw new AssertionError(region + " element " + at);
          }
        }
      }
      assertThat(at).isEqualTo(values.length);
    }
  }

  @Test
  void whatACustomFunctionThrowsComesOut() {
    IllegalStateException mine = new IllegalStateException("mine");
    Fill fill =
        Fill.custom(
            (index, word) -> {
              if (index == 400_000) {
                throw mine;
              }
              return 0;
            });
    for (int threads : new int[] {1, 2, 4}) {
      try (Backend other = open(threads)) {
        float[] out = new float[1_000_000];
        Tensor tensor = other.wrap(out, Shape.of(out.length));
        assertThatThrownBy(() -> tensor.fill(fill, KEY)).isSameAs(mine);
        tensor.fill(Fill.constant(3), KEY); // and the backend still works
        assertThat(out).containsOnly(3);
        tensor.close();
      }
    }
  }

  private void assertParts(Case c, Shape shape, SplittableRandom random) {
    Region logical = Region.of(shape);
    assertReference(c, logical);
    for (int trial = 0; trial < 12; trial++) {
      assertReference(c, FillContract.randomBox(random, logical));
      long from = random.nextLong(shape.elements() + 1);
      assertReference(c, logical.slice(from, from + random.nextLong(shape.elements() - from + 1)));
    }
  }

  /** Every element of a region against the oracle. */
  private void assertReference(Case c, Region region) {
    MemorySegment out = filled(c, region);
    long at = 0;
    for (long run = 0; run < region.runCount(); run++) {
      for (long i = 0; i < region.runLength(); i++, at++) {
        long index = region.runStart(run) + i;
        long expected = Reference.pattern(c.fill(), c.key(), c.dtype(), region.logical(), index);
        if (Patterns.get(out, c.dtype(), at) != expected) {
          throw new AssertionError(
              "%s %s element %d: %x for %x"
                  .formatted(c, region, index, Patterns.get(out, c.dtype(), at), expected));
        }
      }
    }
  }
}
