package dev.weft.cpu.dense;

import dev.weft.DType;
import java.lang.foreign.MemorySegment;

/**
 * The loops of one element type under {@link Gemm} and {@link HouseholderQr}, once in scalar code
 * and once for every vector width. All of them give the same bits: sums run in the orders stated
 * here, which no vector width changes. They trust their arguments, run on the calling thread and
 * allocate nothing.
 *
 * @param <A> {@code float[]} for F32, {@code double[]} for F64
 */
public interface DenseKernels<A> {
  /** Partial sums of {@link #dot4}; its element counts are multiples of it. */
  int LANES = 16;

  /** Elements from one row of a block by rows to the next: a constant of the machine code. */
  int ROW = Gemm.KC;

  /** So few terms {@link #accumulate} adds column after column, more of them sum by sum. */
  int FEW_TERMS = 8;

  /** F32 or F64. */
  DType dtype();

  /** Width of the vectors in bits; 0 for scalar code. */
  int vectorBits();

  /** Rows of a micro tile. */
  int mr();

  /** Columns of a micro tile. */
  int nr();

  /**
   * Whether {@link #micro} is faster on an array than on native memory by more than a copy takes;
   * otherwise right operands are packed into native memory.
   */
  boolean prefersArrays();

  /** A new array of zeros. */
  A array(int length);

  /** The memory of an array. */
  MemorySegment segment(A array);

  /** Element {@code i} of an array. */
  double get(A array, int i);

  /** Sets element {@code i} of an array to {@code value}, rounded once. */
  void set(A array, int i, double value);

  /**
   * Panels of {@code width} rows, in each of them the columns one after another: {@code out[at +
   * p·K·ld + k·ld + r] = x(p·width + r, k)}, where K is {@code columns}, for every row and column k
   * of x, and 0 for the rows that the last panel lacks. Without rows there is one panel of zeros.
   *
   * @param origin of element (0, 0) in the segment, in elements
   * @param rowStride elements from a row to the next; it or {@code columnStride} is 1
   */
  void pack(
      MemorySegment x,
      long origin,
      long rowStride,
      long columnStride,
      int rows,
      int columns,
      int width,
      A out,
      int at,
      int ld);

  /** The same of a matrix. */
  default void pack(Matrix x, int width, A out, int at, int ld) {
    pack(
        x.segment(),
        x.origin(),
        x.rowStride(),
        x.columnStride(),
        (int) x.rows(),
        (int) x.columns(),
        width,
        out,
        at,
        ld);
  }

  /**
   * A block by rows of a matrix whose rows lie one after another: {@code out[at + r·ROW + k] =
   * x[origin + r·rowStride + k]}, {@code r < rows}, {@code k < columns}.
   */
  void copyRows(MemorySegment x, long origin, long rowStride, int rows, int columns, A out, int at);

  /**
   * Panels of nr rows, in native memory, of a matrix whose columns lie one after another: {@code
   * out[at + p·nr·K + k·nr + r] = x(p·nr + r, k)}. Only of kernels that do not prefer arrays.
   *
   * @param rows a multiple of nr
   */
  default void packColumns(
      MemorySegment x,
      long origin,
      long columnStride,
      int rows,
      int columns,
      MemorySegment out,
      long at) {
    throw new UnsupportedOperationException();
  }

  /**
   * A panel of nr rows, in native memory, of a matrix whose rows lie one after another: {@code
   * out[at + k·nr + r] = x(r, k)}. Only of kernels that do not prefer arrays.
   *
   * @param rows at most nr; what the panel holds in place of those that it lacks is undefined
   */
  default void packRows(
      MemorySegment x,
      long origin,
      long rowStride,
      int rows,
      int columns,
      MemorySegment out,
      long at) {
    throw new UnsupportedOperationException();
  }

  /**
   * {@code out[i]} is the value that {@code in[i]} stands for, {@code 0 <= i < count}.
   *
   * @param dtype F16 or BF16
   */
  default void widen(DType dtype, short[] in, A out, int count) {
    for (int i = 0; i < count; i++) {
      set(
          out,
          i,
          dtype == DType.F16 ? Float.float16ToFloat(in[i]) : Float.intBitsToFloat(in[i] << 16));
    }
  }

  /** {@code x(r, k) = in[at + k·ld + r]} for every row r and column k of x. */
  void unpack(A in, int at, int ld, Matrix x);

  /**
   * {@code tile[i·nr + j] = Σ a(i, k)·b(j, k)}, k from 0 to {@code kc} − 1, for {@code i < rows},
   * {@code j < nr}: one chain of fused multiply-adds that begins with 0. The other rows of the tile
   * may change.
   *
   * @param a rows of a packed panel, {@code a(i, k) = a[aAt + i + k·mr]}, or of a block by rows,
   *     {@code a(i, k) = a[aAt + i·ROW + k]}
   * @param aRow elements from a row of a to the next: 1 in a panel, {@link #ROW} in a block by rows
   * @param b a packed panel of nr rows
   */
  void micro(int rows, int kc, A a, int aAt, int aRow, A b, int bAt, A tile);

  /**
   * The same with {@code b(j, k) = b[bAt + k·ldb + j]} in native memory: a packed panel, where ldb
   * is nr, or a matrix whose columns lie one after another. Only of kernels that do not prefer
   * arrays.
   */
  default void micro(
      int rows, int kc, A a, int aAt, int aRow, MemorySegment b, long bAt, long ldb, A tile) {
    throw new UnsupportedOperationException();
  }

  /**
   * The same into {@code c(i, j) = c[cAt + i·ldc + j]}, in native memory, for {@code i < rows},
   * {@code j < nr}, if the kernels can do that for so many rows; otherwise nothing.
   *
   * @return whether they can
   */
  default boolean micro(
      int rows,
      int kc,
      A a,
      int aAt,
      int aRow,
      MemorySegment b,
      long bAt,
      long ldb,
      MemorySegment c,
      long cAt,
      long ldc) {
    return false;
  }

  /**
   * {@code sums[j] = Σ a[aAt + k·aStep]·b[bAt + k·ldb + j]}, k from 0 to {@code kc} − 1, {@code 0
   * <= j < columns}: chains of fused multiply-adds that begin with what sums holds.
   *
   * @param b a matrix whose columns lie one after another
   */
  void accumulate(
      int kc,
      A a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      long ldb,
      A sums,
      int to,
      int columns);

  /**
   * {@code c[cAt + j] = alpha·sums[j]}, or the fused {@code alpha·sums[j] + c[cAt + j]}, {@code 0
   * <= j < columns}.
   */
  void writeRow(
      A sums, int from, int columns, double alpha, Gemm.Update update, MemorySegment c, long cAt);

  /**
   * A row of a product of one term: {@code c[cAt + j] = alpha·(a[aAt]·b[bAt + j])}, or that added
   * to it (fused), {@code 0 <= j < columns}; the operations of {@link #micro} and {@link #write}.
   */
  void outerRow(
      A a,
      int aAt,
      MemorySegment b,
      long bAt,
      double alpha,
      Gemm.Update update,
      MemorySegment c,
      long cAt,
      int columns);

  /**
   * One row of a product with panels in native memory: {@code c[cAt + j] = alpha·Σ a[aAt +
   * k·aStep]·b(j, k)}, or that added to it (fused), k from 0 to {@code kc} − 1, {@code 0 <= j <
   * columns}; the operations of {@link #micro} and {@link #write}.
   *
   * @param b {@code b(j, k) = b[bAt + (j div nr)·nr·kc + k·nr + j mod nr]}
   * @param tile mr·nr elements to work in
   */
  void row(
      int kc,
      A a,
      int aAt,
      int aStep,
      MemorySegment b,
      long bAt,
      A tile,
      double alpha,
      Gemm.Update update,
      MemorySegment c,
      long cAt,
      int columns);

  /**
   * {@code c(i, j) = alpha·tile(i, j)}, or the fused {@code alpha·tile(i, j) + c(i, j)}, for {@code
   * i < rows}, {@code j < columns}; the elements of a row of c are one after another, {@code c(0,
   * 0)} at {@code at} and {@code c(1, 0)} {@code ldc} elements on.
   */
  void write(
      A tile,
      int rows,
      int columns,
      double alpha,
      Gemm.Update update,
      MemorySegment c,
      long at,
      long ldc);

  /**
   * {@code tile(i, j) = tile(i, j) + c(i, j) + bias[biasAt + j]}, each addition rounded, for {@code
   * i < rows}, {@code j < columns}; {@code c} as in {@link #write}.
   *
   * @param add whether c is added
   * @param bias null for none
   */
  void gather(
      A tile,
      int rows,
      int columns,
      boolean add,
      MemorySegment c,
      long at,
      long ldc,
      A bias,
      int biasAt);

  /**
   * {@code out[outAt + q] = Σ p[v + i]·p[c + q·ld + i]}, {@code 0 <= i < count}, for q = 0 … 3.
   * Lane l is the chain of fused multiply-adds over i ≡ l (mod {@link #LANES}) that begins with 0;
   * lanes l and l + 8 are added first, then the sums of lanes l and l + 4, l and l + 2, l and l +
   * 1.
   *
   * @param count a multiple of {@link #LANES}
   * @param lanes 4·LANES elements to work in
   */
  void dot4(A p, int v, int c, int ld, int count, A lanes, A out, int outAt);

  /**
   * {@code p[c + q·ld + i] −= w[wAt + q]·p[v + i]}, fused, {@code 0 <= i < count}, for q = 0 … 3.
   * {@code count} is a multiple of {@link #LANES}.
   */
  void axpy4(A p, int v, int c, int ld, int count, A w, int wAt);

  /** Divides {@code p[at] … p[at + count − 1]} by {@code divisor}, rounded to the type first. */
  void divide(A p, int at, int count, double divisor);

  /**
   * Multiplies {@code count} elements of {@code x} from element {@code at} on by {@code factor},
   * rounded to the type first; what would overflow becomes the largest finite value.
   */
  void scale(MemorySegment x, long at, long count, double factor);
}
