package dev.weft.cpu.vector;

import dev.weft.DType;
import dev.weft.cpu.dense.DenseKernels;
import dev.weft.cpu.dense.Gemm;
import dev.weft.cpu.dense.Matrix;
import dev.weft.cpu.scalar.DenseF64Scalar;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** {@link DenseKernels} of F64 in vectors. */
final class DenseF64Vector implements DenseKernels<double[]> {
  private static final VectorSpecies<Double> S =
      VectorSpecies.of(double.class, VectorWidth.shape(MethodHandles.lookup()));
  private static final int V = S.length();
  private static final long VECTOR_BYTES = S.vectorByteSize();
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();

  /** 28 sums need 32 registers, which come with vectors of 512 bits; 12 fit 16 registers. */
  private static final int MR = S.vectorBitSize() >= 512 ? 14 : 6;

  private static final int NR = 2 * V;

  /** Made by {@link VectorWidth#load}. */
  DenseF64Vector() {}

  @Override
  public DType dtype() {
    return DType.F64;
  }

  @Override
  public int vectorBits() {
    return S.vectorBitSize();
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
    int panel = columns * ld;
    int row = 0;
    do {
      int count = Math.min(width, rows - row);
      if (rowStride != 1) {
        DenseF64Scalar.packPanel(
            x,
            origin + row * rowStride,
            rowStride,
            columnStride,
            count,
            columns,
            out,
            at + row / width * panel,
            ld);
      }
      DenseF64Scalar.pad(count, width, columns, out, at + row / width * panel, ld);
      row += width;
    } while (row < rows);
    for (row = 0; rowStride == 1 && row < rows; row += width) {
      int count = Math.min(width, rows - row);
      boolean more = rows - row >= (width + V - 1) / V * V;
      packColumns(
          x, origin + row, columnStride, count, more, columns, out, at + row / width * panel, ld);
    }
  }

  /**
   * One panel of columns that lie one after another in memory.
   *
   * @param more whether the rows go on for as long as whole vectors do
   */
  private static void packColumns(
      MemorySegment x,
      long origin,
      long columnStride,
      int rows,
      boolean more,
      int columns,
      double[] out,
      int at,
      int ld) {
    int whole = S.loopBound(rows);
    if (whole < rows) {
      long from = (origin + whole) * Double.BYTES;
      int k = 0;
      if (more && ld == rows) { // what is too much is overwritten below or by the next column
        for (; k < columns - 1; k++) {
          DoubleVector.fromMemorySegment(S, x, from + k * columnStride * Double.BYTES, ORDER)
              .intoArray(out, at + k * ld + whole);
        }
      }
      VectorMask<Double> rest = S.indexInRange(whole, rows);
      for (; k < columns; k++) {
        DoubleVector.fromMemorySegment(S, x, from + k * columnStride * Double.BYTES, ORDER, rest)
            .intoArray(out, at + k * ld + whole, rest);
      }
    }
    for (int r = 0; r < whole; r += V) {
      long from = (origin + r) * Double.BYTES;
      for (int k = 0; k < columns; k++) {
        DoubleVector.fromMemorySegment(S, x, from + k * columnStride * Double.BYTES, ORDER)
            .intoArray(out, at + k * ld + r);
      }
    }
  }

  @Override
  public void unpack(double[] in, int at, int ld, Matrix x) {
    DenseF64Scalar.unpackPanel(in, at, ld, x);
  }

  @Override
  public void micro(int kc, double[] a, int aAt, double[] b, int bAt, double[] tile) {
    if (MR == 14) {
      micro14x2v(kc, a, aAt, b, bAt, tile);
    } else {
      micro6x2v(kc, a, aAt, b, bAt, tile);
    }
  }

  /**
   * 14 rows of 2 vectors: 28 independent chains. Assumes packed panels; costs 56·V·kc flop, reads
   * 14 + 2·V elements per step.
   */
  private static void micro14x2v(int kc, double[] a, int aAt, double[] b, int bAt, double[] tile) {
    DoubleVector c00 = DoubleVector.zero(S);
    DoubleVector c01 = DoubleVector.zero(S);
    DoubleVector c10 = DoubleVector.zero(S);
    DoubleVector c11 = DoubleVector.zero(S);
    DoubleVector c20 = DoubleVector.zero(S);
    DoubleVector c21 = DoubleVector.zero(S);
    DoubleVector c30 = DoubleVector.zero(S);
    DoubleVector c31 = DoubleVector.zero(S);
    DoubleVector c40 = DoubleVector.zero(S);
    DoubleVector c41 = DoubleVector.zero(S);
    DoubleVector c50 = DoubleVector.zero(S);
    DoubleVector c51 = DoubleVector.zero(S);
    DoubleVector c60 = DoubleVector.zero(S);
    DoubleVector c61 = DoubleVector.zero(S);
    DoubleVector c70 = DoubleVector.zero(S);
    DoubleVector c71 = DoubleVector.zero(S);
    DoubleVector c80 = DoubleVector.zero(S);
    DoubleVector c81 = DoubleVector.zero(S);
    DoubleVector c90 = DoubleVector.zero(S);
    DoubleVector c91 = DoubleVector.zero(S);
    DoubleVector c100 = DoubleVector.zero(S);
    DoubleVector c101 = DoubleVector.zero(S);
    DoubleVector c110 = DoubleVector.zero(S);
    DoubleVector c111 = DoubleVector.zero(S);
    DoubleVector c120 = DoubleVector.zero(S);
    DoubleVector c121 = DoubleVector.zero(S);
    DoubleVector c130 = DoubleVector.zero(S);
    DoubleVector c131 = DoubleVector.zero(S);
    for (int k = 0; k < kc; k++) {
      int ak = aAt + k * 14;
      int bk = bAt + k * NR;
      DoubleVector b0 = DoubleVector.fromArray(S, b, bk);
      DoubleVector b1 = DoubleVector.fromArray(S, b, bk + V);
      DoubleVector ai = DoubleVector.broadcast(S, a[ak]);
      c00 = ai.fma(b0, c00);
      c01 = ai.fma(b1, c01);
      ai = DoubleVector.broadcast(S, a[ak + 1]);
      c10 = ai.fma(b0, c10);
      c11 = ai.fma(b1, c11);
      ai = DoubleVector.broadcast(S, a[ak + 2]);
      c20 = ai.fma(b0, c20);
      c21 = ai.fma(b1, c21);
      ai = DoubleVector.broadcast(S, a[ak + 3]);
      c30 = ai.fma(b0, c30);
      c31 = ai.fma(b1, c31);
      ai = DoubleVector.broadcast(S, a[ak + 4]);
      c40 = ai.fma(b0, c40);
      c41 = ai.fma(b1, c41);
      ai = DoubleVector.broadcast(S, a[ak + 5]);
      c50 = ai.fma(b0, c50);
      c51 = ai.fma(b1, c51);
      ai = DoubleVector.broadcast(S, a[ak + 6]);
      c60 = ai.fma(b0, c60);
      c61 = ai.fma(b1, c61);
      ai = DoubleVector.broadcast(S, a[ak + 7]);
      c70 = ai.fma(b0, c70);
      c71 = ai.fma(b1, c71);
      ai = DoubleVector.broadcast(S, a[ak + 8]);
      c80 = ai.fma(b0, c80);
      c81 = ai.fma(b1, c81);
      ai = DoubleVector.broadcast(S, a[ak + 9]);
      c90 = ai.fma(b0, c90);
      c91 = ai.fma(b1, c91);
      ai = DoubleVector.broadcast(S, a[ak + 10]);
      c100 = ai.fma(b0, c100);
      c101 = ai.fma(b1, c101);
      ai = DoubleVector.broadcast(S, a[ak + 11]);
      c110 = ai.fma(b0, c110);
      c111 = ai.fma(b1, c111);
      ai = DoubleVector.broadcast(S, a[ak + 12]);
      c120 = ai.fma(b0, c120);
      c121 = ai.fma(b1, c121);
      ai = DoubleVector.broadcast(S, a[ak + 13]);
      c130 = ai.fma(b0, c130);
      c131 = ai.fma(b1, c131);
    }
    c00.intoArray(tile, 0);
    c01.intoArray(tile, V);
    c10.intoArray(tile, NR);
    c11.intoArray(tile, NR + V);
    c20.intoArray(tile, 2 * NR);
    c21.intoArray(tile, 2 * NR + V);
    c30.intoArray(tile, 3 * NR);
    c31.intoArray(tile, 3 * NR + V);
    c40.intoArray(tile, 4 * NR);
    c41.intoArray(tile, 4 * NR + V);
    c50.intoArray(tile, 5 * NR);
    c51.intoArray(tile, 5 * NR + V);
    c60.intoArray(tile, 6 * NR);
    c61.intoArray(tile, 6 * NR + V);
    c70.intoArray(tile, 7 * NR);
    c71.intoArray(tile, 7 * NR + V);
    c80.intoArray(tile, 8 * NR);
    c81.intoArray(tile, 8 * NR + V);
    c90.intoArray(tile, 9 * NR);
    c91.intoArray(tile, 9 * NR + V);
    c100.intoArray(tile, 10 * NR);
    c101.intoArray(tile, 10 * NR + V);
    c110.intoArray(tile, 11 * NR);
    c111.intoArray(tile, 11 * NR + V);
    c120.intoArray(tile, 12 * NR);
    c121.intoArray(tile, 12 * NR + V);
    c130.intoArray(tile, 13 * NR);
    c131.intoArray(tile, 13 * NR + V);
  }

  /**
   * 6 rows of 2 vectors: 12 independent chains. Assumes packed panels; costs 24·V·kc flop, reads 6
   * + 2·V elements per step.
   */
  private static void micro6x2v(int kc, double[] a, int aAt, double[] b, int bAt, double[] tile) {
    DoubleVector c00 = DoubleVector.zero(S);
    DoubleVector c01 = DoubleVector.zero(S);
    DoubleVector c10 = DoubleVector.zero(S);
    DoubleVector c11 = DoubleVector.zero(S);
    DoubleVector c20 = DoubleVector.zero(S);
    DoubleVector c21 = DoubleVector.zero(S);
    DoubleVector c30 = DoubleVector.zero(S);
    DoubleVector c31 = DoubleVector.zero(S);
    DoubleVector c40 = DoubleVector.zero(S);
    DoubleVector c41 = DoubleVector.zero(S);
    DoubleVector c50 = DoubleVector.zero(S);
    DoubleVector c51 = DoubleVector.zero(S);
    for (int k = 0; k < kc; k++) {
      int ak = aAt + k * 6;
      int bk = bAt + k * NR;
      DoubleVector b0 = DoubleVector.fromArray(S, b, bk);
      DoubleVector b1 = DoubleVector.fromArray(S, b, bk + V);
      DoubleVector ai = DoubleVector.broadcast(S, a[ak]);
      c00 = ai.fma(b0, c00);
      c01 = ai.fma(b1, c01);
      ai = DoubleVector.broadcast(S, a[ak + 1]);
      c10 = ai.fma(b0, c10);
      c11 = ai.fma(b1, c11);
      ai = DoubleVector.broadcast(S, a[ak + 2]);
      c20 = ai.fma(b0, c20);
      c21 = ai.fma(b1, c21);
      ai = DoubleVector.broadcast(S, a[ak + 3]);
      c30 = ai.fma(b0, c30);
      c31 = ai.fma(b1, c31);
      ai = DoubleVector.broadcast(S, a[ak + 4]);
      c40 = ai.fma(b0, c40);
      c41 = ai.fma(b1, c41);
      ai = DoubleVector.broadcast(S, a[ak + 5]);
      c50 = ai.fma(b0, c50);
      c51 = ai.fma(b1, c51);
    }
    c00.intoArray(tile, 0);
    c01.intoArray(tile, V);
    c10.intoArray(tile, NR);
    c11.intoArray(tile, NR + V);
    c20.intoArray(tile, 2 * NR);
    c21.intoArray(tile, 2 * NR + V);
    c30.intoArray(tile, 3 * NR);
    c31.intoArray(tile, 3 * NR + V);
    c40.intoArray(tile, 4 * NR);
    c41.intoArray(tile, 4 * NR + V);
    c50.intoArray(tile, 5 * NR);
    c51.intoArray(tile, 5 * NR + V);
  }

  @Override
  public void row(
      int kc,
      double[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      long ldb,
      double[] tile,
      double alpha,
      Gemm.Update update,
      MemorySegment c,
      long cAt,
      int columns) {
    int j = 0;
    for (; j + 8 * V <= columns; j += 8 * V) {
      row8v(kc, a, aAt, aStep, b, bAt + j, ldb, alpha, update, c, cAt + j);
    }
    for (; j + V <= columns; j += V) {
      row1v(kc, a, aAt, aStep, b, bAt + j, ldb, alpha, update, c, cAt + j);
    }
    if (j < columns) {
      DenseF64Scalar.rowPart(kc, a, aAt, aStep, b, bAt + j, ldb, tile, columns - j);
      DenseF64Scalar.writeRow(tile, 0, columns - j, alpha, update, c, cAt + j);
    }
  }

  /** 8 vectors of a row: 8 independent chains, 8·V elements of b per step. */
  private static void row8v(
      int kc,
      double[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      long ldb,
      double alpha,
      Gemm.Update update,
      MemorySegment c,
      long cAt) {
    DoubleVector s0 = DoubleVector.zero(S);
    DoubleVector s1 = DoubleVector.zero(S);
    DoubleVector s2 = DoubleVector.zero(S);
    DoubleVector s3 = DoubleVector.zero(S);
    DoubleVector s4 = DoubleVector.zero(S);
    DoubleVector s5 = DoubleVector.zero(S);
    DoubleVector s6 = DoubleVector.zero(S);
    DoubleVector s7 = DoubleVector.zero(S);
    for (int k = 0; k < kc; k++) {
      DoubleVector ak = DoubleVector.broadcast(S, a[aAt + k * aStep]);
      long from = (bAt + k * ldb) * Double.BYTES;
      s0 = ak.fma(DoubleVector.fromMemorySegment(S, b, from, ORDER), s0);
      s1 = ak.fma(DoubleVector.fromMemorySegment(S, b, from + 1 * VECTOR_BYTES, ORDER), s1);
      s2 = ak.fma(DoubleVector.fromMemorySegment(S, b, from + 2 * VECTOR_BYTES, ORDER), s2);
      s3 = ak.fma(DoubleVector.fromMemorySegment(S, b, from + 3 * VECTOR_BYTES, ORDER), s3);
      s4 = ak.fma(DoubleVector.fromMemorySegment(S, b, from + 4 * VECTOR_BYTES, ORDER), s4);
      s5 = ak.fma(DoubleVector.fromMemorySegment(S, b, from + 5 * VECTOR_BYTES, ORDER), s5);
      s6 = ak.fma(DoubleVector.fromMemorySegment(S, b, from + 6 * VECTOR_BYTES, ORDER), s6);
      s7 = ak.fma(DoubleVector.fromMemorySegment(S, b, from + 7 * VECTOR_BYTES, ORDER), s7);
    }
    DoubleVector alphas = DoubleVector.broadcast(S, alpha);
    long to = cAt * Double.BYTES;
    update(s0, alphas, update, c, to);
    update(s1, alphas, update, c, to + 1 * VECTOR_BYTES);
    update(s2, alphas, update, c, to + 2 * VECTOR_BYTES);
    update(s3, alphas, update, c, to + 3 * VECTOR_BYTES);
    update(s4, alphas, update, c, to + 4 * VECTOR_BYTES);
    update(s5, alphas, update, c, to + 5 * VECTOR_BYTES);
    update(s6, alphas, update, c, to + 6 * VECTOR_BYTES);
    update(s7, alphas, update, c, to + 7 * VECTOR_BYTES);
  }

  /** One vector of a row. */
  private static void row1v(
      int kc,
      double[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      long ldb,
      double alpha,
      Gemm.Update update,
      MemorySegment c,
      long cAt) {
    DoubleVector sum = DoubleVector.zero(S);
    for (int k = 0; k < kc; k++) {
      DoubleVector ak = DoubleVector.broadcast(S, a[aAt + k * aStep]);
      sum =
          ak.fma(DoubleVector.fromMemorySegment(S, b, (bAt + k * ldb) * Double.BYTES, ORDER), sum);
    }
    update(sum, DoubleVector.broadcast(S, alpha), update, c, cAt * Double.BYTES);
  }

  @Inlined
  static void update(
      DoubleVector sum, DoubleVector alphas, Gemm.Update update, MemorySegment c, long byteOffset) {
    if (update == Gemm.Update.ADD) {
      alphas
          .fma(sum, DoubleVector.fromMemorySegment(S, c, byteOffset, ORDER))
          .intoMemorySegment(c, byteOffset, ORDER);
    } else {
      alphas.mul(sum).intoMemorySegment(c, byteOffset, ORDER);
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
    double factor = alpha;
    if (columns < NR) {
      for (int i = 0; i < rows; i++) {
        DenseF64Scalar.writeRow(tile, i * NR, columns, factor, update, c, at + i * ldc);
      }
      return;
    }
    DoubleVector alphas = DoubleVector.broadcast(S, factor);
    for (int i = 0; i < rows; i++) {
      long to0 = (at + i * ldc) * Double.BYTES;
      long to1 = to0 + (long) V * Double.BYTES;
      DoubleVector c0 = DoubleVector.fromArray(S, tile, i * NR);
      DoubleVector c1 = DoubleVector.fromArray(S, tile, i * NR + V);
      if (update == Gemm.Update.ADD) {
        c0 = alphas.fma(c0, DoubleVector.fromMemorySegment(S, c, to0, ORDER));
        c1 = alphas.fma(c1, DoubleVector.fromMemorySegment(S, c, to1, ORDER));
      } else {
        c0 = alphas.mul(c0);
        c1 = alphas.mul(c1);
      }
      c0.intoMemorySegment(c, to0, ORDER);
      c1.intoMemorySegment(c, to1, ORDER);
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
    if (columns < NR) {
      for (int i = 0; i < rows; i++) {
        DenseF64Scalar.gatherRow(tile, i * NR, columns, add, c, at + i * ldc, bias, biasAt);
      }
      return;
    }
    if (add) {
      for (int i = 0; i < rows; i++) {
        long from = (at + i * ldc) * Double.BYTES;
        DoubleVector.fromArray(S, tile, i * NR)
            .add(DoubleVector.fromMemorySegment(S, c, from, ORDER))
            .intoArray(tile, i * NR);
        DoubleVector.fromArray(S, tile, i * NR + V)
            .add(DoubleVector.fromMemorySegment(S, c, from + VECTOR_BYTES, ORDER))
            .intoArray(tile, i * NR + V);
      }
    }
    if (bias != null) {
      DoubleVector b0 = DoubleVector.fromArray(S, bias, biasAt);
      DoubleVector b1 = DoubleVector.fromArray(S, bias, biasAt + V);
      for (int i = 0; i < rows; i++) {
        DoubleVector.fromArray(S, tile, i * NR).add(b0).intoArray(tile, i * NR);
        DoubleVector.fromArray(S, tile, i * NR + V).add(b1).intoArray(tile, i * NR + V);
      }
    }
  }

  @Override
  public void dot4(
      double[] p, int v, int c, int ld, int count, double[] lanes, double[] out, int outAt) {
    for (int lane = 0; lane < LANES; lane += V) {
      DoubleVector s0 = DoubleVector.zero(S);
      DoubleVector s1 = DoubleVector.zero(S);
      DoubleVector s2 = DoubleVector.zero(S);
      DoubleVector s3 = DoubleVector.zero(S);
      for (int i = lane; i < count; i += LANES) {
        DoubleVector vi = DoubleVector.fromArray(S, p, v + i);
        s0 = vi.fma(DoubleVector.fromArray(S, p, c + i), s0);
        s1 = vi.fma(DoubleVector.fromArray(S, p, c + ld + i), s1);
        s2 = vi.fma(DoubleVector.fromArray(S, p, c + 2 * ld + i), s2);
        s3 = vi.fma(DoubleVector.fromArray(S, p, c + 3 * ld + i), s3);
      }
      s0.intoArray(lanes, lane);
      s1.intoArray(lanes, LANES + lane);
      s2.intoArray(lanes, 2 * LANES + lane);
      s3.intoArray(lanes, 3 * LANES + lane);
    }
    for (int q = 0; q < 4; q++) {
      out[outAt + q] = DenseF64Scalar.sum(lanes, q * LANES);
    }
  }

  @Override
  public void axpy4(double[] p, int v, int c, int ld, int count, double[] w, int wAt) {
    DoubleVector w0 = DoubleVector.broadcast(S, -w[wAt]);
    DoubleVector w1 = DoubleVector.broadcast(S, -w[wAt + 1]);
    DoubleVector w2 = DoubleVector.broadcast(S, -w[wAt + 2]);
    DoubleVector w3 = DoubleVector.broadcast(S, -w[wAt + 3]);
    for (int i = 0; i < count; i += V) {
      DoubleVector vi = DoubleVector.fromArray(S, p, v + i);
      int at = c + i;
      w0.fma(vi, DoubleVector.fromArray(S, p, at)).intoArray(p, at);
      at += ld;
      w1.fma(vi, DoubleVector.fromArray(S, p, at)).intoArray(p, at);
      at += ld;
      w2.fma(vi, DoubleVector.fromArray(S, p, at)).intoArray(p, at);
      at += ld;
      w3.fma(vi, DoubleVector.fromArray(S, p, at)).intoArray(p, at);
    }
  }

  @Override
  public void divide(double[] p, int at, int count, double divisor) {
    DoubleVector d = DoubleVector.broadcast(S, divisor);
    for (int i = at; i < at + count; i += V) {
      DoubleVector.fromArray(S, p, i).div(d).intoArray(p, i);
    }
  }

  @Override
  public void scale(MemorySegment x, long at, long count, double factor) {
    DoubleVector f = DoubleVector.broadcast(S, factor);
    DoubleVector most = DoubleVector.broadcast(S, Double.MAX_VALUE);
    DoubleVector least = DoubleVector.broadcast(S, -Double.MAX_VALUE);
    long whole = count - count % V;
    for (long i = at; i < at + whole; i += V) {
      DoubleVector.fromMemorySegment(S, x, i * Double.BYTES, ORDER)
          .mul(f)
          .min(most)
          .max(least)
          .intoMemorySegment(x, i * Double.BYTES, ORDER);
    }
    DenseF64Scalar.scaleEach(x, at + whole, count - whole, factor);
  }
}
