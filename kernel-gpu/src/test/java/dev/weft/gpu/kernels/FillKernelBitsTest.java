package dev.weft.gpu.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.random.StreamOrder;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The CUDA kernels of fills, compiled for the host, against the scalar backend: grade bits, for
 * every grid, region, alignment of the output and key, in poisoned memory between guard bands.
 */
@Timeout(600)
class FillKernelBitsTest {
  private static final long KEY = 0xFEDCBA9876543210L;
  private static final int GUARD = 64;
  private static final byte POISON = (byte) 0xFF;

  /** Grids and blocks: one thread, less than a warp, odd sizes, more threads than there is work. */
  private static final int[][] GRIDS = {{1, 1}, {1, 2}, {1, 7}, {3, 5}, {2, 32}, {5, 64}, {9, 256}};

  private static final List<Fill> RANDOM =
      List.of(
          Fill.bits(),
          Fill.uniform(-0.3, 0.7),
          Fill.normal(0.5, 0.02),
          Fill.truncatedNormalSigma(0, 1, -2, 2),
          Fill.truncatedNormalSigma(0.1, 3, -1, 3));

  private static final Arena ARENA = Arena.ofShared();
  private static final Set<FillKernel> LAUNCHED = EnumSet.noneOf(FillKernel.class);

  private static Backend scalar;
  private static FillLaunch launches;
  private static FillLaunch ofWords;

  @BeforeAll
  static void open() {
    HostShim.shared();
    scalar = Weft.open("scalar", BackendOptions.DEFAULT.withThreads(2));
    launches = new FillLaunch(ARENA, null);
    ofWords = new FillLaunch(ARENA, new HostWords());
  }

  @AfterAll
  static void close() {
    if (scalar != null) {
      scalar.close();
      assertThat(LAUNCHED).containsExactlyInAnyOrder(FillKernel.values());
    }
    ARENA.close();
  }

  /** A fill with everything that its elements depend on but their index. */
  record Case(Fill fill, DType dtype, RandomKey key) {}

  static List<Case> everyKind() {
    List<Case> cases = new ArrayList<>();
    for (Fill fill : RANDOM) {
      for (DType dtype : DType.values()) {
        for (StreamOrder order : StreamOrder.values()) {
          cases.add(new Case(fill, dtype, new RandomKey(KEY, order)));
        }
      }
    }
    return cases;
  }

  /** Ends of 2³¹ and 2³² elements, blocks and words, and far beyond. */
  private static final long[] STARTS = {
    0, 262_144 - 40, (1L << 31) - 40, (1L << 33) - 40, (1L << 34) - 40, (1L << 40) - 40, 1L << 61
  };

  @ParameterizedTest
  @MethodSource("everyKind")
  void everySliceAtEveryAlignment(Case c) {
    int[][] grids = {{1, 1}, {1, 3}, {2, 32}};
    int alignments = 16 / c.dtype.byteSize();
    Region logical = Region.of(Shape.of(Long.MAX_VALUE));
    for (long start : STARTS) {
      MemorySegment expected = expected(c, logical.slice(start, start + 80));
      for (int first = 0; first < 9; first++) {
        for (int count = 0; count < 20; count++) {
          int[] grid = grids[(first + count) % grids.length];
          int shift = (int) ((start + 3 * first + count) % alignments);
          assertSlice(c, logical, start, first, count, shift, grid, expected);
        }
        for (int shift = 0; shift < alignments; shift++) {
          assertSlice(c, logical, start, first, 70 - first, shift, grids[1], expected);
        }
      }
    }
  }

  static List<Case> inColumns() {
    List<Fill> fills = new ArrayList<>(RANDOM);
    fills.add(Fill.uniform(-1, 1));
    fills.add(Fill.uniform(0, 1));
    fills.add(Fill.uniform(-1, 0x1p-20));
    fills.add(Fill.truncatedNormalSigma(0, 1, 0, 2));
    List<Case> cases = new ArrayList<>();
    for (Fill fill : fills) {
      for (DType dtype : DType.values()) {
        cases.add(new Case(fill, dtype, new RandomKey(KEY, StreamOrder.CURAND)));
      }
    }
    return cases;
  }

  /**
   * Grids whose threads stay in columns of 2¹⁶ blocks: from there, from an odd element on, and
   * across the block 2⁴⁸, where they do not.
   */
  @ParameterizedTest
  @MethodSource("inColumns")
  void threadsThatStayInAColumn(Case c) {
    int size = c.dtype.byteSize();
    long count = (2 * 65_536 + 777) * 16L / size + 5;
    long farBlock = (1L << 48) * Math.min(4, 16 / size); // in elements
    Region logical = Region.of(Shape.of(Long.MAX_VALUE));
    int[][] grids = {{FillKernel.COLUMN_BLOCKS, FillKernel.MAX_THREADS}, {128, 256}, {512, 128}};
    long[] starts = {0, 5, farBlock - count / 3};
    for (int i = 0; i < starts.length; i++) {
      Region region = logical.slice(starts[i], starts[i] + count);
      int shift = i == 1 ? 5 * size % 16 / size : 0; // whole groups are aligned
      assertSame(filled(c, region, shift, grids[i]), expected(c, region), c, region);
    }
  }

  private static void assertSlice(
      Case c,
      Region logical,
      long start,
      int first,
      int count,
      int shift,
      int[] grid,
      MemorySegment expected) {
    long from = start + first;
    MemorySegment actual = filled(c, logical.slice(from, from + count), shift, grid);
    int bytes = c.dtype.byteSize();
    assertSame(actual, expected.asSlice((long) first * bytes, (long) count * bytes), c, from);
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void theGridDoesNotShow(Case c) {
    Region region = Region.of(Shape.of(1L << 50)).slice((1L << 35) + 3, (1L << 35) + 5_000);
    MemorySegment expected = expected(c, region);
    for (int[] grid : GRIDS) {
      assertSame(filled(c, region, 0, grid), expected, c, grid[0] + " × " + grid[1]);
    }
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void boxesOfEveryRank(Case c) {
    SplittableRandom random = new SplittableRandom(c.hashCode() ^ c.dtype.ordinal());
    long[][] shapes = {
      {40, 33},
      {1L << 33, 40},
      {1L << 20, 1L << 20},
      {9, 10, 11},
      {1L << 31, 5, 37},
      {7, 1L << 33, 12},
      {5, 6, 7, 8},
      {1L << 30, 3, 1, 1L << 20},
      {3, 1, 4, 1, 5, 2, 6},
      {2, 3, 3, 3, 3, 3, 3, 3, 2}
    };
    for (long[] dims : shapes) {
      for (int trial = 0; trial < 6; trial++) {
        long[] start = new long[dims.length];
        long[] extent = new long[dims.length];
        for (int axis = 0; axis < dims.length; axis++) {
          extent[axis] = 1 + random.nextLong(Math.min(dims[axis], trial < 3 ? 4 : 11));
          start[axis] = random.nextLong(dims[axis] - extent[axis] + 1);
        }
        Region box = Region.of(Shape.of(dims)).box(start, extent);
        if (box.shape().elements() > 3_000) {
          continue;
        }
        int[] grid = GRIDS[random.nextInt(GRIDS.length)];
        int shift = random.nextInt(16 / c.dtype.byteSize());
        assertSame(filled(c, box, shift, grid), expected(c, box), c, box);
      }
    }
  }

  /** Twelve axes of which none merges: 4096 runs. */
  @Test
  void boxesOfManyAxes() {
    int rank = 13;
    long[] dims = new long[rank];
    long[] extent = new long[rank];
    java.util.Arrays.fill(dims, 3);
    java.util.Arrays.fill(extent, 2);
    Region box = Region.of(Shape.of(dims)).box(new long[rank], extent);
    assertThat(box.runCount()).isEqualTo(4096);
    for (DType dtype : DType.values()) {
      Case c = new Case(Fill.normal(0, 1), dtype, RandomKey.of(KEY));
      assertSame(filled(c, box, 0, new int[] {3, 32}), expected(c, box), c, box);
    }
  }

  @ParameterizedTest
  @EnumSource
  void everyKey(DType dtype) {
    Region region = Region.of(Shape.of(1_000));
    SplittableRandom random = new SplittableRandom(5);
    List<Long> seeds = new ArrayList<>(List.of(0L, -1L, Long.MIN_VALUE, 0xFFFFFFFFL, 1L << 32));
    random.longs(5).forEach(seeds::add);
    for (Fill fill : RANDOM) {
      for (long seed : seeds) {
        Case c = new Case(fill, dtype, new RandomKey(seed, StreamOrder.CURAND));
        assertSame(filled(c, region, 0, GRIDS[4]), expected(c, region), c, seed);
      }
    }
  }

  /** Where bounds are touched, units are subnormal, or roundings tie. */
  @ParameterizedTest
  @CsvSource({
    "0, 1",
    "-1, 0",
    "0.1, 0.3",
    "-0.3, -0.1",
    "-1e-36, 2e-36",
    "0, 1e-44",
    "-1e-45, 3e-45",
    "-4.9e-324, 1.5e-323",
    "-5.96e-8, 1.2e-7",
    "-9.2e-41, 3e-40",
    "-1e-7, 65000",
    "-0.0, 6e-8",
    "1, 1.01",
    "-60000, -59000"
  })
  void uniformsAtTheirEnds(double lo, double hi) {
    for (DType dtype : DType.values()) {
      Fill fill = Fill.uniform(lo, hi);
      assertMany(fill, dtype, 20_000);
    }
  }

  @ParameterizedTest
  @CsvSource({"0, 1", "0, 1e-44", "1e-30, 1e-38", "0, 0", "-0.0, 0", "9000, 8000", "0, 1e-7"})
  void normalsOfEverySize(double mean, double stddev) {
    for (DType dtype : DType.values()) {
      assertMany(Fill.normal(mean, stddev), dtype, 20_000);
    }
  }

  /** As far out as the type goes: what makes it right that normals are not clamped. */
  @ParameterizedTest
  @EnumSource
  void normalsUpToTheLargestValue(DType dtype) {
    double most = dtype.maxValue();
    double maxZ = dtype == DType.F64 ? Fill.MAX_NORMAL_F64 : Fill.MAX_NORMAL_F32;
    assertMany(Fill.normal(0, most / maxZ * (1 - 0x1p-50)), dtype, 100_000);
    assertMany(Fill.normal(most, 0), dtype, 1_000);
    assertMany(Fill.normal(-most * (1 - 0x1p-40), most * 0x1p-44), dtype, 20_000);
    assertMany(Fill.normal(most * (1 - 0x1p-20), most * 0x1p-23), dtype, 20_000);
  }

  @ParameterizedTest
  @CsvSource({
    "-1, 1",
    "-3, 1",
    "-6, 3",
    "0, 1",
    "0, Infinity",
    "-Infinity, 0",
    "1, Infinity",
    "-Infinity, -1",
    "-Infinity, Infinity",
    "-100, 100",
    "0.3, 0.4",
    "1.9, 2.1",
    "2, 2.01",
    "5, 6",
    "-8, -7",
    "20, 21",
    "36, 40",
    "-40, -36",
    "-2.1, 2.1",
    "-1e-5, 1e-5"
  })
  void truncatedNormalsOfEveryBounds(double lower, double upper) {
    for (DType dtype : DType.values()) {
      assertMany(Fill.truncatedNormalSigma(0, 1, lower, upper), dtype, 8_000);
      assertMany(Fill.truncatedNormalSigma(-0.7, 0.02, lower, upper), dtype, 2_000);
    }
  }

  private static void assertMany(Fill fill, DType dtype, int count) {
    try {
      fill.check(Shape.of(1), dtype);
    } catch (IllegalArgumentException e) {
      return; // the bounds hold no value of this type
    }
    Region region = Region.of(Shape.of(count));
    Case c = new Case(fill, dtype, RandomKey.of(KEY));
    assertSame(filled(c, region, 0, GRIDS[3]), expected(c, region), c, region);
  }

  @ParameterizedTest
  @EnumSource
  void constantsOfEverySizeAtEveryAlignment(DType dtype) {
    Case c = new Case(Fill.constant(-1.0 / 3), dtype, RandomKey.of(0));
    for (int count = 0; count < 40; count++) {
      Region region = Region.of(Shape.of(count));
      for (int shift = 0; shift < 16 / dtype.byteSize(); shift++) {
        for (int[] grid : GRIDS) {
          assertSame(filled(c, region, shift, grid), expected(c, region), c, count);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void structuredFillsOfEveryRegion(DType dtype) {
    SplittableRandom random = new SplittableRandom(9);
    List<Fill> fills =
        List.of(
            Fill.identity(-1.25),
            Fill.sparse(0.4, 1),
            Fill.dirac(2, Layout.TORCH),
            Fill.dirac(3, Layout.KERAS),
            Fill.dirac(1, Layout.TORCH),
            Fill.dirac(1, Layout.KERAS));
    for (Fill fill : fills) {
      Case c = new Case(fill, dtype, RandomKey.of(KEY));
      boolean matrix = fill instanceof Fill.Identity || fill instanceof Fill.Sparse;
      for (int trial = 0; trial < 30; trial++) {
        int rank = matrix ? 2 : 3 + trial % 3;
        long[] dims = new long[rank];
        for (int axis = 0; axis < rank; axis++) {
          dims[axis] = 1 + random.nextInt(matrix ? 60 : 7);
        }
        dims[0] = matrix ? dims[0] : 6;
        dims[rank - 1] = matrix ? dims[rank - 1] : 6;
        Region logical = Region.of(Shape.of(dims));
        assertRegion(c, logical, random);
        long from = random.nextLong(logical.shape().elements());
        long to = from + 1 + random.nextLong(logical.shape().elements() - from);
        assertRegion(c, logical.slice(from, to), random);
        long[] start = new long[rank];
        long[] extent = new long[rank];
        for (int axis = 0; axis < rank; axis++) {
          extent[axis] = 1 + random.nextLong(dims[axis]);
          start[axis] = random.nextLong(dims[axis] - extent[axis] + 1);
        }
        assertRegion(c, logical.box(start, extent), random);
      }
    }
    long far = 1_234_567_890L;
    for (Fill fill : List.of(Fill.identity(2), Fill.sparse(0.5, 1))) {
      Region huge = Region.of(Shape.of(1L << 31, 1L << 31));
      Case c = new Case(fill, dtype, RandomKey.of(KEY));
      assertRegion(c, huge.box(new long[] {far, far - 9}, new long[] {9, 30}), random);
      long diagonal = far * (1L << 31) + far;
      assertRegion(c, huge.slice(diagonal - 5, diagonal + 6), random);
    }
  }

  private static void assertRegion(Case c, Region region, SplittableRandom random) {
    int[] grid = GRIDS[random.nextInt(GRIDS.length)];
    int shift = random.nextInt(16 / c.dtype.byteSize());
    assertSame(filled(c, region, shift, grid), expected(c, region), c, region);
  }

  /** Negative control: one bit of the seed, of a bound's last place or of the position shows. */
  @Test
  void theComparisonSeesAWrongSeedScaleAndPosition() {
    Region region = Region.of(Shape.of(500)).slice(1, 400);
    for (DType dtype : DType.values()) {
      for (long bit = 0; bit < 64; bit += 21) {
        Case right = new Case(Fill.normal(0, 1), dtype, RandomKey.of(KEY));
        Case wrong = new Case(Fill.normal(0, 1), dtype, RandomKey.of(KEY ^ 1L << bit));
        assertDiffers(filled(wrong, region, 0, GRIDS[2]), expected(right, region));
      }
      Case right = new Case(Fill.uniform(0, 1), dtype, RandomKey.of(KEY));
      Case wrong = new Case(Fill.uniform(0, 1.02), dtype, RandomKey.of(KEY));
      assertDiffers(filled(wrong, region, 0, GRIDS[2]), expected(right, region));
      Region other = Region.of(Shape.of(500)).slice(2, 401);
      assertDiffers(filled(right, other, 0, GRIDS[2]), expected(right, region));
    }
  }

  private static void assertDiffers(MemorySegment actual, MemorySegment expected) {
    assertThatThrownBy(() -> assertSame(actual, expected, null, "negative control"))
        .isInstanceOf(AssertionError.class);
  }

  /** The stand-in for the GPU's conversion, over every exponent and every tie. */
  @Test
  void theShimRoundsToF16AsJavaDoes() {
    for (long bits = 0; bits < 1L << 32; bits += 797) {
      assertHalf((int) bits);
    }
    for (int upper = 0; upper < 1 << 20; upper++) { // ties, and both sides of them
      for (int lower : new int[] {0, 1, 0x7FF, 0x800, 0x801, 0xFFF}) {
        assertHalf(upper << 12 | lower);
      }
    }
  }

  private static void assertHalf(int bits) {
    float value = Float.intBitsToFloat(bits);
    if (!Float.isNaN(value) && HostShim.shared().half(value) != Float.floatToFloat16(value)) {
      throw new AssertionError("f16 of " + value);
    }
  }

  /**
   * The region by the kernels that compute words and again by those that read them, {@code shift}
   * elements after an aligned address.
   */
  private static MemorySegment filled(Case c, Region region, int shift, int[] grid) {
    MemorySegment computed = filled(launches, c, region, shift, grid);
    assertSame(filled(ofWords, c, region, shift, grid), computed, c, "words, " + region);
    return computed;
  }

  private static MemorySegment filled(FillLaunch by, Case c, Region region, int shift, int[] grid) {
    int bytes = c.dtype.byteSize();
    long before = GUARD + (long) shift * bytes;
    long size = c.dtype.byteSize(region.shape().elements());
    MemorySegment memory = Arena.ofAuto().allocate(before + size + GUARD, 64).fill(POISON);
    by.fill(
        c.fill,
        c.key,
        c.dtype,
        region,
        memory.address() + before,
        (kernel, items, arguments) -> {
          LAUNCHED.add(kernel);
          HostShim.shared().launch(kernel, grid[0], grid[1], arguments);
        });
    for (long i = 0; i < memory.byteSize(); i++) {
      boolean outside = i < before || i >= before + size;
      if (outside && memory.get(ValueLayout.JAVA_BYTE, i) != POISON) {
        throw new AssertionError(c + " " + region + " wrote outside, at byte " + (i - before));
      }
    }
    return memory.asSlice(before, size);
  }

  /** The region by the scalar backend. */
  private static MemorySegment expected(Case c, Region region) {
    long size = c.dtype.byteSize(region.shape().elements());
    MemorySegment out = MemorySegment.ofArray(new byte[(int) size]).fill((byte) ~POISON);
    try (Tensor tensor = scalar.wrap(out, c.dtype, region.shape())) {
      tensor.fill(c.fill, c.key, region);
    }
    return out;
  }

  private static void assertSame(
      MemorySegment actual, MemorySegment expected, Case c, Object what) {
    long at = actual.mismatch(expected);
    if (at >= 0) {
      throw new AssertionError(c + " " + what + ": byte " + at + " of " + expected.byteSize());
    }
  }
}
