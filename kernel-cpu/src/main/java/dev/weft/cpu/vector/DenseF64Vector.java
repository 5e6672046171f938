package dev.weft.cpu.vector;

import dev.weft.DType;
import dev.weft.cpu.dense.DenseKernels;
import dev.weft.cpu.dense.Gemm;
import dev.weft.cpu.dense.Matrix;
import dev.weft.cpu.scalar.DenseF64Scalar;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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

  private static final boolean HAS_32_REGISTERS = S.vectorBitSize() >= 512;

  /** 26 sums need 32 registers, which come with vectors of 512 bits; 12 fit 16 registers. */
  private static final int MR = Micro.mr(S.vectorBitSize());

  private static final int NR = 2 * V;

  /** Elements in as few vectors as a column of a panel needs. */
  private static final int READ = (MR + V - 1) / V * V;

  /** Without masks in hardware, which come with vectors of 512 bits, masked loads are boxed. */
  private static final boolean HAS_MASKS = S.vectorBitSize() >= 512;

  private static final ValueLayout.OfDouble ELEMENT = ValueLayout.JAVA_DOUBLE_UNALIGNED;

  /** Elements of the longest row that is short. */
  private static final int SHORT_ROW = 128;

  /** A block of more bytes from end to end does not come from the second-level cache. */
  private static final long FAR_BYTES = 1 << 20;

  private final TransposeF64 transpose = transpose();

  /** By byRows, operand and intoC; each loaded when it is first needed. */
  @SuppressWarnings({"unchecked", "rawtypes"})
  private final Micro<double[]>[] micros = new Micro[4 * Micro.Operand.values().length];

  /** Made by {@link VectorWidth#load}. */
  DenseF64Vector() {}

  /** Null for vectors of other sizes. */
  private static TransposeF64 transpose() {
    return switch (S.vectorBitSize()) {
      case 512 -> VectorWidth.load(TransposeF64.class, TransposeF64Vector.class, 512);
      case 256 -> VectorWidth.load(TransposeF64.class, TransposeF64Registers.class, 256);
      default -> null;
    };
  }

  private Micro<double[]> micro(int aRow, Micro.Operand operand, boolean intoC) {
    int i = operand.ordinal() * 4 + (aRow == 1 ? 0 : 2) + (intoC ? 1 : 0);
    Micro<double[]> micro = micros[i];
    return micro != null
        ? micro
        : load(i, new Micro.Use(S.vectorBitSize(), aRow != 1, operand, intoC));
  }

  @SuppressWarnings("unchecked")
  private synchronized Micro<double[]> load(int i, Micro.Use use) {
    if (micros[i] == null) {
      micros[i] = VectorWidth.load(Micro.class, MicroF64Vector.class, use);
    }
    return micros[i];
  }

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

  /** After each fence of {@link Micro} a segment would be checked anew. */
  @Override
  public boolean prefersArrays() {
    return !HAS_32_REGISTERS;
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
      for (int r = 0; rowStride != 1 && r < count; r += V) {
        int strip = Math.min(V, count - r);
        long from = origin + (row + r) * rowStride;
        int to = at + row / width * panel + r;
        packRows(x, from, rowStride, columnStride, strip, columns, out, to, ld);
      }
      DenseF64Scalar.pad(count, width, columns, out, at + row / width * panel, ld);
      row += width;
    } while (row < rows);
    row = 0;
    boolean far = columns * columnStride * Double.BYTES >= FAR_BYTES;
    for (; rowStride == 1 && far && width == NR && row + 4 * NR <= rows; row += 4 * NR) {
      packPanels(x, origin + row, columnStride, columns, out, at + row / NR * panel, panel, ld);
    }
    int together = 0; // panels after which there are enough rows to read too many of
    if (HAS_MASKS && rowStride == 1 && width == MR && ld == MR && rows >= READ) {
      together = (rows - READ) / MR + 1;
    }
    if (together > 0) {
      packTogether(x, origin, columnStride, together, columns, out, at);
      row = together * MR;
    }
    for (; rowStride == 1 && row < rows; row += width) {
      int count = Math.min(width, rows - row);
      boolean more = rows - row >= (width + V - 1) / V * V;
      packColumns(
          x, origin + row, columnStride, count, more, columns, out, at + row / width * panel, ld);
    }
  }

  /** At most V rows of a panel that lie one after another in memory. */
  private void packRows(
      MemorySegment x,
      long origin,
      long rowStride,
      long columnStride,
      int rows,
      int columns,
      double[] out,
      int at,
      int ld) {
    int whole = 0;
    boolean transposed = transpose != null && columnStride == 1 && (HAS_MASKS || rows == V);
    if (transposed && x.isNative()) {
      whole = columns / V * V;
      transpose.pack(x, origin, rowStride, rows, whole, out, at, ld);
    }
    if (whole < columns) {
      long rest = origin + whole * columnStride;
      DenseF64Scalar.packPanel(
          x, rest, rowStride, columnStride, rows, columns - whole, out, at + whole * ld, ld);
    }
  }

  /** By vectors where rows are so short that calling for a copy of each takes longer. */
  @Override
  public void copyRows(
      MemorySegment x, long origin, long rowStride, int rows, int columns, double[] out, int at) {
    if (columns > SHORT_ROW || !x.isNative()) {
      DenseF64Scalar.copyEach(x, origin, rowStride, rows, columns, out, at);
      return;
    }
    MemorySegment in = VectorWidth.NATIVE.cast(x);
    int whole = S.loopBound(columns);
    for (int r = 0; r < rows; r++) {
      long from = (origin + r * rowStride) * Double.BYTES;
      int to = at + r * ROW;
      for (int k = 0; k < whole; k += V) {
        DoubleVector.fromMemorySegment(S, in, from + (long) k * Double.BYTES, ORDER)
            .intoArray(out, to + k);
      }
      for (int k = whole; k < columns; k++) {
        out[to + k] = in.get(ELEMENT, from + (long) k * Double.BYTES);
      }
    }
  }

  @Override
  public void packColumns(
      MemorySegment x,
      long origin,
      long columnStride,
      int rows,
      int columns,
      MemorySegment out,
      long at) {
    for (int row = 0; row < rows; row += NR) {
      long panel = at + (long) row * columns;
      if (x.isNative()) {
        packColumns(
            VectorWidth.NATIVE.cast(x),
            origin + row,
            columnStride,
            columns,
            VectorWidth.NATIVE.cast(out),
            panel);
      } else {
        for (int k = 0; k < columns; k++) {
          long from = (origin + row + k * columnStride) * Double.BYTES;
          MemorySegment.copy(
              x, from, out, (panel + (long) k * NR) * Double.BYTES, 2 * VECTOR_BYTES);
        }
      }
    }
  }

  /** A panel of columns that lie one after another in native memory. */
  private static void packColumns(
      MemorySegment x, long origin, long columnStride, int columns, MemorySegment out, long at) {
    for (int k = 0; k < columns; k++) {
      long from = (origin + k * columnStride) * Double.BYTES;
      long to = (at + (long) k * NR) * Double.BYTES;
      DoubleVector x0 = DoubleVector.fromMemorySegment(S, x, from, ORDER);
      DoubleVector x1 = DoubleVector.fromMemorySegment(S, x, from + VECTOR_BYTES, ORDER);
      x0.intoMemorySegment(out, to, ORDER);
      x1.intoMemorySegment(out, to + VECTOR_BYTES, ORDER);
    }
  }

  @Override
  public void packRows(
      MemorySegment x,
      long origin,
      long rowStride,
      int rows,
      int columns,
      MemorySegment out,
      long at) {
    int whole = columns / V * V;
    for (int r = 0; r < rows; r += V) {
      int count = Math.min(V, rows - r);
      transpose.pack(x, origin + r * rowStride, rowStride, count, whole, out, at + r, NR);
    }
    DenseF64Scalar.packElements(x, origin, rowStride, rows, whole, columns, out, at, NR);
  }

  /**
   * Four panels at a time of columns that lie one after another: memory is read in long pieces, but
   * the panels compete for the same lines of a cache.
   */
  private static void packPanels(
      MemorySegment x,
      long origin,
      long columnStride,
      int columns,
      double[] out,
      int at,
      int panel,
      int ld) {
    for (int k = 0; k < columns; k++) {
      long from = (origin + k * columnStride) * Double.BYTES;
      int to = at + k * ld;
      DoubleVector.fromMemorySegment(S, x, from, ORDER).intoArray(out, to);
      DoubleVector.fromMemorySegment(S, x, from + 1 * VECTOR_BYTES, ORDER).intoArray(out, to + V);
      DoubleVector.fromMemorySegment(S, x, from + 2 * VECTOR_BYTES, ORDER)
          .intoArray(out, to + panel);
      DoubleVector.fromMemorySegment(S, x, from + 3 * VECTOR_BYTES, ORDER)
          .intoArray(out, to + panel + V);
      DoubleVector.fromMemorySegment(S, x, from + 4 * VECTOR_BYTES, ORDER)
          .intoArray(out, to + 2 * panel);
      DoubleVector.fromMemorySegment(S, x, from + 5 * VECTOR_BYTES, ORDER)
          .intoArray(out, to + 2 * panel + V);
      DoubleVector.fromMemorySegment(S, x, from + 6 * VECTOR_BYTES, ORDER)
          .intoArray(out, to + 3 * panel);
      DoubleVector.fromMemorySegment(S, x, from + 7 * VECTOR_BYTES, ORDER)
          .intoArray(out, to + 3 * panel + V);
    }
  }

  /**
   * Panels of mr rows, column after column of all of them: what lies one after another is read so,
   * and not again for the next panel, when columns that are a power of two apart have driven it out
   * of the cache. {@link #READ} elements are written for mr: the next column overwrites the rest.
   */
  private static void packTogether(
      MemorySegment x,
      long origin,
      long columnStride,
      int panels,
      int columns,
      double[] out,
      int at) {
    for (int k = 0; k < columns - 1; k++) {
      long from = (origin + k * columnStride) * Double.BYTES;
      int to = at + k * MR;
      for (int p = 0; p < panels; p++) {
        for (int i = 0; i < READ; i += V) {
          DoubleVector.fromMemorySegment(S, x, from + (p * MR + i) * Double.BYTES, ORDER)
              .intoArray(out, to + p * MR * columns + i);
        }
      }
    }
    int last = columns - 1;
    for (int r = 0; r < panels * MR; r++) {
      int to = at + r / MR * MR * columns + last * MR + r % MR;
      out[to] = x.get(ELEMENT, (origin + r + last * columnStride) * Double.BYTES);
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
      packRest(x, origin, columnStride, whole, rows, k, columns, out, at, ld);
    }
    for (int r = 0; r < whole; r += V) {
      long from = (origin + r) * Double.BYTES;
      for (int k = 0; k < columns; k++) {
        DoubleVector.fromMemorySegment(S, x, from + k * columnStride * Double.BYTES, ORDER)
            .intoArray(out, at + k * ld + r);
      }
    }
  }

  /** Rows {@code whole … rows − 1} of the columns from {@code first} on. */
  private static void packRest(
      MemorySegment x,
      long origin,
      long columnStride,
      int whole,
      int rows,
      int first,
      int columns,
      double[] out,
      int at,
      int ld) {
    if (!HAS_MASKS) {
      for (int k = first; k < columns; k++) {
        for (int r = whole; r < rows; r++) {
          long from = (origin + r + k * columnStride) * Double.BYTES;
          out[at + k * ld + r] = x.get(ELEMENT, from);
        }
      }
      return;
    }
    VectorMask<Double> rest = S.indexInRange(whole, rows);
    for (int k = first; k < columns; k++) {
      long from = (origin + whole + k * columnStride) * Double.BYTES;
      DoubleVector.fromMemorySegment(S, x, from, ORDER, rest)
          .intoArray(out, at + k * ld + whole, rest);
    }
  }

  @Override
  public void unpack(double[] in, int at, int ld, Matrix x) {
    DenseF64Scalar.unpackPanel(in, at, ld, x);
  }

  @Override
  public void micro(
      int rows, int kc, double[] a, int aAt, int aRow, double[] b, int bAt, double[] tile) {
    micro(aRow, Micro.Operand.ARRAY, false)
        .micro(rows, kc, a, aAt, b, null, bAt, NR, tile, null, 0, 0);
  }

  @Override
  public void micro(
      int rows,
      int kc,
      double[] a,
      int aAt,
      int aRow,
      MemorySegment b,
      long bAt,
      long ldb,
      double[] tile) {
    micro(aRow, inMemory(ldb), false).micro(rows, kc, a, aAt, null, b, bAt, ldb, tile, null, 0, 0);
  }

  @Override
  public boolean micro(
      int rows,
      int kc,
      double[] a,
      int aAt,
      int aRow,
      MemorySegment b,
      long bAt,
      long ldb,
      MemorySegment c,
      long cAt,
      long ldc) {
    if (Micro.rows(S.vectorBitSize(), rows) != rows) { // it writes all its rows
      return false;
    }
    micro(aRow, inMemory(ldb), true).micro(rows, kc, a, aAt, null, b, bAt, ldb, null, c, cAt, ldc);
    return true;
  }

  private static Micro.Operand inMemory(long ldb) {
    return ldb == NR ? Micro.Operand.PANELS : Micro.Operand.MEMORY;
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
    int whole = S.loopBound(columns);
    if (kc == FEW_TERMS) {
      accumulate8(a, aAt, aStep, b, bAt, ldb, sums, to, whole);
    } else {
      int j = 0;
      for (; j + 8 * V <= whole; j += 8 * V) {
        accumulate8v(kc, a, aAt, aStep, b, bAt + j, ldb, sums, to + j);
      }
      for (; j < whole; j += V) {
        accumulate1v(kc, a, aAt, aStep, b, bAt + j, ldb, sums, to + j);
      }
    }
    DenseF64Scalar.addPart(
        kc, a, aAt, aStep, b, bAt + whole, ldb, sums, to + whole, columns - whole);
  }

  /** {@link #FEW_TERMS} terms: as many streams from memory. */
  private static void accumulate8(
      double[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      long ldb,
      double[] sums,
      int to,
      int columns) {
    DoubleVector a0 = DoubleVector.broadcast(S, a[aAt]);
    DoubleVector a1 = DoubleVector.broadcast(S, a[aAt + aStep]);
    DoubleVector a2 = DoubleVector.broadcast(S, a[aAt + 2 * aStep]);
    DoubleVector a3 = DoubleVector.broadcast(S, a[aAt + 3 * aStep]);
    DoubleVector a4 = DoubleVector.broadcast(S, a[aAt + 4 * aStep]);
    DoubleVector a5 = DoubleVector.broadcast(S, a[aAt + 5 * aStep]);
    DoubleVector a6 = DoubleVector.broadcast(S, a[aAt + 6 * aStep]);
    DoubleVector a7 = DoubleVector.broadcast(S, a[aAt + 7 * aStep]);
    long rowBytes = ldb * Double.BYTES;
    for (int j = 0; j < columns; j += V) {
      long from = (bAt + j) * Double.BYTES;
      DoubleVector sum = DoubleVector.fromArray(S, sums, to + j);
      sum = a0.fma(DoubleVector.fromMemorySegment(S, b, from, ORDER), sum);
      sum = a1.fma(DoubleVector.fromMemorySegment(S, b, from + rowBytes, ORDER), sum);
      sum = a2.fma(DoubleVector.fromMemorySegment(S, b, from + 2 * rowBytes, ORDER), sum);
      sum = a3.fma(DoubleVector.fromMemorySegment(S, b, from + 3 * rowBytes, ORDER), sum);
      sum = a4.fma(DoubleVector.fromMemorySegment(S, b, from + 4 * rowBytes, ORDER), sum);
      sum = a5.fma(DoubleVector.fromMemorySegment(S, b, from + 5 * rowBytes, ORDER), sum);
      sum = a6.fma(DoubleVector.fromMemorySegment(S, b, from + 6 * rowBytes, ORDER), sum);
      sum = a7.fma(DoubleVector.fromMemorySegment(S, b, from + 7 * rowBytes, ORDER), sum);
      sum.intoArray(sums, to + j);
    }
  }

  /** 8 vectors of sums: 8 independent chains, 8·V elements of b per step. */
  private static void accumulate8v(
      int kc,
      double[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      long ldb,
      double[] sums,
      int to) {
    DoubleVector s0 = DoubleVector.fromArray(S, sums, to);
    DoubleVector s1 = DoubleVector.fromArray(S, sums, to + V);
    DoubleVector s2 = DoubleVector.fromArray(S, sums, to + 2 * V);
    DoubleVector s3 = DoubleVector.fromArray(S, sums, to + 3 * V);
    DoubleVector s4 = DoubleVector.fromArray(S, sums, to + 4 * V);
    DoubleVector s5 = DoubleVector.fromArray(S, sums, to + 5 * V);
    DoubleVector s6 = DoubleVector.fromArray(S, sums, to + 6 * V);
    DoubleVector s7 = DoubleVector.fromArray(S, sums, to + 7 * V);
    for (int k = 0; k < kc; k++) {
      DoubleVector ak = DoubleVector.broadcast(S, a[aAt + k * aStep]);
      long from = (bAt + k * ldb) * Double.BYTES;
      s0 = ak.fma(DoubleVector.fromMemorySegment(S, b, from, ORDER), s0);
      s1 = ak.fma(DoubleVector.fromMemorySegment(S, b, from + VECTOR_BYTES, ORDER), s1);
      s2 = ak.fma(DoubleVector.fromMemorySegment(S, b, from + 2 * VECTOR_BYTES, ORDER), s2);
      s3 = ak.fma(DoubleVector.fromMemorySegment(S, b, from + 3 * VECTOR_BYTES, ORDER), s3);
      s4 = ak.fma(DoubleVector.fromMemorySegment(S, b, from + 4 * VECTOR_BYTES, ORDER), s4);
      s5 = ak.fma(DoubleVector.fromMemorySegment(S, b, from + 5 * VECTOR_BYTES, ORDER), s5);
      s6 = ak.fma(DoubleVector.fromMemorySegment(S, b, from + 6 * VECTOR_BYTES, ORDER), s6);
      s7 = ak.fma(DoubleVector.fromMemorySegment(S, b, from + 7 * VECTOR_BYTES, ORDER), s7);
    }
    s0.intoArray(sums, to);
    s1.intoArray(sums, to + V);
    s2.intoArray(sums, to + 2 * V);
    s3.intoArray(sums, to + 3 * V);
    s4.intoArray(sums, to + 4 * V);
    s5.intoArray(sums, to + 5 * V);
    s6.intoArray(sums, to + 6 * V);
    s7.intoArray(sums, to + 7 * V);
  }

  /** One vector of sums. */
  private static void accumulate1v(
      int kc,
      double[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      long ldb,
      double[] sums,
      int to) {
    DoubleVector sum = DoubleVector.fromArray(S, sums, to);
    for (int k = 0; k < kc; k++) {
      DoubleVector ak = DoubleVector.broadcast(S, a[aAt + k * aStep]);
      sum =
          ak.fma(DoubleVector.fromMemorySegment(S, b, (bAt + k * ldb) * Double.BYTES, ORDER), sum);
    }
    sum.intoArray(sums, to);
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
    DoubleVector alphas = DoubleVector.broadcast(S, alpha);
    int whole = S.loopBound(columns);
    for (int j = 0; j < whole; j += V) {
      update(
          DoubleVector.fromArray(S, sums, from + j), alphas, update, c, (cAt + j) * Double.BYTES);
    }
    DenseF64Scalar.writeElements(
        sums, from + whole, columns - whole, alpha, update, c, cAt + whole);
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
    DoubleVector factor = DoubleVector.broadcast(S, a[aAt]);
    DoubleVector alphas = DoubleVector.broadcast(S, alpha);
    DoubleVector zero = DoubleVector.zero(S);
    int whole = S.loopBound(columns);
    for (int j = 0; j < whole; j += V) {
      DoubleVector term = DoubleVector.fromMemorySegment(S, b, (bAt + j) * Double.BYTES, ORDER);
      update(factor.fma(term, zero), alphas, update, c, (cAt + j) * Double.BYTES);
    }
    DenseF64Scalar.outerElements(
        a[aAt], b, bAt + whole, alpha, update, c, cAt + whole, columns - whole);
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
    int j = 0;
    for (; j + 4 * NR <= columns; j += 4 * NR) {
      long from = bAt + (long) j * kc;
      rowOf4Panels(kc, a, aAt, aStep, b, from, alpha, update, c, cAt + j);
    }
    for (; j + V <= columns; j += V) {
      long from = bAt + (long) (j / NR) * NR * kc + j % NR;
      row1v(kc, a, aAt, aStep, b, from, alpha, update, c, cAt + j);
    }
    if (j < columns) {
      long from = bAt + (long) (j / NR) * NR * kc + j % NR;
      DenseF64Scalar.rowPart(kc, a, aAt, aStep, b, from, NR, tile, 0, columns - j);
      DenseF64Scalar.writeElements(tile, 0, columns - j, alpha, update, c, cAt + j);
    }
  }

  /** A row with four panels: four streams from memory. */
  private static void rowOf4Panels(
      int kc,
      double[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
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
    long stepBytes = (long) NR * kc * Double.BYTES;
    for (int k = 0; k < kc; k++) {
      DoubleVector ak = DoubleVector.broadcast(S, a[aAt + k * aStep]);
      long from = (bAt + (long) k * NR) * Double.BYTES;
      s0 = ak.fma(DoubleVector.fromMemorySegment(S, b, from, ORDER), s0);
      s1 = ak.fma(DoubleVector.fromMemorySegment(S, b, from + VECTOR_BYTES, ORDER), s1);
      s2 = ak.fma(DoubleVector.fromMemorySegment(S, b, from + stepBytes, ORDER), s2);
      s3 = ak.fma(DoubleVector.fromMemorySegment(S, b, from + stepBytes + VECTOR_BYTES, ORDER), s3);
      s4 = ak.fma(DoubleVector.fromMemorySegment(S, b, from + 2 * stepBytes, ORDER), s4);
      s5 =
          ak.fma(
              DoubleVector.fromMemorySegment(S, b, from + 2 * stepBytes + VECTOR_BYTES, ORDER), s5);
      s6 = ak.fma(DoubleVector.fromMemorySegment(S, b, from + 3 * stepBytes, ORDER), s6);
      s7 =
          ak.fma(
              DoubleVector.fromMemorySegment(S, b, from + 3 * stepBytes + VECTOR_BYTES, ORDER), s7);
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
      double alpha,
      Gemm.Update update,
      MemorySegment c,
      long cAt) {
    DoubleVector sum = DoubleVector.zero(S);
    for (int k = 0; k < kc; k++) {
      DoubleVector ak = DoubleVector.broadcast(S, a[aAt + k * aStep]);
      sum =
          ak.fma(
              DoubleVector.fromMemorySegment(S, b, (bAt + (long) k * NR) * Double.BYTES, ORDER),
              sum);
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
        DenseF64Scalar.writeElements(tile, i * NR, columns, factor, update, c, at + i * ldc);
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
