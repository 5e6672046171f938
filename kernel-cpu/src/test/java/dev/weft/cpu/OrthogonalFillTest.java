package dev.weft.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Accuracy;
import dev.weft.DType;
import dev.weft.MemoryLimitException;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.cpu.memory.HostMemory;
import dev.weft.cpu.parallel.Workers;
import dev.weft.cpu.scalar.ScalarFillKernels;
import dev.weft.init.Fill;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.spi.fill.StreamFill;
import dev.weft.testkit.Patterns;
import dev.weft.testkit.Reference;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class OrthogonalFillTest {
  private static final RandomKey KEY = RandomKey.of(20_260_301);
  private static final Workers ONE = new Workers(1, null);
  private static final Workers THREE = new Workers(3, null);
  private static final byte POISON = (byte) 0xA5;
  private static final int GUARD = 64;

  private final HostMemory memory = new HostMemory(0);

  @AfterAll
  static void close() {
    THREE.close();
  }

  /** The scalar normals under dense kernels of any width: the normals' bits are the same in all. */
  private OrthogonalFill engine(int vectorBits) {
    return new OrthogonalFill(new Normals(vectorBits), memory);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1",
    "1, 9",
    "9, 1",
    "3, 3",
    "40, 17",
    "17, 40",
    "97, 97",
    "600, 20",
    "20, 600",
    "120, 260"
  })
  void isTheQOfTheKeysNormals(int rows, int columns) {
    int m = Math.max(rows, columns);
    int n = Math.min(rows, columns);
    double[][] a = new double[m][n];
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        a[i][j] = (float) Reference.normal32(KEY, (long) i * n + j);
      }
    }
    double[][] q = Reference.orthogonal(a);
    double[] actual =
        fill(
            512, THREE, new Fill.Orthogonal(2.5, Layout.KERAS), DType.F32, Shape.of(rows, columns));
    boolean determined = m >= 2 * n || n == 1; // else Q depends on A's condition
    double[][] w = new double[m][n];
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        w[i][j] = actual[rows < columns ? j * columns + i : i * columns + j] / 2.5;
        if (determined) {
          assertThat(Math.abs(w[i][j] - q[i][j])).isLessThan(1e-5);
        }
      }
    }
    assertThat(Reference.orthogonalityError(w)).isLessThan(Accuracy.ORTHOGONAL_F32);
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void bitsDependOnTheFillAlone(DType dtype) {
    for (Shape shape :
        new Shape[] {Shape.of(150, 110), Shape.of(110, 150), Shape.of(3, 5, 4, 30)}) {
      for (Layout layout : Layout.values()) {
        Fill.Orthogonal fill = new Fill.Orthogonal(0.75, layout);
        double[] expected = fill(0, ONE, fill, dtype, shape);
        for (int bits : new int[] {128, 256, 512}) {
          assertThat(fill(bits, THREE, fill, dtype, shape)).isEqualTo(expected);
        }
        checkRegions(dtype, shape, fill, expected);
      }
    }
  }

  private void checkRegions(DType dtype, Shape shape, Fill fill, double[] expected) {
    Region whole = Region.of(shape);
    long half = shape.elements() / 2;
    assertThat(fill(512, THREE, fill, dtype, whole.slice(7, half)))
        .isEqualTo(Arrays.copyOfRange(expected, 7, (int) half));
    Region rows = whole.rows(1, 3);
    int from = (int) rows.runStart(0);
    assertThat(fill(256, ONE, fill, dtype, rows))
        .isEqualTo(Arrays.copyOfRange(expected, from, from + (int) rows.shape().elements()));
    assertThat(fill(512, THREE, fill, dtype, whole.slice(5, 5))).isEmpty();
    long[] start = new long[shape.rank()];
    long[] extent = shape.dims();
    Arrays.fill(start, 1);
    Arrays.setAll(extent, axis -> extent[axis] - 1);
    Region box = whole.box(start, extent);
    double[] part = fill(128, THREE, fill, dtype, box);
    int at = 0;
    for (long run = 0; run < box.runCount(); run++) {
      for (long i = 0; i < box.runLength(); i++) {
        assertThat(part[at++]).isEqualTo(expected[(int) (box.runStart(run) + i)]);
      }
    }
  }

  @Test
  void sixteenBitTypesAreTheF32MatrixRounded() {
    Fill fill = new Fill.Orthogonal(1.5, Layout.KERAS);
    double[] f32 = fill(512, ONE, fill, DType.F32, Shape.of(64, 48));
    for (DType dtype : new DType[] {DType.F16, DType.BF16}) {
      double[] expected = Arrays.stream(f32).map(dtype::nearest).toArray();
      assertThat(fill(512, ONE, fill, dtype, Shape.of(64, 48))).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void theLargestGainDoesNotOverflow(DType dtype) {
    Fill fill = new Fill.Orthogonal(dtype.maxValue(), Layout.KERAS);
    for (double value : fill(512, ONE, fill, dtype, Shape.of(6, 6))) {
      assertThat(Math.abs(value)).isLessThanOrEqualTo(dtype.maxValue());
    }
    double[] one = fill(512, ONE, fill, dtype, Shape.of(1, 1));
    assertThat(Math.abs(one[0])).isEqualTo(dtype.maxValue());
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void deltaOrthogonalIsZeroButAtTheCentre(DType dtype) {
    for (int[] s :
        new int[][] {{3, 4, 5, 7}, {4, 1, 6, 6}, {2, 2, 1, 3}, {5, 0, 0, 9}, {3, 0, 8, 20}}) {
      int in = s[2];
      int out = s[3];
      boolean two = s[1] > 0;
      Shape keras = two ? Shape.of(s[0], s[1], in, out) : Shape.of(s[0], in, out);
      Shape torch = two ? Shape.of(out, in, s[0], s[1]) : Shape.of(out, in, s[0]);
      int taps = s[0] * Math.max(1, s[1]);
      int centre = two ? (s[0] - 1) / 2 * s[1] + (s[1] - 1) / 2 : (s[0] - 1) / 2;
      double[] w = fill(512, ONE, new Fill.Orthogonal(2, Layout.KERAS), dtype, Shape.of(in, out));
      double[] inKeras = new double[taps * in * out];
      double[] inTorch = new double[taps * in * out];
      for (int i = 0; i < in; i++) {
        for (int o = 0; o < out; o++) {
          inKeras[(centre * in + i) * out + o] = w[i * out + o];
          inTorch[(o * in + i) * taps + centre] = w[i * out + o];
        }
      }
      Fill kerasFill = new Fill.DeltaOrthogonal(2, Layout.KERAS);
      Fill torchFill = new Fill.DeltaOrthogonal(2, Layout.TORCH);
      for (int bits : new int[] {0, 512}) {
        assertThat(fill(bits, THREE, kerasFill, dtype, keras)).isEqualTo(inKeras);
        assertThat(fill(bits, THREE, torchFill, dtype, torch)).isEqualTo(inTorch);
      }
      if (in * out > 8) {
        checkRegions(dtype, keras, kerasFill, inKeras);
        checkRegions(dtype, torch, torchFill, inTorch);
      }
    }
  }

  /** Haar measure: the trace of an orthogonal matrix has mean 0 and variance 1. */
  @Test
  void signsFavourNothing() {
    int n = 400;
    double trace = 0;
    double absolute = 0;
    RandomKey[] keys = KEY.split(n);
    for (RandomKey key : keys) {
      double[] q = new double[16];
      OrthogonalFill engine = engine(512);
      float[] data = new float[16];
      engine.fill(
          new Fill.Orthogonal(1, Layout.KERAS),
          key,
          DType.F32,
          Region.of(Shape.of(4, 4)),
          MemorySegment.ofArray(data),
          ONE);
      for (int i = 0; i < 16; i += 5) {
        q[i] = data[i];
        trace += q[i];
        absolute += Math.abs(q[i]);
      }
    }
    double sigma = Math.sqrt(n);
    assertThat(Math.abs(trace)).isLessThan(4.5 * sigma); // fails once in 150 000 seeds
    assertThat(absolute).as("without signs").isGreaterThan(4.5 * sigma);
  }

  @Test
  void emptyTensorsAreLeftAlone() {
    for (Shape shape :
        new Shape[] {Shape.of(0, 5), Shape.of(5, 0), Shape.of(0, 0), Shape.of(3, 0, 2)}) {
      for (Layout layout : Layout.values()) {
        assertThat(fill(512, THREE, new Fill.Orthogonal(1, layout), DType.F32, shape)).isEmpty();
      }
    }
    assertThat(engine(512).error(DType.F32, 0, 5, 1, MemorySegment.ofArray(new float[0]), ONE))
        .isZero();
  }

  @Test
  void aPartNeedsTheWholeMatrixWithinTheLimit() {
    OrthogonalFill engine = new OrthogonalFill(new Normals(512), new HostMemory(10_000));
    MemorySegment out = MemorySegment.ofArray(new float[100]);
    Region part = Region.of(Shape.of(100, 100)).slice(0, 100);
    assertThatThrownBy(
            () -> engine.fill(new Fill.Orthogonal(1, Layout.KERAS), KEY, DType.F32, part, out, ONE))
        .isInstanceOf(MemoryLimitException.class)
        .hasMessageContaining("requestedBytes=40000");
    assertThat(memory.info().allocatedBytes()).isZero();
  }

  private double[] fill(int bits, Workers workers, Fill fill, DType dtype, Shape shape) {
    return fill(bits, workers, fill, dtype, Region.of(shape));
  }

  /** Fills poisoned memory and checks what lies before and after it. */
  private double[] fill(int bits, Workers workers, Fill fill, DType dtype, Region region) {
    long bytes = dtype.byteSize(region.shape().elements());
    byte[] all = new byte[(int) bytes + 2 * GUARD];
    Arrays.fill(all, POISON);
    MemorySegment out = MemorySegment.ofArray(all).asSlice(GUARD, bytes);
    if (fill instanceof Fill.Orthogonal f) {
      engine(bits).fill(f, KEY, dtype, region, out, workers);
    } else {
      engine(bits).fill((Fill.DeltaOrthogonal) fill, KEY, dtype, region, out, workers);
    }
    for (int i = 0; i < GUARD; i++) {
      assertThat(all[i]).isEqualTo(POISON);
      assertThat(all[all.length - 1 - i]).isEqualTo(POISON);
    }
    assertThat(memory.info().allocatedBytes()).isZero();
    return Patterns.values(out, dtype);
  }

  /** The scalar fills, said to be of another width. */
  private record Normals(int vectorBits) implements FillKernels {
    private static final FillKernels SCALAR = new ScalarFillKernels();

    @Override
    public void stream(
        StreamFill fill, MemorySegment out, long byteOffset, long first, long count) {
      SCALAR.stream(fill, out, byteOffset, first, count);
    }

    @Override
    public void constant(
        long bits, int elementBytes, MemorySegment out, long byteOffset, long count) {
      SCALAR.constant(bits, elementBytes, out, byteOffset, count);
    }
  }
}
