package dev.weft.cpu;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import dev.weft.DType;
import dev.weft.cpu.dense.DenseKernels;
import dev.weft.cpu.dense.Epilogue;
import dev.weft.cpu.dense.Gemm;
import dev.weft.cpu.memory.HostMemory;
import dev.weft.cpu.parallel.Spares;
import dev.weft.cpu.parallel.Workers;
import dev.weft.spi.Buffer;
import dev.weft.spi.StridedMatrix;
import java.lang.foreign.MemorySegment;

/**
 * Matrix products as pieces of C, whichever thread does them: an element's operations do not depend
 * on the piece. Reused from call to call.
 */
final class GemmTask<A> implements Workers.Body {
  /** Below this many multiply-adds, waking a thread costs more than it saves. */
  private static final double MIN_SHARED = 500_000;

  /** Columns of a piece, at least: the left operand is packed anew for each. */
  private static final long MIN_COLUMNS = 256;

  /** Rows of a piece, in micro tiles, at least: the right operand is packed anew for each. */
  private static final int MIN_TILES = 4;

  private final DenseKernels<A> kernels;
  private final Spares<Gemm<A>> gemms;
  private Epilogue<A> epilogue; // null if there is none

  private double alpha;
  private double beta;
  private StridedMatrix left;
  private StridedMatrix right;
  private MemorySegment panels; // instead of right; null if there are none
  private StridedMatrix out;
  private boolean swapped;
  private long rows;
  private long columns;
  private long depth;
  private long pieceRows;
  private long pieceColumns;
  private long rowPieces;
  private long columnPieces;

  GemmTask(DenseKernels<A> kernels, int threads) {
    this.kernels = kernels;
    this.gemms = new Spares<>(threads, () -> new Gemm<>(kernels));
  }

  /**
   * Prepares C = alpha·A·B + beta·C.
   *
   * @return the number of pieces
   */
  long prepare(
      double alpha, StridedMatrix a, StridedMatrix b, double beta, StridedMatrix c, int threads) {
    this.alpha = alpha;
    this.beta = beta;
    swapped = c.columnStride() != 1; // Cᵀ = Bᵀ·Aᵀ, the same operations
    left = swapped ? b : a;
    right = swapped ? a : b;
    out = c;
    return cut(a.columns(), threads);
  }

  /**
   * The same with what {@link #pack} made of B, and a C whose rows are contiguous.
   *
   * @return the number of pieces
   */
  long prepare(double alpha, StridedMatrix a, Buffer b, double beta, StridedMatrix c, int threads) {
    this.alpha = alpha;
    this.beta = beta;
    swapped = false;
    left = a;
    panels = b.segment();
    out = c;
    return cut(a.columns(), threads);
  }

  private long cut(long k, int threads) {
    StridedMatrix c = out;
    rows = swapped ? c.columns() : c.rows();
    columns = swapped ? c.rows() : c.columns();
    depth = k;
    if (rows == 0 || columns == 0) {
      return 0;
    }
    double work = (double) rows * columns * k * c.batch();
    long wanted = work < MIN_SHARED || threads == 1 ? 1 : Math.ceilDiv(2L * threads, c.batch());
    columnPieces = Math.clamp(columns / MIN_COLUMNS, 1, wanted);
    pieceColumns = pieces(columns, columnPieces, kernels.nr());
    columnPieces = Math.ceilDiv(columns, pieceColumns);
    long most = Math.max(1, rows / (MIN_TILES * kernels.mr()));
    rowPieces = Math.clamp(Math.ceilDiv(wanted, columnPieces), 1, most);
    pieceRows = pieces(rows, rowPieces, kernels.mr());
    rowPieces = Math.ceilDiv(rows, pieceRows);
    return c.batch() * rowPieces * columnPieces;
  }

  /**
   * What is done to C = A·B before it is written, until {@link #clear}; alpha is 1, beta 0, and C
   * row-major.
   */
  void then(Epilogue<A> epilogue) {
    this.epilogue = epilogue;
  }

  /** Length of a piece of {@code whole}: a multiple of {@code unit}. */
  private static long pieces(long whole, long count, int unit) {
    return Math.ceilDiv(Math.ceilDiv(whole, count), unit) * unit;
  }

  /** Forgets the caller's objects. */
  void clear() {
    left = null;
    right = null;
    panels = null;
    out = null;
    epilogue = null;
  }

  @Override
  public void run(long index) {
    long piece = index % (rowPieces * columnPieces);
    long batch = index / (rowPieces * columnPieces);
    long row = piece / columnPieces * pieceRows;
    long column = piece % columnPieces * pieceColumns;
    long height = Math.min(pieceRows, rows - row);
    long width = Math.min(pieceColumns, columns - column);
    MemorySegment c = out.buffer().segment();
    long ldc = swapped ? out.columnStride() : out.rowStride();
    long at = out.origin() + batch * out.batchStride() + row * ldc + column;
    if (beta != 0 && beta != 1 || alpha == 0 || depth == 0) {
      scale(c, at, ldc, height, width);
      if (alpha == 0 || depth == 0) {
        return;
      }
    }
    Gemm<A> gemm = gemms.take();
    try {
      long leftRow = swapped ? left.columnStride() : left.rowStride();
      long leftColumn = swapped ? left.rowStride() : left.columnStride();
      gemm.left(
          left.buffer().segment(),
          left.dtype(),
          origin(left, batch) + row * leftRow,
          leftRow,
          leftColumn);
      if (panels != null) {
        gemm.right(panels, columns, column);
      } else {
        right(gemm, batch, column);
      }
      if (epilogue != null) {
        gemm.epilogue(epilogue, row, column);
      }
      Gemm.Update update = beta == 0 ? Gemm.Update.OVERWRITE : Gemm.Update.ADD;
      gemm.multiply(height, width, depth, alpha, update, c, at, ldc);
    } finally {
      gemms.give(gemm);
    }
  }

  private void right(Gemm<A> gemm, long batch, long column) {
    long rightRow = swapped ? right.rowStride() : right.columnStride();
    long rightColumn = swapped ? right.columnStride() : right.rowStride();
    gemm.right(
        right.buffer().segment(),
        right.dtype(),
        origin(right, batch) + column * rightRow,
        rightRow,
        rightColumn);
  }

  /** Packs b, [1, K, N], on the calling thread. */
  Buffer pack(StridedMatrix b, HostMemory memory) {
    long length = Gemm.packedLength(kernels, b.columns(), b.rows());
    Buffer packed = memory.allocate(kernels.dtype().byteSize(length));
    Gemm<A> gemm = gemms.take();
    try {
      gemm.right(b.buffer().segment(), b.dtype(), b.origin(), b.columnStride(), b.rowStride());
      gemm.pack(b.columns(), b.rows(), packed.segment());
      return packed;
    } catch (Throwable e) { // the caller's memory may be closed meanwhile
      packed.close();
      throw e;
    } finally {
      gemms.give(gemm);
    }
  }

  private static long origin(StridedMatrix x, long batch) {
    return x.origin() + (x.batch() == 1 ? 0 : batch * x.batchStride());
  }

  /** C = beta·C; 0 where beta is, whatever C holds. */
  private void scale(MemorySegment c, long at, long ldc, long height, long width) {
    boolean f32 = kernels.dtype() == DType.F32;
    float beta32 = (float) beta;
    for (long i = 0; i < height; i++) {
      long from = at + i * ldc;
      for (long j = from; j < from + width; j++) {
        if (f32) {
          float old = beta == 0 ? 0 : c.get(JAVA_FLOAT_UNALIGNED, j * Float.BYTES);
          c.set(JAVA_FLOAT_UNALIGNED, j * Float.BYTES, beta == 0 ? 0 : beta32 * old);
        } else {
          double old = beta == 0 ? 0 : c.get(JAVA_DOUBLE_UNALIGNED, j * Double.BYTES);
          c.set(JAVA_DOUBLE_UNALIGNED, j * Double.BYTES, beta == 0 ? 0 : beta * old);
        }
      }
    }
  }
}
