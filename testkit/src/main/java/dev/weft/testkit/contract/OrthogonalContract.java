package dev.weft.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.Accuracy;
import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.DType;
import dev.weft.MemoryLimitException;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.testkit.Patterns;
import dev.weft.testkit.Reference;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Orthogonal and delta-orthogonal fills: orthogonal within {@link Accuracy#ORTHOGONAL_F32}, the
 * matrix that the definition names, and the same bits for every region and number of threads.
 */
public abstract class OrthogonalContract extends BackendContract {
  static final String[] MATRICES = {
    "1,1", "1,7", "7,1", "2,2", "3,2", "2,3", "5,5", "16,16", "17,15", "15,17", "33,31", "64,64",
    "100,40", "40,100", "129,65", "200,200", "1,300", "300,1", "300,130", "70,257"
  };

  static String[] matrices() {
    return MATRICES;
  }

  @ParameterizedTest
  @MethodSource("matrices")
  void orthogonalIsTheReferences(String shape) {
    Shape logical = Shape.parse(shape);
    int rows = (int) logical.dim(0);
    int columns = (int) logical.dim(1);
    assertIsTheReferences(rows, columns, DType.F32);
    if (logical.elements() <= 300) { // the oracle's f64 normals take their time
      assertIsTheReferences(rows, columns, DType.F64);
    }
  }

  private void assertIsTheReferences(int rows, int columns, DType dtype) {
    double[][] a = normals(rows, columns, dtype);
    assertThat(distance(rows, columns, dtype, a))
        .as("%d x %d %s", rows, columns, dtype)
        .isLessThan(Accuracy.orthogonal(dtype, Reference.condition(a)));
  }

  /** Largest difference of an element from the oracle's Q, made from the oracle's normals. */
  private double distance(int rows, int columns, DType dtype, double[][] a) {
    double[][] q = Reference.orthogonal(a);
    Region region = Region.of(Shape.of(rows, columns));
    Fill fill = Fill.orthogonal(1, Layout.KERAS);
    double[] out = Patterns.values(filled(backend(), fill, KEY, dtype, region), dtype);
    double worst = 0;
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        double expected = rows < columns ? q[j][i] : q[i][j];
        worst = Math.max(worst, Math.abs(out[i * columns + j] - expected));
      }
    }
    return worst;
  }

  @Test
  void halvesAreTheF32MatrixRoundedOnce() {
    for (Fill fill :
        new Fill[] {Fill.orthogonal(1.5, Layout.KERAS), Fill.orthogonal(-1, Layout.TORCH)}) {
      Region region = Region.of(Shape.of(90, 70));
      double[] single = Patterns.values(filled(backend(), fill, KEY, DType.F32, region), DType.F32);
      for (DType dtype : new DType[] {DType.F16, DType.BF16}) {
        MemorySegment half = filled(backend(), fill, KEY, dtype, region);
        for (int i = 0; i < single.length; i++) {
          assertThat(Patterns.get(half, dtype, i)).isEqualTo(Patterns.of(dtype, single[i]));
        }
      }
    }
  }

  /** The tall matrix whose Q the definition asks for, of the oracle's own normals. */
  private static double[][] normals(int rows, int columns, DType dtype) {
    int tall = Math.max(rows, columns);
    int narrow = Math.min(rows, columns);
    double[][] a = new double[tall][narrow];
    for (int i = 0; i < tall; i++) {
      for (int j = 0; j < narrow; j++) {
        a[i][j] = Reference.value(Fill.normal(0, 1), KEY, dtype, (long) i * narrow + j);
      }
    }
    return a;
  }

  /** Whether the bits are those of the CPU's backends. */
  protected boolean hasTheCpusBits() {
    return true;
  }

  /** The scalar backend's bits, or elements of gain 1.5 as near to its own as stated. */
  private void assertIsTheCpus(MemorySegment whole, Case c, Region region, double[][] a) {
    MemorySegment expected = filled(scalar(), c, region);
    if (hasTheCpusBits()) {
      assertSame(expected, whole, c.dtype(), c);
      return;
    }
    double bound = 1.5 * 2 * Accuracy.orthogonal(c.dtype(), Reference.condition(a));
    double[] values = Patterns.values(whole, c.dtype());
    double[] scalars = Patterns.values(expected, c.dtype());
    for (int i = 0; i < values.length; i++) {
      assertThat(values[i]).as("%s element %d", c, i).isCloseTo(scalars[i], within(bound));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "keras,'1,1'", "keras,'1,9'", "keras,'9,1'", "keras,'150,150'", "keras,'64,300'",
    "keras,'300,64'", "keras,'3,3,16,32'", "keras,'3,3,2,64'", "torch,'1,9'", "torch,'9,1'",
    "torch,'64,300'", "torch,'32,16,3,3'", "torch,'200,2,3,3'", "keras,'4,5,6'", "torch,'4,5,6'"
  })
  void orthogonalIsOrthogonal(String layout, String text) {
    Shape shape = Shape.parse(text);
    Layout axes = Layout.parse(layout);
    for (DType dtype : DType.values()) {
      for (double gain : new double[] {1, -2.5}) {
        MemorySegment memory =
            MemorySegment.ofArray(new byte[(int) dtype.byteSize(shape.elements())]);
        memory.fill((byte) 0xFF);
        try (Tensor tensor = backend().wrap(memory, dtype, shape)) {
          tensor.fill(Fill.orthogonal(gain, axes), KEY);
          double[] values = Patterns.values(memory, dtype);
          double[][] q = matrix(values, shape, axes, gain);
          double error = Reference.orthogonalityError(q);
          double bound = orthogonalBound(dtype, q.length);
          assertThat(error).as("%s %s %s", layout, shape, dtype).isLessThan(bound);
          assertThat(tensor.orthogonalityError(axes, gain))
              .isCloseTo(error, within(1e-9 + 1e-6 * error));
        }
      }
    }
  }

  /** Rounding to a 16-bit type moves each product of columns by about √rows half-ulps at most. */
  private static double orthogonalBound(DType dtype, int rows) {
    return switch (dtype) {
      case F32, F64 -> Accuracy.ORTHOGONAL_F32;
      case F16 -> Accuracy.ORTHOGONAL_F32 + 8 * 0x1p-11;
      case BF16 -> Accuracy.ORTHOGONAL_F32 + 8 * 0x1p-8;
    };
  }

  /** The tall matrix of a tensor, divided by gain. */
  private static double[][] matrix(double[] values, Shape shape, Layout layout, double gain) {
    int columns = (int) (layout == Layout.KERAS ? shape.dim(-1) : shape.elements() / shape.dim(0));
    int rows = (int) (shape.elements() / columns);
    boolean wide = columns > rows;
    double[][] q = new double[Math.max(rows, columns)][Math.min(rows, columns)];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        double value = values[i * columns + j] / gain;
        if (wide) {
          q[j][i] = value;
        } else {
          q[i][j] = value;
        }
      }
    }
    return q;
  }

  @Test
  void orthogonalityErrorSeesAnError() {
    float[] mine = new float[64 * 64];
    try (Tensor tensor = backend().wrap(mine, Shape.of(64, 64))) {
      tensor.fill(Fill.orthogonal(2, Layout.KERAS), KEY);
      assertThat(tensor.orthogonalityError(Layout.KERAS, 2)).isLessThan(Accuracy.ORTHOGONAL_F32);
      assertThat(tensor.orthogonalityError(Layout.KERAS, 1)).isCloseTo(3, within(1e-4));
      mine[777] += 0.01f;
      assertThat(tensor.orthogonalityError(Layout.KERAS, 2)).isGreaterThan(1e-4);
      mine[777] = Float.NaN;
      assertThat(tensor.orthogonalityError(Layout.KERAS, 2)).isNaN();
    }
  }

  @Test
  void orthogonalOfOneIsASign() {
    Set<Double> seen = new HashSet<>();
    for (RandomKey key : KEY.split(40)) {
      MemorySegment out =
          filled(
              backend(),
              Fill.orthogonal(1, Layout.KERAS),
              key,
              DType.F32,
              Region.of(Shape.of(1, 1)));
      seen.add(Patterns.values(out, DType.F32)[0]);
    }
    assertThat(seen).containsExactlyInAnyOrder(1.0, -1.0);
  }

  @Test
  void orthogonalPartsAndThreadsAreTheWhole() {
    SplittableRandom random = new SplittableRandom(24);
    for (String text : new String[] {"50,70", "70,50", "64,64", "300,200"}) {
      for (Layout layout : Layout.values()) {
        Case c = new Case("orthogonal", Fill.orthogonal(1.5, layout), DType.F32, KEY);
        Region logical = Region.of(Shape.parse(text));
        MemorySegment whole = filled(c, logical);
        int rows = (int) logical.shape().dim(0);
        int columns = (int) logical.shape().dim(1);
        assertIsTheCpus(whole, c, logical, normals(rows, columns, DType.F32));
        for (int trial = 0; trial < 4; trial++) {
          assertPart(c, whole, FillContract.randomBox(random, logical));
        }
        long from = random.nextLong(1000);
        assertPart(c, whole, logical.slice(from, from + 1500));
        for (int threads : new int[] {1, 3}) {
          try (Backend other = open(threads)) {
            assertSame(filled(other, c, logical), whole, DType.F32, c + " threads " + threads);
          }
        }
      }
    }
  }

  /** Whether what an orthogonal fill works in is the backend's memory, which its limit counts. */
  protected boolean worksInItsOwnMemory() {
    return true;
  }

  @Test
  void aWholeTensorIsItsOwnWorkspaceAndOthersGiveTheirsBack() {
    Assumptions.assumeTrue(worksInItsOwnMemory(), "works in memory of another backend");
    try (Backend fresh = open(2)) {
      Fill fill = Fill.orthogonal(1, Layout.KERAS);
      filled(fresh, fill, KEY, DType.F32, Region.of(Shape.of(150, 90)));
      filled(fresh, fill, KEY, DType.F64, Region.of(Shape.of(90, 150)));
      assertThat(fresh.memory().peakBytes()).isZero();
      filled(fresh, fill, KEY, DType.BF16, Region.of(Shape.of(150, 90)));
      filled(fresh, fill, KEY, DType.F32, Region.of(Shape.of(150, 90)).rows(3, 7));
      assertThat(fresh.memory().peakBytes()).isEqualTo(150 * 90 * 4);
      assertThat(fresh.memory().allocatedBytes()).isZero();
    }
    BackendOptions little = BackendOptions.DEFAULT.withMemoryLimit(50_000);
    try (Backend fresh = open(little);
        Tensor tensor = fresh.wrap(new short[150 * 90], DType.F16, Shape.of(150, 90))) {
      assertThatThrownBy(() -> tensor.fill(Fill.orthogonal(1, Layout.KERAS), KEY))
          .isInstanceOf(MemoryLimitException.class)
          .hasMessageContaining("requestedBytes=54000, freeBytes=50000");
      assertThat(fresh.memory().allocatedBytes()).isZero();
    }
  }

  @Test
  void theKindOfMemoryAndTheThreadDoNotShow() {
    Shape shape = Shape.of(120, 70);
    for (DType dtype : DType.values()) {
      for (Layout layout : Layout.values()) {
        Fill fill = Fill.orthogonal(1, layout);
        MemorySegment expected = filled(backend(), fill, KEY, dtype, Region.of(shape));
        for (int shift : new int[] {0, 1, 4, 33}) {
          byte[] heap = new byte[(int) dtype.byteSize(shape.elements()) + shift];
          try (Arena arena = Arena.ofConfined()) {
            for (MemorySegment memory :
                new MemorySegment[] {
                  MemorySegment.ofArray(heap), arena.allocate(heap.length, 64)
                }) {
              MemorySegment out = memory.asSlice(shift);
              try (Tensor tensor = backend().wrap(out, dtype, shape)) {
                tensor.fill(fill, KEY);
              }
              assertSame(out, expected, dtype, fill + " + " + shift);
            }
          }
        }
      }
    }
  }

  @Test
  void theOrderAndTheKeyMatter() {
    Region region = Region.of(Shape.of(40, 40));
    Fill fill = Fill.orthogonal(1, Layout.KERAS);
    MemorySegment one = filled(backend(), fill, KEY, DType.F32, region);
    MemorySegment other = filled(backend(), fill, KEY.child("b"), DType.F32, region);
    assertThat(one.mismatch(other)).isBetween(0L, 16L);
  }

  /** A mean of zero and columns that point everywhere: no sign or axis is preferred. */
  @Test
  void signsAreEven() {
    int positive = 0;
    int n = 64;
    for (RandomKey key : KEY.split(20)) {
      MemorySegment out =
          filled(
              backend(),
              Fill.orthogonal(1, Layout.KERAS),
              key,
              DType.F32,
              Region.of(Shape.of(n, n)));
      for (double value : Patterns.values(out, DType.F32)) {
        positive += value > 0 ? 1 : 0;
      }
    }
    double count = 20.0 * n * n;
    assertThat(Math.abs(positive - count / 2)).isLessThan(5 * Math.sqrt(count) / 2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0,5", "5,0", "0,0", "2,0,3"})
  void orthogonalOfNothingWritesNothing(String shape) {
    for (Layout layout : Layout.values()) {
      Case c = new Case("orthogonal", Fill.orthogonal(1, layout), DType.F32, KEY);
      assertThat(filled(c, Region.of(Shape.parse(shape))).byteSize()).isZero();
    }
  }

  @Test
  void orthogonalWithGainZeroIsZero() {
    MemorySegment out =
        filled(
            backend(), Fill.orthogonal(0, Layout.KERAS), KEY, DType.F32, Region.of(Shape.of(9, 5)));
    for (double value : Patterns.values(out, DType.F32)) {
      assertThat(value + 0.0).isZero(); // of either sign
    }
  }

  @ParameterizedTest
  @CsvSource({
    "keras,'3,4,6'", "keras,'4,5,5'", "keras,'3,3,8,8'", "keras,'2,3,4,3,7'", "keras,'1,1,1'",
    "torch,'6,4,3'", "torch,'5,5,4'", "torch,'8,8,3,3'", "torch,'7,3,2,3,4'", "torch,'1,1,1'"
  })
  void deltaOrthogonalIsOneOrthogonalTap(String layout, String text) {
    Shape shape = Shape.parse(text);
    boolean torch = layout.equals("torch");
    int in = (int) (torch ? shape.dim(1) : shape.dim(-2));
    int out = (int) (torch ? shape.dim(0) : shape.dim(-1));
    long taps = shape.elements() / ((long) in * out);
    long centre = 0;
    for (int axis = torch ? 2 : 0; axis < shape.rank() - (torch ? 0 : 2); axis++) {
      centre = centre * shape.dim(axis) + (shape.dim(axis) - 1) / 2;
    }
    Fill fill = Fill.deltaOrthogonal(2, Layout.parse(layout));
    for (DType dtype : DType.values()) {
      Case c = new Case("delta_orthogonal", fill, dtype, KEY);
      MemorySegment whole = filled(c, Region.of(shape));
      double[] values = Patterns.values(whole, dtype);
      double[][] q = new double[out][in];
      for (int o = 0; o < out; o++) {
        for (int i = 0; i < in; i++) {
          for (long tap = 0; tap < taps; tap++) {
            long index = torch ? ((long) o * in + i) * taps + tap : (tap * in + i) * out + o;
            if (tap == centre) {
              q[o][i] = values[(int) index] / 2;
            } else {
              assertThat(Patterns.get(whole, dtype, index)).isZero();
            }
          }
        }
      }
      assertThat(Reference.orthogonalityError(q)).isLessThan(orthogonalBound(dtype, out));
      SplittableRandom random = new SplittableRandom(25);
      for (int trial = 0; trial < 5; trial++) {
        assertPart(c, whole, FillContract.randomBox(random, Region.of(shape)));
      }
    }
  }

  @Test
  void deltaOrthogonalIsTheOrthogonalMatrixOfItsChannels() {
    Region matrix = Region.of(Shape.of(4, 6));
    MemorySegment q = filled(backend(), Fill.orthogonal(1, Layout.KERAS), KEY, DType.F32, matrix);
    Fill fill = Fill.deltaOrthogonal(1, Layout.KERAS);
    MemorySegment conv = filled(backend(), fill, KEY, DType.F32, Region.of(Shape.of(1, 4, 6)));
    assertSame(conv, q, DType.F32, "one tap");
  }
}
