package dev.weft.cpu.scalar;

import dev.weft.DType;
import dev.weft.cpu.dense.DenseKernels;
import dev.weft.cpu.dense.Gemm;
import dev.weft.cpu.dense.Matrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** {@link DenseKernels} of F64 without vectors. */
public final class DenseF64Scalar implements DenseKernels<double[]> {
  private static final ValueLayout.OfDouble F64 = ValueLayout.JAVA_DOUBLE_UNALIGNED;
  private static final int MR = 4;
  private static final int NR = 4;

  @Override
  public DType dtype() {
    return DType.F64;
  }

  @Override
  public int vectorBits() {
    return 0;
  }

  @Override
  public int mr() {
    return MR;
  }

  @Override
  public int nr() {
    return NR;
  }

  @Override
  public boolean prefersArrays() {
    return true;
  }

  @Override
  public double[] array(int length) {
    return new double[length];
  }

  @Override
  public MemorySegment segment(double[] array) {
    return MemorySegment.ofArray(array);
  }

  @Override
  public double get(double[] array, int i) {
    return array[i];
  }

  @Override
  public void set(double[] array, int i, double value) {
    array[i] = value;
  }

  @Override
  public void pack(
      MemorySegment x,
      long origin,
      long rowStride,
      long columnStride,
      int rows,
      int columns,
      int width,
      double[] out,
      int at,
      int ld) {
    int row = 0;
    do {
      int count = Math.min(width, rows - row);
      packPanel(x, origin + row * rowStride, rowStride, columnStride, count, columns, out, at, ld);
      pad(count, width, columns, out, at, ld);
      row += width;
      at += columns * ld;
    } while (row < rows);
  }

  /** A panel, row by row in blocks of 16 columns. */
  public static void packPanel(
      MemorySegment x,
      long origin,
      long rowStride,
      long columnStride,
      int rows,
      int columns,
      double[] out,
      int at,
      int ld) {
    long columnBytes = columnStride * Double.BYTES;
    for (int k = 0; k < columns; k += 16) {
      int count = Math.min(16, columns - k);
      for (int r = 0; r < rows; r++) {
        long from = (origin + r * rowStride + k * columnStride) * Double.BYTES;
        int to = at + k * ld + r;
        for (int i = 0; i < count; i++) {
          out[to + i * ld] = x.get(F64, from + i * columnBytes);
        }
      }
    }
  }

  /** Zeros in the rows {@code rows … width − 1} of a panel. */
  public static void pad(int rows, int width, int columns, double[] out, int at, int ld) {
    if (rows < width) {
      for (int k = 0; k < columns; k++) {
        Arrays.fill(out, at + k * ld + rows, at + k * ld + width, 0);
      }
    }
  }

  @Override
  public void copyRows(
      MemorySegment x, long origin, long rowStride, int rows, int columns, double[] out, int at) {
    copyEach(x, origin, rowStride, rows, columns, out, at);
  }

  /** {@link #copyRows}, row by row. */
  public static void copyEach(
      MemorySegment x, long origin, long rowStride, int rows, int columns, double[] out, int at) {
    for (int r = 0; r < rows; r++) {
      long from = (origin + r * rowStride) * Double.BYTES;
      MemorySegment.copy(x, F64, from, out, at + r * ROW, columns);
    }
  }

  /**
   * {@code out[at + k·ld + r] = x[origin + r·rowStride + k]} for {@code r < rows}, {@code first <=
   * k < columns}.
   */
  public static void packElements(
      MemorySegment x,
      long origin,
      long rowStride,
      int rows,
      int first,
      int columns,
      MemorySegment out,
      long at,
      int ld) {
    for (int k = first; k < columns; k++) {
      for (int r = 0; r < rows; r++) {
        double element = x.get(F64, (origin + r * rowStride + k) * Double.BYTES);
        out.set(F64, (at + (long) k * ld + r) * Double.BYTES, element);
      }
    }
  }

  @Override
  public void unpack(double[] in, int at, int ld, Matrix x) {
    unpackPanel(in, at, ld, x);
  }

  /** {@link #unpack}; by rows in blocks of 16 columns where rows are contiguous. */
  public static void unpackPanel(double[] in, int at, int ld, Matrix x) {
    int rows = (int) x.rows();
    int columns = (int) x.columns();
    MemorySegment out = x.segment();
    if (x.rowStride() == 1) {
      for (int k = 0; k < columns; k++) {
        MemorySegment.copy(in, at + k * ld, out, F64, x.at(0, k) * Double.BYTES, rows);
      }
      return;
    }
    for (int k = 0; k < columns; k += 16) {
      int count = Math.min(16, columns - k);
      for (int r = 0; r < rows; r++) {
        long to = x.at(r, k) * Double.BYTES;
        int from = at + k * ld + r;
        for (int i = 0; i < count; i++) {
          out.set(F64, to + (long) i * Double.BYTES, in[from + i * ld]);
        }
      }
    }
  }

  @Override
  public void micro(
      int rows, int kc, double[] a, int aAt, int aRow, double[] b, int bAt, double[] tile) {
    double c00 = 0;
    double c01 = 0;
    double c02 = 0;
    double c03 = 0;
    double c10 = 0;
    double c11 = 0;
    double c12 = 0;
    double c13 = 0;
    double c20 = 0;
    double c21 = 0;
    double c22 = 0;
    double c23 = 0;
    double c30 = 0;
    double c31 = 0;
    double c32 = 0;
    double c33 = 0;
    int aColumn = aRow == 1 ? MR : 1;
    for (int k = 0; k < kc; k++) {
      int ak = aAt + k * aColumn;
      int bk = bAt + k * NR;
      double b0 = b[bk];
      double b1 = b[bk + 1];
      double b2 = b[bk + 2];
      double b3 = b[bk + 3];
      double a0 = a[ak];
      c00 = Math.fma(a0, b0, c00);
      c01 = Math.fma(a0, b1, c01);
      c02 = Math.fma(a0, b2, c02);
      c03 = Math.fma(a0, b3, c03);
      double a1 = a[ak + aRow];
      c10 = Math.fma(a1, b0, c10);
      c11 = Math.fma(a1, b1, c11);
      c12 = Math.fma(a1, b2, c12);
      c13 = Math.fma(a1, b3, c13);
      double a2 = a[ak + 2 * aRow];
      c20 = Math.fma(a2, b0, c20);
      c21 = Math.fma(a2, b1, c21);
      c22 = Math.fma(a2, b2, c22);
      c23 = Math.fma(a2, b3, c23);
      double a3 = a[ak + 3 * aRow];
      c30 = Math.fma(a3, b0, c30);
      c31 = Math.fma(a3, b1, c31);
      c32 = Math.fma(a3, b2, c32);
      c33 = Math.fma(a3, b3, c33);
    }
    tile[0] = c00;
    tile[1] = c01;
    tile[2] = c02;
    tile[3] = c03;
    tile[4] = c10;
    tile[5] = c11;
    tile[6] = c12;
    tile[7] = c13;
    tile[8] = c20;
    tile[9] = c21;
    tile[10] = c22;
    tile[11] = c23;
    tile[12] = c30;
    tile[13] = c31;
    tile[14] = c32;
    tile[15] = c33;
  }

  @Override
  public void accumulate(
      int kc,
      double[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      long ldb,
      double[] sums,
      int to,
      int columns) {
    addPart(kc, a, aAt, aStep, b, bAt, ldb, sums, to, columns);
  }

  @Override
  public void outerRow(
      double[] a,
      int aAt,
      MemorySegment b,
      long bAt,
      double alpha,
      Gemm.Update update,
      MemorySegment c,
      long cAt,
      int columns) {
    outerElements(a[aAt], b, bAt, alpha, update, c, cAt, columns);
  }

  /** {@link #outerRow}. */
  public static void outerElements(
      double a,
      MemorySegment b,
      long bAt,
      double alpha,
      Gemm.Update update,
      MemorySegment c,
      long cAt,
      int columns) {
    for (int j = 0; j < columns; j++) {
      double term = Math.fma(a, b.get(F64, (bAt + j) * Double.BYTES), 0);
      long at = (cAt + j) * Double.BYTES;
      c.set(
          F64,
          at,
          update == Gemm.Update.ADD ? Math.fma(alpha, term, c.get(F64, at)) : alpha * term);
    }
  }

  @Override
  public void row(
      int kc,
      double[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      double[] tile,
      double alpha,
      Gemm.Update update,
      MemorySegment c,
      long cAt,
      int columns) {
    for (int j = 0; j < columns; j += NR) {
      int count = Math.min(NR, columns - j);
      rowPart(kc, a, aAt, aStep, b, bAt + (long) j * kc, NR, tile, 0, count);
      writeElements(tile, 0, count, alpha, update, c, cAt + j);
    }
  }

  /** The sums of {@link #row} for as many columns as a tile holds. */
  public static void rowPart(
      int kc,
      double[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      long ldb,
      double[] tile,
      int to,
      int columns) {
    Arrays.fill(tile, to, to + columns, 0);
    addPart(kc, a, aAt, aStep, b, bAt, ldb, tile, to, columns);
  }

  /** The sums of {@link #accumulate} from element {@code to} of an array on. */
  public static void addPart(
      int kc,
      double[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      long ldb,
      double[] sums,
      int to,
      int columns) {
    for (int k = 0; k < kc; k++) {
      double ak = a[aAt + k * aStep];
      long from = (bAt + k * ldb) * Double.BYTES;
      for (int j = 0; j < columns; j++) {
        sums[to + j] = Math.fma(ak, b.get(F64, from + (long) j * Double.BYTES), sums[to + j]);
      }
    }
  }

  @Override
  public void write(
      double[] tile,
      int rows,
      int columns,
      double alpha,
      Gemm.Update update,
      MemorySegment c,
      long at,
      long ldc) {
    for (int i = 0; i < rows; i++) {
      writeElements(tile, i * NR, columns, alpha, update, c, at + i * ldc);
    }
  }

  @Override
  public void writeRow(
      double[] sums,
      int from,
      int columns,
      double alpha,
      Gemm.Update update,
      MemorySegment c,
      long cAt) {
    writeElements(sums, from, columns, alpha, update, c, cAt);
  }

  /** A part of a row, element by element. */
  public static void writeElements(
      double[] tile,
      int from,
      int columns,
      double alpha,
      Gemm.Update update,
      MemorySegment c,
      long at) {
    for (int j = 0; j < columns; j++) {
      long to = (at + j) * Double.BYTES;
      double product = tile[from + j];
      c.set(
          F64,
          to,
          update == Gemm.Update.ADD ? Math.fma(alpha, product, c.get(F64, to)) : alpha * product);
    }
  }

  @Override
  public void gather(
      double[] tile,
      int rows,
      int columns,
      boolean add,
      MemorySegment c,
      long at,
      long ldc,
      double[] bias,
      int biasAt) {
    for (int i = 0; i < rows; i++) {
      gatherRow(tile, i * NR, columns, add, c, at + i * ldc, bias, biasAt);
    }
  }

  /** One row of a tile, element by element. */
  public static void gatherRow(
      double[] tile,
      int from,
      int columns,
      boolean add,
      MemorySegment c,
      long at,
      double[] bias,
      int biasAt) {
    for (int j = 0; j < columns; j++) {
      double sum = tile[from + j];
      sum = add ? sum + c.get(F64, (at + j) * Double.BYTES) : sum;
      tile[from + j] = bias == null ? sum : sum + bias[biasAt + j];
    }
  }

  @Override
  public void dot4(
      double[] p, int v, int c, int ld, int count, double[] lanes, double[] out, int outAt) {
    for (int q = 0; q < 4; q++) {
      int x = c + q * ld;
      Arrays.fill(lanes, 0, LANES, 0);
      for (int i = 0; i < count; i += LANES) {
        for (int lane = 0; lane < LANES; lane++) {
          lanes[lane] = Math.fma(p[v + i + lane], p[x + i + lane], lanes[lane]);
        }
      }
      out[outAt + q] = sum(lanes, 0);
    }
  }

  /** The tree over the lanes {@code s[at] … s[at + 15]}, which it overwrites. */
  public static double sum(double[] s, int at) {
    for (int half = LANES / 2; half > 0; half /= 2) {
      for (int l = at; l < at + half; l++) {
        s[l] += s[l + half];
      }
    }
    return s[at];
  }

  @Override
  public void axpy4(double[] p, int v, int c, int ld, int count, double[] w, int wAt) {
    for (int q = 0; q < 4; q++) {
      double factor = -w[wAt + q];
      int to = c + q * ld;
      for (int i = 0; i < count; i++) {
        p[to + i] = Math.fma(factor, p[v + i], p[to + i]);
      }
    }
  }

  @Override
  public void divide(double[] p, int at, int count, double divisor) {
    double d = divisor;
    for (int i = at; i < at + count; i++) {
      p[i] /= d;
    }
  }

  @Override
  public void scale(MemorySegment x, long at, long count, double factor) {
    scaleEach(x, at, count, factor);
  }

  /** {@link #scale}, element by element. */
  public static void scaleEach(MemorySegment x, long at, long count, double factor) {
    for (long i = at * Double.BYTES; i < (at + count) * Double.BYTES; i += Double.BYTES) {
      x.set(F64, i, Math.clamp(factor * x.get(F64, i), -Double.MAX_VALUE, Double.MAX_VALUE));
    }
  }
}
