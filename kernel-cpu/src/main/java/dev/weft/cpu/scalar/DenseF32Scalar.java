package dev.weft.cpu.scalar;

import dev.weft.DType;
import dev.weft.cpu.dense.DenseKernels;
import dev.weft.cpu.dense.Gemm;
import dev.weft.cpu.dense.Matrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** {@link DenseKernels} of F32 without vectors. */
public final class DenseF32Scalar implements DenseKernels<float[]> {
  private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final int MR = 4;
  private static final int NR = 4;

  @Override
  public DType dtype() {
    return DType.F32;
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
  public float[] array(int length) {
    return new float[length];
  }

  @Override
  public MemorySegment segment(float[] array) {
    return MemorySegment.ofArray(array);
  }

  @Override
  public double get(float[] array, int i) {
    return array[i];
  }

  @Override
  public void set(float[] array, int i, double value) {
    array[i] = (float) value;
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
      float[] out,
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
      float[] out,
      int at,
      int ld) {
    long columnBytes = columnStride * Float.BYTES;
    for (int k = 0; k < columns; k += 16) {
      int count = Math.min(16, columns - k);
      for (int r = 0; r < rows; r++) {
        long from = (origin + r * rowStride + k * columnStride) * Float.BYTES;
        int to = at + k * ld + r;
        for (int i = 0; i < count; i++) {
          out[to + i * ld] = x.get(F32, from + i * columnBytes);
        }
      }
    }
  }

  /** Zeros in the rows {@code rows … width − 1} of a panel. */
  public static void pad(int rows, int width, int columns, float[] out, int at, int ld) {
    if (rows < width) {
      for (int k = 0; k < columns; k++) {
        Arrays.fill(out, at + k * ld + rows, at + k * ld + width, 0);
      }
    }
  }

  @Override
  public void copyRows(
      MemorySegment x, long origin, long rowStride, int rows, int columns, float[] out, int at) {
    copyEach(x, origin, rowStride, rows, columns, out, at);
  }

  /** {@link #copyRows}, row by row. */
  public static void copyEach(
      MemorySegment x, long origin, long rowStride, int rows, int columns, float[] out, int at) {
    for (int r = 0; r < rows; r++) {
      long from = (origin + r * rowStride) * Float.BYTES;
      MemorySegment.copy(x, F32, from, out, at + r * ROW, columns);
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
        float element = x.get(F32, (origin + r * rowStride + k) * Float.BYTES);
        out.set(F32, (at + (long) k * ld + r) * Float.BYTES, element);
      }
    }
  }

  @Override
  public void unpack(float[] in, int at, int ld, Matrix x) {
    unpackPanel(in, at, ld, x);
  }

  /** {@link #unpack}; by rows in blocks of 16 columns where rows are contiguous. */
  public static void unpackPanel(float[] in, int at, int ld, Matrix x) {
    int rows = (int) x.rows();
    int columns = (int) x.columns();
    MemorySegment out = x.segment();
    if (x.rowStride() == 1) {
      for (int k = 0; k < columns; k++) {
        MemorySegment.copy(in, at + k * ld, out, F32, x.at(0, k) * Float.BYTES, rows);
      }
      return;
    }
    for (int k = 0; k < columns; k += 16) {
      int count = Math.min(16, columns - k);
      for (int r = 0; r < rows; r++) {
        long to = x.at(r, k) * Float.BYTES;
        int from = at + k * ld + r;
        for (int i = 0; i < count; i++) {
          out.set(F32, to + (long) i * Float.BYTES, in[from + i * ld]);
        }
      }
    }
  }

  @Override
  public void micro(
      int rows, int kc, float[] a, int aAt, int aRow, float[] b, int bAt, float[] tile) {
    float c00 = 0;
    float c01 = 0;
    float c02 = 0;
    float c03 = 0;
    float c10 = 0;
    float c11 = 0;
    float c12 = 0;
    float c13 = 0;
    float c20 = 0;
    float c21 = 0;
    float c22 = 0;
    float c23 = 0;
    float c30 = 0;
    float c31 = 0;
    float c32 = 0;
    float c33 = 0;
    int aColumn = aRow == 1 ? MR : 1;
    for (int k = 0; k < kc; k++) {
      int ak = aAt + k * aColumn;
      int bk = bAt + k * NR;
      float b0 = b[bk];
      float b1 = b[bk + 1];
      float b2 = b[bk + 2];
      float b3 = b[bk + 3];
      float a0 = a[ak];
      c00 = Math.fma(a0, b0, c00);
      c01 = Math.fma(a0, b1, c01);
      c02 = Math.fma(a0, b2, c02);
      c03 = Math.fma(a0, b3, c03);
      float a1 = a[ak + aRow];
      c10 = Math.fma(a1, b0, c10);
      c11 = Math.fma(a1, b1, c11);
      c12 = Math.fma(a1, b2, c12);
      c13 = Math.fma(a1, b3, c13);
      float a2 = a[ak + 2 * aRow];
      c20 = Math.fma(a2, b0, c20);
      c21 = Math.fma(a2, b1, c21);
      c22 = Math.fma(a2, b2, c22);
      c23 = Math.fma(a2, b3, c23);
      float a3 = a[ak + 3 * aRow];
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
      float[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      long ldb,
      float[] sums,
      int to,
      int columns) {
    addPart(kc, a, aAt, aStep, b, bAt, ldb, sums, to, columns);
  }

  @Override
  public void writeRow(
      float[] sums,
      int from,
      int columns,
      double alpha,
      Gemm.Update update,
      MemorySegment c,
      long cAt) {
    writeElements(sums, from, columns, (float) alpha, update, c, cAt);
  }

  @Override
  public void outerRow(
      float[] a,
      int aAt,
      MemorySegment b,
      long bAt,
      double alpha,
      Gemm.Update update,
      MemorySegment c,
      long cAt,
      int columns) {
    outerElements(a[aAt], b, bAt, (float) alpha, update, c, cAt, columns);
  }

  /** {@link #outerRow}. */
  public static void outerElements(
      float a,
      MemorySegment b,
      long bAt,
      float alpha,
      Gemm.Update update,
      MemorySegment c,
      long cAt,
      int columns) {
    for (int j = 0; j < columns; j++) {
      float term = Math.fma(a, b.get(F32, (bAt + j) * Float.BYTES), 0);
      long at = (cAt + j) * Float.BYTES;
      c.set(
          F32,
          at,
          update == Gemm.Update.ADD ? Math.fma(alpha, term, c.get(F32, at)) : alpha * term);
    }
  }

  @Override
  public void row(
      int kc,
      float[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      float[] tile,
      double alpha,
      Gemm.Update update,
      MemorySegment c,
      long cAt,
      int columns) {
    for (int j = 0; j < columns; j += NR) {
      int count = Math.min(NR, columns - j);
      rowPart(kc, a, aAt, aStep, b, bAt + (long) j * kc, NR, tile, 0, count);
      writeElements(tile, 0, count, (float) alpha, update, c, cAt + j);
    }
  }

  /** The sums of {@link #row} for as many columns as a tile holds. */
  public static void rowPart(
      int kc,
      float[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      long ldb,
      float[] tile,
      int to,
      int columns) {
    Arrays.fill(tile, to, to + columns, 0);
    addPart(kc, a, aAt, aStep, b, bAt, ldb, tile, to, columns);
  }

  /** The sums of {@link #accumulate} from element {@code to} of an array on. */
  public static void addPart(
      int kc,
      float[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      long ldb,
      float[] sums,
      int to,
      int columns) {
    for (int k = 0; k < kc; k++) {
      float ak = a[aAt + k * aStep];
      long from = (bAt + k * ldb) * Float.BYTES;
      for (int j = 0; j < columns; j++) {
        sums[to + j] = Math.fma(ak, b.get(F32, from + (long) j * Float.BYTES), sums[to + j]);
      }
    }
  }

  @Override
  public void write(
      float[] tile,
      int rows,
      int columns,
      double alpha,
      Gemm.Update update,
      MemorySegment c,
      long at,
      long ldc) {
    for (int i = 0; i < rows; i++) {
      writeElements(tile, i * NR, columns, (float) alpha, update, c, at + i * ldc);
    }
  }

  /** A part of a row, element by element. */
  public static void writeElements(
      float[] tile,
      int from,
      int columns,
      float alpha,
      Gemm.Update update,
      MemorySegment c,
      long at) {
    for (int j = 0; j < columns; j++) {
      long to = (at + j) * Float.BYTES;
      float product = tile[from + j];
      c.set(
          F32,
          to,
          update == Gemm.Update.ADD ? Math.fma(alpha, product, c.get(F32, to)) : alpha * product);
    }
  }

  @Override
  public void gather(
      float[] tile,
      int rows,
      int columns,
      boolean add,
      MemorySegment c,
      long at,
      long ldc,
      float[] bias,
      int biasAt) {
    for (int i = 0; i < rows; i++) {
      gatherRow(tile, i * NR, columns, add, c, at + i * ldc, bias, biasAt);
    }
  }

  /** One row of a tile, element by element. */
  public static void gatherRow(
      float[] tile,
      int from,
      int columns,
      boolean add,
      MemorySegment c,
      long at,
      float[] bias,
      int biasAt) {
    for (int j = 0; j < columns; j++) {
      float sum = tile[from + j];
      sum = add ? sum + c.get(F32, (at + j) * Float.BYTES) : sum;
      tile[from + j] = bias == null ? sum : sum + bias[biasAt + j];
    }
  }

  @Override
  public void dot4(
      float[] p, int v, int c, int ld, int count, float[] lanes, float[] out, int outAt) {
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
  public static float sum(float[] s, int at) {
    for (int half = LANES / 2; half > 0; half /= 2) {
      for (int l = at; l < at + half; l++) {
        s[l] += s[l + half];
      }
    }
    return s[at];
  }

  @Override
  public void axpy4(float[] p, int v, int c, int ld, int count, float[] w, int wAt) {
    for (int q = 0; q < 4; q++) {
      float factor = -w[wAt + q];
      int to = c + q * ld;
      for (int i = 0; i < count; i++) {
        p[to + i] = Math.fma(factor, p[v + i], p[to + i]);
      }
    }
  }

  @Override
  public void divide(float[] p, int at, int count, double divisor) {
    float d = (float) divisor;
    for (int i = at; i < at + count; i++) {
      p[i] /= d;
    }
  }

  @Override
  public void scale(MemorySegment x, long at, long count, double factor) {
    scaleEach(x, at, count, (float) factor);
  }

  /** {@link #scale}, element by element. */
  public static void scaleEach(MemorySegment x, long at, long count, float factor) {
    for (long i = at * Float.BYTES; i < (at + count) * Float.BYTES; i += Float.BYTES) {
      x.set(F32, i, Math.clamp(factor * x.get(F32, i), -Float.MAX_VALUE, Float.MAX_VALUE));
    }
  }
}
