package dev.weft.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Accuracy;
import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import dev.weft.random.StreamOrder;
import dev.weft.testkit.GoldenFills;
import dev.weft.testkit.KnownAnswers;
import dev.weft.testkit.Patterns;
import dev.weft.testkit.Reference;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Law 1: a random fill is a pure function of (key, fill, logical shape, element index).
 *
 * <p>Grade bits for everything against the scalar backend; against the oracle grade bits for bits,
 * uniform and custom, and {@link Accuracy}'s bounds for normal and truncated normal.
 */
public abstract class FillContract extends BackendContract {
  private static final List<DType> DTYPES = List.of(DType.values());
  private static final List<StreamOrder> ORDERS = List.of(StreamOrder.values());

  private static final List<String> RANDOM =
      List.of(
          "bits",
          "uniform",
          "uniform:minval=0,maxval=1",
          "uniform:minval=0.1,maxval=0.3",
          "uniform:minval=-0.3,maxval=-0.1",
          "uniform:minval=-1,maxval=0",
          "uniform:minval=-1e-36,maxval=2e-36", // 2⁻²⁴ of it is subnormal
          "uniform:minval=0,maxval=1e-44",
          "normal:stddev=1",
          "normal:mean=0.5,stddev=0.02",
          "truncated_normal:stddev=1",
          "truncated_normal:mean=0.1,stddev=0.02",
          "truncated_normal:stddev=1,lower=-1,upper=3",
          "truncated_normal:stddev=1,lower=0.5,upper=inf",
          "truncated_normal:stddev=1,lower=-inf,upper=inf",
          "truncated_normal:stddev=1,lower=3,upper=5",
          "truncated_normal:stddev=1,min=-8,max=-2.5",
          "truncated_normal:stddev=1,lower=20,upper=inf",
          "truncated_normal:stddev=1,min=-1e300,max=1e300",
          "truncated_normal:mean=5,stddev=0.5,min=0,max=5.0625",
          "truncated_normal:mean=-1,stddev=1,min=0.25,max=0.28125");

  /** Intervals of a few subnormals of each type: of −0.0, too. */
  private static final List<String> TINY =
      List.of(
          "uniform:minval=-4.9e-324,maxval=4.9e-324",
          "uniform:minval=-4.9e-324,maxval=1.5e-323",
          "uniform:minval=-1.4e-45,maxval=1.4e-45",
          "uniform:minval=-1e-45,maxval=4.2e-45",
          "uniform:minval=-5.96e-8,maxval=5.97e-8",
          "uniform:minval=-1e-7,maxval=2e-7",
          "uniform:minval=-9.2e-41,maxval=9.3e-41",
          "uniform:minval=-1e-40,maxval=3e-40");

  private static final List<String> FEW =
      List.of("bits", "uniform", "normal:stddev=1", "truncated_normal:stddev=1");

  /** An element-wise function that shows both of its arguments. */
  private static final Fill CUSTOM =
      Fill.custom((index, word) -> index % 1000 + (word >>> 8) * 0x1p-24);

  static List<Case> everyCase() {
    List<Case> cases = cases(RANDOM, DTYPES, ORDERS);
    cases.addAll(cases(TINY, DTYPES, ORDERS));
    for (DType dtype : DTYPES) {
      for (StreamOrder order : ORDERS) {
        cases.add(new Case("custom", CUSTOM, dtype, KEY.withOrder(order)));
      }
    }
    return cases;
  }

  static List<Case> fewCases() {
    List<Case> cases = cases(FEW, DTYPES, List.of(StreamOrder.CURAND));
    cases.add(new Case("custom", CUSTOM, DType.F32, KEY));
    return cases;
  }

  /** Where the counter carries: into z = 0 of the next subsequence, and beyond 2³² blocks. */
  static final long[] STARTS = {
    0,
    131_072 - 37,
    262_144 - 37,
    (1L << 34) - 21,
    (1L << 40) - 9,
    (1L << 61) + 3,
    (1L << 62) - 11, // beyond it the words of f64 pass 2⁶³
    Long.MAX_VALUE - 200
  };

  @ParameterizedTest
  @MethodSource("everyCase")
  void elementsAreTheReferences(Case c) {
    Region huge = Region.of(Shape.of(Long.MAX_VALUE));
    for (long start : STARTS) {
      int count = c.dtype() == DType.F64 && !Reference.isExact(c.fill()) ? 23 : 93;
      count = start == 0 ? 8 * count : count;
      MemorySegment out = filled(c, huge.slice(start, start + count));
      for (int i = 0; i < count; i++) {
        assertElement(c, start + i, Patterns.get(out, c.dtype(), i));
      }
    }
  }

  @Test
  void theComparisonSeesANeighboursValue() {
    for (String spec : RANDOM) {
      Case c = new Case(spec, fill(spec), DType.F32, KEY);
      MemorySegment out = filled(c, Region.of(Shape.of(64)));
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 63; i++) {
                  assertElement(c, i, Patterns.get(out, DType.F32, i + 1));
                }
              })
          .as(spec)
          .isInstanceOf(AssertionError.class);
    }
  }

  @ParameterizedTest
  @MethodSource("fewCases")
  void aMillionElementsAreTheScalarBackends(Case c) {
    for (long start : new long[] {0, (1L << 40) + 5}) {
      Region region = Region.of(Shape.of(1L << 50)).slice(start, start + 1_000_003);
      assertSame(filled(c, region), filled(scalar(), c, region), c.dtype(), c);
    }
  }

  @ParameterizedTest
  @MethodSource("everyCase")
  void everySizeAndStartIsAPartOfTheWhole(Case c) {
    Region logical = Region.of(Shape.of(90));
    MemorySegment whole = filled(c, logical);
    assertSame(whole, filled(scalar(), c, logical), c.dtype(), c);
    for (int size : new int[] {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65}) {
      for (int start = 0; start < 9; start++) {
        MemorySegment part = filled(c, logical.slice(start, start + size));
        assertSame(part, slice(whole, c.dtype(), start, start + size), c.dtype(), c);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("fewCases")
  void randomPartitionsAreTheWhole(Case c) {
    SplittableRandom random = new SplittableRandom(c.toString().hashCode());
    Shape shape = Shape.of(7, 263, 331); // three of CURAND's subsequences in f32
    Region logical = Region.of(shape);
    MemorySegment whole = filled(c, logical);
    long from = 0;
    while (from < shape.elements()) {
      long to = Math.min(shape.elements(), from + 1 + random.nextLong(120_000));
      MemorySegment part = filled(c, logical.slice(from, to));
      assertSame(part, slice(whole, c.dtype(), from, to), c.dtype(), c + " from " + from);
      from = to;
    }
  }

  @ParameterizedTest
  @MethodSource("fewCases")
  void randomBoxesAreTheWhole(Case c) {
    SplittableRandom random = new SplittableRandom(c.toString().hashCode());
    for (long[] dims : new long[][] {{37, 53, 29}, {1, 4, 1, 9, 3}, {300, 200}, {5000}}) {
      Region logical = Region.of(Shape.of(dims));
      MemorySegment whole = filled(c, logical);
      for (int trial = 0; trial < 20; trial++) {
        assertPart(c, whole, randomBox(random, logical));
      }
    }
  }

  static Region randomBox(SplittableRandom random, Region logical) {
    int rank = logical.logical().rank();
    long[] start = new long[rank];
    long[] extent = new long[rank];
    for (int axis = 0; axis < rank; axis++) {
      long dim = logical.logical().dim(axis);
      boolean whole = random.nextInt(3) == 0;
      start[axis] = whole ? 0 : random.nextLong(dim + 1);
      extent[axis] = whole ? dim : random.nextLong(dim - start[axis] + 1);
    }
    return logical.box(start, extent);
  }

  @Test
  void boxesOfAHugeTensorAreItsSlices() {
    Region logical = Region.of(Shape.of(1L << 30, 1L << 30));
    Region box = logical.box(new long[] {(1L << 29) + 1, 12_345}, new long[] {3, 1001});
    for (Case c : fewCases()) {
      MemorySegment part = filled(c, box);
      for (int run = 0; run < 3; run++) {
        long first = ((1L << 29) + 1 + run) * (1L << 30) + 12_345;
        assertSame(
            slice(part, c.dtype(), run * 1001, (run + 1) * 1001),
            filled(c, logical.slice(first, first + 1001)),
            c.dtype(),
            c);
      }
    }
  }

  @Test
  void theNumberOfThreadsDoesNotShow() {
    Region region = Region.of(Shape.of(1_000_003));
    List<MemorySegment> expected = new ArrayList<>();
    for (Case c : fewCases()) {
      expected.add(filled(c, region));
    }
    for (int threads : new int[] {1, 3, 5, 16}) {
      try (Backend other = open(threads)) {
        List<Case> cases = fewCases();
        for (int i = 0; i < cases.size(); i++) {
          Case c = cases.get(i);
          assertSame(
              filled(other, c, region), expected.get(i), c.dtype(), c + " threads " + threads);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("fewCases")
  void theKindOfMemoryDoesNotShow(Case c) {
    Shape shape = Shape.of(31, 1001);
    DType dtype = c.dtype();
    MemorySegment expected = filled(c, Region.of(shape));
    for (int shift : new int[] {0, 1, 2, 3, 4, 7, 8, 12, 33}) {
      byte[] heap = new byte[Math.toIntExact(dtype.byteSize(shape.elements())) + shift];
      MemorySegment memory = MemorySegment.ofArray(heap).asSlice(shift);
      assertSame(written(c, memory, shape), expected, dtype, c + " byte[] + " + shift);
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment own = arena.allocate(memory.byteSize() + shift, 64).asSlice(shift);
        assertSame(written(c, own, shape), expected, dtype, c + " native + " + shift);
      }
    }
    Object array =
        switch (dtype) {
          case F32 -> new float[(int) shape.elements()];
          case F64 -> new double[(int) shape.elements()];
          case F16, BF16 -> new short[(int) shape.elements()];
        };
    MemorySegment view;
    try (Tensor tensor =
        switch (array) {
          case float[] a -> backend().wrap(a, shape);
          case double[] a -> backend().wrap(a, shape);
          default -> backend().wrap((short[]) array, dtype, shape);
        }) {
      tensor.fill(c.fill(), c.key());
      view = tensor.segment();
      assertSame(view, expected, dtype, c + " array");
    }
    try (Tensor tensor = backend().tensor(dtype, shape)) {
      tensor.fill(c.fill(), c.key());
      MemorySegment copy = MemorySegment.ofArray(new byte[(int) tensor.byteSize()]);
      tensor.copyTo(copy);
      assertSame(copy, expected, dtype, c + " own memory");
    }
  }

  private MemorySegment written(Case c, MemorySegment memory, Shape shape) {
    try (Tensor tensor = backend().wrap(memory, c.dtype(), shape)) {
      tensor.fill(c.fill(), c.key());
    }
    return memory;
  }

  @Test
  void filledTwiceIsTheSameAndAnotherKeyIsNot() {
    Region region = Region.of(Shape.of(1000));
    for (Case c : fewCases()) {
      MemorySegment once = filled(c, region);
      assertSame(filled(c, region), once, c.dtype(), c);
      for (RandomKey other :
          new RandomKey[] {
            RandomKey.of(c.key().seed() + 1),
            RandomKey.of(c.key().seed() ^ 1L << 63),
            c.key().child("a"),
            c.key().split(1)[0]
          }) {
        MemorySegment changed = filled(backend(), c.fill(), other, c.dtype(), region);
        assertThat(changed.mismatch(once)).as("%s %s", c, other).isBetween(0L, 32L);
      }
    }
  }

  @Test
  void theShapeDoesNotChangeAnElement() {
    for (Case c : fewCases()) {
      assertSame(
          filled(c, Region.of(Shape.of(20, 3, 50))),
          filled(c, Region.of(Shape.of(1L << 40)).slice(0, 3000)),
          c.dtype(),
          c);
    }
  }

  @Test
  void wordsAndNormalsAreCurands() {
    double worst = 0;
    for (KnownAnswers.Curand row : KnownAnswers.curand()) {
      Region region = Region.of(Shape.of(1L << 62)).slice(row.offset(), row.offset() + 8);
      MemorySegment words = filled(backend(), Fill.bits(), row.key(), DType.F32, region);
      MemorySegment normals = filled(backend(), Fill.normal(0, 1), row.key(), DType.F32, region);
      for (int i = 0; i < 8; i++) {
        assertThat((int) Patterns.get(words, DType.F32, i)).isEqualTo(row.words()[i]);
        double z = Patterns.value(DType.F32, Patterns.get(normals, DType.F32, i));
        worst = Math.max(worst, Math.abs(z - row.normals()[i]));
      }
    }
    assertThat(worst).isLessThan(Accuracy.NORMAL_CURAND);
  }

  /** A negative value that becomes zero is −0.0; only an interval around 0 has such values. */
  @Test
  void uniformsOfAFewSubnormalsHoldNegativeZeros() {
    double[][] least = {{0x1p-1074, 0}, {0x1p-149, 1}, {0x1p-24, 2}, {0x1p-133, 3}};
    DType[] types = {DType.F64, DType.F32, DType.F16, DType.BF16};
    for (double[] each : least) {
      DType dtype = types[(int) each[1]];
      double unit = each[0];
      long around = negativeZeros(-unit, 2 * unit, dtype);
      assertThat(around).as("%s around 0", dtype).isBetween(100L, 250L); // a sixth of 1000
      assertThat(negativeZeros(0, 2 * unit, dtype)).as("%s from 0", dtype).isZero();
      assertThat(negativeZeros(-0.0, 2 * unit, dtype)).as("%s from −0.0", dtype).isZero();
      assertThat(negativeZeros(-3 * unit, 0, dtype)).as("%s below 0", dtype).isZero();
    }
  }

  private long negativeZeros(double lo, double hi, DType dtype) {
    MemorySegment out =
        filled(backend(), Fill.uniform(lo, hi), KEY, dtype, Region.of(Shape.of(1000)));
    long found = 0;
    for (int i = 0; i < 1000; i++) {
      long pattern = Patterns.get(out, dtype, i);
      double value = Patterns.value(dtype, pattern);
      assertThat(value).isGreaterThanOrEqualTo(lo == 0 ? 0 : lo).isLessThan(hi);
      found += Patterns.of(dtype, -0.0) == pattern ? 1 : 0;
    }
    return found;
  }

  static List<GoldenFills.Line> golden() {
    return GoldenFills.lines();
  }

  /** The stream is public for ever: these never change. */
  @ParameterizedTest
  @MethodSource("golden")
  void fillsAreTheGoldenOnes(GoldenFills.Line line) {
    Region region = Region.of(line.shape()).slice(line.first(), line.first() + line.count());
    MemorySegment out = filled(backend(), fill(line.spec()), line.key(), line.dtype(), region);
    assertThat(GoldenFills.sha256(out)).isEqualTo(line.sha256());
  }

  /** One element against the oracle, by the grade of its fill. */
  static void assertElement(Case c, long index, long pattern) {
    DType dtype = c.dtype();
    if (Reference.isExact(c.fill())) {
      long expected = Reference.pattern(c.fill(), c.key(), dtype, Shape.of(1L << 62), index);
      if (pattern != expected) {
        throw new AssertionError("%s element %d: %x for %x".formatted(c, index, pattern, expected));
      }
      return;
    }
    double ideal = Reference.value(c.fill(), c.key(), dtype, index);
    double actual = Patterns.value(dtype, pattern);
    double bound = bound(c.fill(), dtype, ideal);
    if (!(Math.abs(actual - ideal) <= bound)) {
      throw new AssertionError(
          "%s element %d: %s for %s, off by %s of %s"
              .formatted(c, index, actual, ideal, Math.abs(actual - ideal), bound));
    }
    if (c.fill() instanceof Fill.TruncatedNormal f && !(actual >= f.min() && actual <= f.max())) {
      throw new AssertionError(
          "%s element %d: %s outside [%s, %s]".formatted(c, index, actual, f.min(), f.max()));
    }
  }

  /** Largest distance to the ideal value: the error of z times stddev, and the roundings after. */
  static double bound(Fill fill, DType dtype, double ideal) {
    double mean = fill instanceof Fill.Normal f ? f.mean() : ((Fill.TruncatedNormal) fill).mean();
    double stddev =
        fill instanceof Fill.Normal f ? f.stddev() : ((Fill.TruncatedNormal) fill).stddev();
    DType computed = dtype == DType.F64 ? DType.F64 : DType.F32;
    double z = Math.max(Accuracy.NORMAL_SMALL, Math.abs(ideal - mean) / stddev);
    double error = Accuracy.NORMAL_ULPS * Patterns.ulp(computed, z);
    if (z == Accuracy.NORMAL_SMALL && dtype != DType.F64) {
      error = Accuracy.NORMAL_ABSOLUTE;
    }
    double rounding = stddev == 1 && mean == 0 ? 0 : Patterns.ulp(computed, ideal);
    if (dtype != computed) {
      rounding += 0.5 * Patterns.ulp(dtype, ideal);
    }
    return error * stddev + rounding;
  }
}
