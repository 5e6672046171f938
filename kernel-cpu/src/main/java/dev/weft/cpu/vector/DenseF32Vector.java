package dev.weft.cpu.vector;

import dev.weft.DType;
import dev.weft.cpu.dense.DenseKernels;
import dev.weft.cpu.dense.Gemm;
import dev.weft.cpu.dense.Matrix;
import dev.weft.cpu.scalar.DenseF32Scalar;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** {@link DenseKernels} of F32 in vectors. */
final class DenseF32Vector implements DenseKernels<float[]> {
  private static final VectorSpecies<Float> S =
      VectorSpecies.of(float.class, VectorWidth.shape(MethodHandles.lookup()));
  private static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, S.vectorShape());
  private static final VectorSpecies<Short> HALF =
      VectorSpecies.of(short.class, VectorShape.forBitSize(S.vectorBitSize() / 2));
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

  private static final ValueLayout.OfFloat ELEMENT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  /** Elements of the longest row that is short. */
  private static final int SHORT_ROW = 128;

  /** A block of more bytes from end to end does not come from the second-level cache. */
  private static final long FAR_BYTES = 1 << 20;

  private final TransposeF32 transpose = transpose();

  /** By byRows, operand and intoC; each loaded when it is first needed. */
  @SuppressWarnings({"unchecked", "rawtypes"})
  private final Micro<float[]>[] micros = new Micro[4 * Micro.Operand.values().length];

  /** Made by {@link VectorWidth#load}. */
  DenseF32Vector() {}

  /** Null for vectors of other sizes. */
  private static TransposeF32 transpose() {
    return switch (S.vectorBitSize()) {
      case 512 -> VectorWidth.load(TransposeF32.class, TransposeF32Vector.class, 512);
      case 256 -> VectorWidth.load(TransposeF32.class, TransposeF32Registers.class, 256);
      default -> null;
    };
  }

  private Micro<float[]> micro(int aRow, Micro.Operand operand, boolean intoC) {
    int i = operand.ordinal() * 4 + (aRow == 1 ? 0 : 2) + (intoC ? 1 : 0);
    Micro<float[]> micro = micros[i];
    return micro != null
        ? micro
        : load(i, new Micro.Use(S.vectorBitSize(), aRow != 1, operand, intoC));
  }

  @SuppressWarnings("unchecked")
  private synchronized Micro<float[]> load(int i, Micro.Use use) {
    if (micros[i] == null) {
      micros[i] = VectorWidth.load(Micro.class, MicroF32Vector.class, use);
    }
    return micros[i];
  }

  @Override
  public DType dtype() {
    return DType.F32;
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
      DenseF32Scalar.pad(count, width, columns, out, at + row / width * panel, ld);
      row += width;
    } while (row < rows);
    row = 0;
    boolean far = columns * columnStride * Float.BYTES >= FAR_BYTES;
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
      float[] out,
      int at,
      int ld) {
    int whole = 0;
    boolean canTranspose = transpose != null && (HAS_MASKS || rows == V);
    if (canTranspose && columnStride == 1 && x.isNative()) {
      whole = columns / V * V;
      transpose.pack(x, origin, rowStride, rows, whole, out, at, ld);
    }
    if (whole < columns) {
      long rest = origin + whole * columnStride;
      DenseF32Scalar.packPanel(
          x, rest, rowStride, columnStride, rows, columns - whole, out, at + whole * ld, ld);
    }
  }

  /** By vectors where rows are so short that calling for a copy of each takes longer. */
  @Override
  public void copyRows(
      MemorySegment x, long origin, long rowStride, int rows, int columns, float[] out, int at) {
    if (columns > SHORT_ROW || !x.isNative()) {
      DenseF32Scalar.copyEach(x, origin, rowStride, rows, columns, out, at);
      return;
    }
    MemorySegment in = VectorWidth.NATIVE.cast(x);
    int whole = S.loopBound(columns);
    for (int r = 0; r < rows; r++) {
      long from = (origin + r * rowStride) * Float.BYTES;
      int to = at + r * ROW;
      for (int k = 0; k < whole; k += V) {
        FloatVector.fromMemorySegment(S, in, from + (long) k * Float.BYTES, ORDER)
            .intoArray(out, to + k);
      }
      for (int k = whole; k < columns; k++) {
        out[to + k] = in.get(ELEMENT, from + (long) k * Float.BYTES);
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
          long from = (origin + row + k * columnStride) * Float.BYTES;
          MemorySegment.copy(x, from, out, (panel + (long) k * NR) * Float.BYTES, 2 * VECTOR_BYTES);
        }
      }
    }
  }

  /** A panel of columns that lie one after another in native memory. */
  private static void packColumns(
      MemorySegment x, long origin, long columnStride, int columns, MemorySegment out, long at) {
    for (int k = 0; k < columns; k++) {
      long from = (origin + k * columnStride) * Float.BYTES;
      long to = (at + (long) k * NR) * Float.BYTES;
      FloatVector x0 = FloatVector.fromMemorySegment(S, x, from, ORDER);
      FloatVector x1 = FloatVector.fromMemorySegment(S, x, from + VECTOR_BYTES, ORDER);
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
    DenseF32Scalar.packElements(x, origin, rowStride, rows, whole, columns, out, at, NR);
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
      float[] out,
      int at,
      int panel,
      int ld) {
    for (int k = 0; k < columns; k++) {
      long from = (origin + k * columnStride) * Float.BYTES;
      int to = at + k * ld;
      FloatVector.fromMemorySegment(S, x, from, ORDER).intoArray(out, to);
      FloatVector.fromMemorySegment(S, x, from + 1 * VECTOR_BYTES, ORDER).intoArray(out, to + V);
      FloatVector.fromMemorySegment(S, x, from + 2 * VECTOR_BYTES, ORDER)
          .intoArray(out, to + panel);
      FloatVector.fromMemorySegment(S, x, from + 3 * VECTOR_BYTES, ORDER)
          .intoArray(out, to + panel + V);
      FloatVector.fromMemorySegment(S, x, from + 4 * VECTOR_BYTES, ORDER)
          .intoArray(out, to + 2 * panel);
      FloatVector.fromMemorySegment(S, x, from + 5 * VECTOR_BYTES, ORDER)
          .intoArray(out, to + 2 * panel + V);
      FloatVector.fromMemorySegment(S, x, from + 6 * VECTOR_BYTES, ORDER)
          .intoArray(out, to + 3 * panel);
      FloatVector.fromMemorySegment(S, x, from + 7 * VECTOR_BYTES, ORDER)
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
      float[] out,
      int at) {
    for (int k = 0; k < columns - 1; k++) {
      long from = (origin + k * columnStride) * Float.BYTES;
      int to = at + k * MR;
      for (int p = 0; p < panels; p++) {
        for (int i = 0; i < READ; i += V) {
          FloatVector.fromMemorySegment(S, x, from + (p * MR + i) * Float.BYTES, ORDER)
              .intoArray(out, to + p * MR * columns + i);
        }
      }
    }
    int last = columns - 1;
    for (int r = 0; r < panels * MR; r++) {
      int to = at + r / MR * MR * columns + last * MR + r % MR;
      out[to] = x.get(ELEMENT, (origin + r + last * columnStride) * Float.BYTES);
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
      float[] out,
      int at,
      int ld) {
    int whole = S.loopBound(rows);
    if (whole < rows) {
      long from = (origin + whole) * Float.BYTES;
      int k = 0;
      if (more && ld == rows) { // what is too much is overwritten below or by the next column
        for (; k < columns - 1; k++) {
          FloatVector.fromMemorySegment(S, x, from + k * columnStride * Float.BYTES, ORDER)
              .intoArray(out, at + k * ld + whole);
        }
      }
      packRest(x, origin, columnStride, whole, rows, k, columns, out, at, ld);
    }
    for (int r = 0; r < whole; r += V) {
      long from = (origin + r) * Float.BYTES;
      for (int k = 0; k < columns; k++) {
        FloatVector.fromMemorySegment(S, x, from + k * columnStride * Float.BYTES, ORDER)
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
      float[] out,
      int at,
      int ld) {
    if (!HAS_MASKS) {
      for (int k = first; k < columns; k++) {
        for (int r = whole; r < rows; r++) {
          long from = (origin + r + k * columnStride) * Float.BYTES;
          out[at + k * ld + r] = x.get(ELEMENT, from);
        }
      }
      return;
    }
    VectorMask<Float> rest = S.indexInRange(whole, rows);
    for (int k = first; k < columns; k++) {
      long from = (origin + whole + k * columnStride) * Float.BYTES;
      FloatVector.fromMemorySegment(S, x, from, ORDER, rest)
          .intoArray(out, at + k * ld + whole, rest);
    }
  }

  @Override
  public void widen(DType dtype, short[] in, float[] out, int count) {
    if (dtype == DType.F16) { // a loop that becomes vectors; those of the API know no F16
      for (int i = 0; i < count; i++) {
        out[i] = Float.float16ToFloat(in[i]);
      }
      return;
    }
    int i = 0;
    for (; i < S.loopBound(count); i += V) {
      IntVector wide = (IntVector) ShortVector.fromArray(HALF, in, i).castShape(INTS, 0);
      wide.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(out, i);
    }
    for (; i < count; i++) {
      out[i] = Float.intBitsToFloat(in[i] << 16);
    }
  }

  @Override
  public void unpack(float[] in, int at, int ld, Matrix x) {
    DenseF32Scalar.unpackPanel(in, at, ld, x);
  }

  @Override
  public void micro(
      int rows, int kc, float[] a, int aAt, int aRow, float[] b, int bAt, float[] tile) {
    micro(aRow, Micro.Operand.ARRAY, false)
        .micro(rows, kc, a, aAt, b, null, bAt, NR, tile, null, 0, 0);
  }

  @Override
  public void micro(
      int rows,
      int kc,
      float[] a,
      int aAt,
      int aRow,
      MemorySegment b,
      long bAt,
      long ldb,
      float[] tile) {
    micro(aRow, inMemory(ldb), false).micro(rows, kc, a, aAt, null, b, bAt, ldb, tile, null, 0, 0);
  }

  @Override
  public boolean micro(
      int rows,
      int kc,
      float[] a,
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
      float[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      long ldb,
      float[] sums,
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
    DenseF32Scalar.addPart(
        kc, a, aAt, aStep, b, bAt + whole, ldb, sums, to + whole, columns - whole);
  }

  /** {@link #FEW_TERMS} terms: as many streams from memory. */
  private static void accumulate8(
      float[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      long ldb,
      float[] sums,
      int to,
      int columns) {
    FloatVector a0 = FloatVector.broadcast(S, a[aAt]);
    FloatVector a1 = FloatVector.broadcast(S, a[aAt + aStep]);
    FloatVector a2 = FloatVector.broadcast(S, a[aAt + 2 * aStep]);
    FloatVector a3 = FloatVector.broadcast(S, a[aAt + 3 * aStep]);
    FloatVector a4 = FloatVector.broadcast(S, a[aAt + 4 * aStep]);
    FloatVector a5 = FloatVector.broadcast(S, a[aAt + 5 * aStep]);
    FloatVector a6 = FloatVector.broadcast(S, a[aAt + 6 * aStep]);
    FloatVector a7 = FloatVector.broadcast(S, a[aAt + 7 * aStep]);
    long rowBytes = ldb * Float.BYTES;
    for (int j = 0; j < columns; j += V) {
      long from = (bAt + j) * Float.BYTES;
      FloatVector sum = FloatVector.fromArray(S, sums, to + j);
      sum = a0.fma(FloatVector.fromMemorySegment(S, b, from, ORDER), sum);
      sum = a1.fma(FloatVector.fromMemorySegment(S, b, from + rowBytes, ORDER), sum);
      sum = a2.fma(FloatVector.fromMemorySegment(S, b, from + 2 * rowBytes, ORDER), sum);
      sum = a3.fma(FloatVector.fromMemorySegment(S, b, from + 3 * rowBytes, ORDER), sum);
      sum = a4.fma(FloatVector.fromMemorySegment(S, b, from + 4 * rowBytes, ORDER), sum);
      sum = a5.fma(FloatVector.fromMemorySegment(S, b, from + 5 * rowBytes, ORDER), sum);
      sum = a6.fma(FloatVector.fromMemorySegment(S, b, from + 6 * rowBytes, ORDER), sum);
      sum = a7.fma(FloatVector.fromMemorySegment(S, b, from + 7 * rowBytes, ORDER), sum);
      sum.intoArray(sums, to + j);
    }
  }

  /** 8 vectors of sums: 8 independent chains, 8·V elements of b per step. */
  private static void accumulate8v(
      int kc,
      float[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      long ldb,
      float[] sums,
      int to) {
    FloatVector s0 = FloatVector.fromArray(S, sums, to);
    FloatVector s1 = FloatVector.fromArray(S, sums, to + V);
    FloatVector s2 = FloatVector.fromArray(S, sums, to + 2 * V);
    FloatVector s3 = FloatVector.fromArray(S, sums, to + 3 * V);
    FloatVector s4 = FloatVector.fromArray(S, sums, to + 4 * V);
    FloatVector s5 = FloatVector.fromArray(S, sums, to + 5 * V);
    FloatVector s6 = FloatVector.fromArray(S, sums, to + 6 * V);
    FloatVector s7 = FloatVector.fromArray(S, sums, to + 7 * V);
    for (int k = 0; k < kc; k++) {
      FloatVector ak = FloatVector.broadcast(S, a[aAt + k * aStep]);
      long from = (bAt + k * ldb) * Float.BYTES;
      s0 = ak.fma(FloatVector.fromMemorySegment(S, b, from, ORDER), s0);
      s1 = ak.fma(FloatVector.fromMemorySegment(S, b, from + VECTOR_BYTES, ORDER), s1);
      s2 = ak.fma(FloatVector.fromMemorySegment(S, b, from + 2 * VECTOR_BYTES, ORDER), s2);
      s3 = ak.fma(FloatVector.fromMemorySegment(S, b, from + 3 * VECTOR_BYTES, ORDER), s3);
      s4 = ak.fma(FloatVector.fromMemorySegment(S, b, from + 4 * VECTOR_BYTES, ORDER), s4);
      s5 = ak.fma(FloatVector.fromMemorySegment(S, b, from + 5 * VECTOR_BYTES, ORDER), s5);
      s6 = ak.fma(FloatVector.fromMemorySegment(S, b, from + 6 * VECTOR_BYTES, ORDER), s6);
      s7 = ak.fma(FloatVector.fromMemorySegment(S, b, from + 7 * VECTOR_BYTES, ORDER), s7);
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
      float[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      long ldb,
      float[] sums,
      int to) {
    FloatVector sum = FloatVector.fromArray(S, sums, to);
    for (int k = 0; k < kc; k++) {
      FloatVector ak = FloatVector.broadcast(S, a[aAt + k * aStep]);
      sum = ak.fma(FloatVector.fromMemorySegment(S, b, (bAt + k * ldb) * Float.BYTES, ORDER), sum);
    }
    sum.intoArray(sums, to);
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
    FloatVector alphas = FloatVector.broadcast(S, (float) alpha);
    int whole = S.loopBound(columns);
    for (int j = 0; j < whole; j += V) {
      update(FloatVector.fromArray(S, sums, from + j), alphas, update, c, (cAt + j) * Float.BYTES);
    }
    DenseF32Scalar.writeElements(
        sums, from + whole, columns - whole, (float) alpha, update, c, cAt + whole);
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
    FloatVector factor = FloatVector.broadcast(S, a[aAt]);
    FloatVector alphas = FloatVector.broadcast(S, (float) alpha);
    FloatVector zero = FloatVector.zero(S);
    int whole = S.loopBound(columns);
    for (int j = 0; j < whole; j += V) {
      FloatVector term = FloatVector.fromMemorySegment(S, b, (bAt + j) * Float.BYTES, ORDER);
      update(factor.fma(term, zero), alphas, update, c, (cAt + j) * Float.BYTES);
    }
    DenseF32Scalar.outerElements(
        a[aAt], b, bAt + whole, (float) alpha, update, c, cAt + whole, columns - whole);
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
    int j = 0;
    for (; j + 4 * NR <= columns; j += 4 * NR) {
      long from = bAt + (long) j * kc;
      rowOf4Panels(kc, a, aAt, aStep, b, from, (float) alpha, update, c, cAt + j);
    }
    for (; j + V <= columns; j += V) {
      long from = bAt + (long) (j / NR) * NR * kc + j % NR;
      row1v(kc, a, aAt, aStep, b, from, (float) alpha, update, c, cAt + j);
    }
    if (j < columns) {
      long from = bAt + (long) (j / NR) * NR * kc + j % NR;
      DenseF32Scalar.rowPart(kc, a, aAt, aStep, b, from, NR, tile, 0, columns - j);
      DenseF32Scalar.writeElements(tile, 0, columns - j, (float) alpha, update, c, cAt + j);
    }
  }

  /** A row with four panels: four streams from memory. */
  private static void rowOf4Panels(
      int kc,
      float[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      float alpha,
      Gemm.Update update,
      MemorySegment c,
      long cAt) {
    FloatVector s0 = FloatVector.zero(S);
    FloatVector s1 = FloatVector.zero(S);
    FloatVector s2 = FloatVector.zero(S);
    FloatVector s3 = FloatVector.zero(S);
    FloatVector s4 = FloatVector.zero(S);
    FloatVector s5 = FloatVector.zero(S);
    FloatVector s6 = FloatVector.zero(S);
    FloatVector s7 = FloatVector.zero(S);
    long stepBytes = (long) NR * kc * Float.BYTES;
    for (int k = 0; k < kc; k++) {
      FloatVector ak = FloatVector.broadcast(S, a[aAt + k * aStep]);
      long from = (bAt + (long) k * NR) * Float.BYTES;
      s0 = ak.fma(FloatVector.fromMemorySegment(S, b, from, ORDER), s0);
      s1 = ak.fma(FloatVector.fromMemorySegment(S, b, from + VECTOR_BYTES, ORDER), s1);
      s2 = ak.fma(FloatVector.fromMemorySegment(S, b, from + stepBytes, ORDER), s2);
      s3 = ak.fma(FloatVector.fromMemorySegment(S, b, from + stepBytes + VECTOR_BYTES, ORDER), s3);
      s4 = ak.fma(FloatVector.fromMemorySegment(S, b, from + 2 * stepBytes, ORDER), s4);
      s5 =
          ak.fma(
              FloatVector.fromMemorySegment(S, b, from + 2 * stepBytes + VECTOR_BYTES, ORDER), s5);
      s6 = ak.fma(FloatVector.fromMemorySegment(S, b, from + 3 * stepBytes, ORDER), s6);
      s7 =
          ak.fma(
              FloatVector.fromMemorySegment(S, b, from + 3 * stepBytes + VECTOR_BYTES, ORDER), s7);
    }
    FloatVector alphas = FloatVector.broadcast(S, alpha);
    long to = cAt * Float.BYTES;
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
      float[] a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      float alpha,
      Gemm.Update update,
      MemorySegment c,
      long cAt) {
    FloatVector sum = FloatVector.zero(S);
    for (int k = 0; k < kc; k++) {
      FloatVector ak = FloatVector.broadcast(S, a[aAt + k * aStep]);
      sum =
          ak.fma(
              FloatVector.fromMemorySegment(S, b, (bAt + (long) k * NR) * Float.BYTES, ORDER), sum);
    }
    update(sum, FloatVector.broadcast(S, alpha), update, c, cAt * Float.BYTES);
  }

  @Inlined
  static void update(
      FloatVector sum, FloatVector alphas, Gemm.Update update, MemorySegment c, long byteOffset) {
    if (update == Gemm.Update.ADD) {
      alphas
          .fma(sum, FloatVector.fromMemorySegment(S, c, byteOffset, ORDER))
          .intoMemorySegment(c, byteOffset, ORDER);
    } else {
      alphas.mul(sum).intoMemorySegment(c, byteOffset, ORDER);
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
    float factor = (float) alpha;
    if (columns < NR) {
      for (int i = 0; i < rows; i++) {
        DenseF32Scalar.writeElements(tile, i * NR, columns, factor, update, c, at + i * ldc);
      }
      return;
    }
    FloatVector alphas = FloatVector.broadcast(S, factor);
    for (int i = 0; i < rows; i++) {
      long to0 = (at + i * ldc) * Float.BYTES;
      long to1 = to0 + (long) V * Float.BYTES;
      FloatVector c0 = FloatVector.fromArray(S, tile, i * NR);
      FloatVector c1 = FloatVector.fromArray(S, tile, i * NR + V);
      if (update == Gemm.Update.ADD) {
        c0 = alphas.fma(c0, FloatVector.fromMemorySegment(S, c, to0, ORDER));
        c1 = alphas.fma(c1, FloatVector.fromMemorySegment(S, c, to1, ORDER));
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
      float[] tile,
      int rows,
      int columns,
      boolean add,
      MemorySegment c,
      long at,
      long ldc,
      float[] bias,
      int biasAt) {
    if (columns < NR) {
      for (int i = 0; i < rows; i++) {
        DenseF32Scalar.gatherRow(tile, i * NR, columns, add, c, at + i * ldc, bias, biasAt);
      }
      return;
    }
    if (add) {
      for (int i = 0; i < rows; i++) {
        long from = (at + i * ldc) * Float.BYTES;
        FloatVector.fromArray(S, tile, i * NR)
            .add(FloatVector.fromMemorySegment(S, c, from, ORDER))
            .intoArray(tile, i * NR);
        FloatVector.fromArray(S, tile, i * NR + V)
            .add(FloatVector.fromMemorySegment(S, c, from + VECTOR_BYTES, ORDER))
            .intoArray(tile, i * NR + V);
      }
    }
    if (bias != null) {
      FloatVector b0 = FloatVector.fromArray(S, bias, biasAt);
      FloatVector b1 = FloatVector.fromArray(S, bias, biasAt + V);
      for (int i = 0; i < rows; i++) {
        FloatVector.fromArray(S, tile, i * NR).add(b0).intoArray(tile, i * NR);
        FloatVector.fromArray(S, tile, i * NR + V).add(b1).intoArray(tile, i * NR + V);
      }
    }
  }

  @Override
  public void dot4(
      float[] p, int v, int c, int ld, int count, float[] lanes, float[] out, int outAt) {
    for (int lane = 0; lane < LANES; lane += V) {
      FloatVector s0 = FloatVector.zero(S);
      FloatVector s1 = FloatVector.zero(S);
      FloatVector s2 = FloatVector.zero(S);
      FloatVector s3 = FloatVector.zero(S);
      for (int i = lane; i < count; i += LANES) {
        FloatVector vi = FloatVector.fromArray(S, p, v + i);
        s0 = vi.fma(FloatVector.fromArray(S, p, c + i), s0);
        s1 = vi.fma(FloatVector.fromArray(S, p, c + ld + i), s1);
        s2 = vi.fma(FloatVector.fromArray(S, p, c + 2 * ld + i), s2);
        s3 = vi.fma(FloatVector.fromArray(S, p, c + 3 * ld + i), s3);
      }
      s0.intoArray(lanes, lane);
      s1.intoArray(lanes, LANES + lane);
      s2.intoArray(lanes, 2 * LANES + lane);
      s3.intoArray(lanes, 3 * LANES + lane);
    }
    for (int q = 0; q < 4; q++) {
      out[outAt + q] = DenseF32Scalar.sum(lanes, q * LANES);
    }
  }

  @Override
  public void axpy4(float[] p, int v, int c, int ld, int count, float[] w, int wAt) {
    FloatVector w0 = FloatVector.broadcast(S, -w[wAt]);
    FloatVector w1 = FloatVector.broadcast(S, -w[wAt + 1]);
    FloatVector w2 = FloatVector.broadcast(S, -w[wAt + 2]);
    FloatVector w3 = FloatVector.broadcast(S, -w[wAt + 3]);
    for (int i = 0; i < count; i += V) {
      FloatVector vi = FloatVector.fromArray(S, p, v + i);
      int at = c + i;
      w0.fma(vi, FloatVector.fromArray(S, p, at)).intoArray(p, at);
      at += ld;
      w1.fma(vi, FloatVector.fromArray(S, p, at)).intoArray(p, at);
      at += ld;
      w2.fma(vi, FloatVector.fromArray(S, p, at)).intoArray(p, at);
      at += ld;
      w3.fma(vi, FloatVector.fromArray(S, p, at)).intoArray(p, at);
    }
  }

  @Override
  public void divide(float[] p, int at, int count, double divisor) {
    FloatVector d = FloatVector.broadcast(S, (float) divisor);
    for (int i = at; i < at + count; i += V) {
      FloatVector.fromArray(S, p, i).div(d).intoArray(p, i);
    }
  }

  @Override
  public void scale(MemorySegment x, long at, long count, double factor) {
    FloatVector f = FloatVector.broadcast(S, (float) factor);
    FloatVector most = FloatVector.broadcast(S, Float.MAX_VALUE);
    FloatVector least = FloatVector.broadcast(S, -Float.MAX_VALUE);
    long whole = count - count % V;
    for (long i = at; i < at + whole; i += V) {
      FloatVector.fromMemorySegment(S, x, i * Float.BYTES, ORDER)
          .mul(f)
          .min(most)
          .max(least)
          .intoMemorySegment(x, i * Float.BYTES, ORDER);
    }
    DenseF32Scalar.scaleEach(x, at + whole, count - whole, (float) factor);
  }
}
