package dev.weft.cpu.dense;

import dev.weft.DType;
import java.lang.foreign.MemorySegment;

/**
 * C[M, N] = alpha·A[M, K]·B[N, K]ᵀ, or that added to C, on one thread, in BLIS form: the operands
 * are cut into blocks that fit the caches, packed into panels, and multiplied tile by tile.
 *
 * <p>Every element of C is the same chain of operations whatever the tile, the vector width and the
 * cutting of C: for every block of {@link #KC} columns, in order, one chain of fused multiply-adds
 * that begins with 0, which is then multiplied by alpha and added to C (fused).
 *
 * <p>Transposes are strides: B here is what is usually called Bᵀ, so that both operands are packed
 * alike, and exchanging them gives Cᵀ with the same bits.
 */
public final class Gemm<A> {
  /** Columns of a block of both operands: part of the definition of every result. */
  public static final int KC = 256;

  /** Rows of a left block at most: 168 KiB of f32 in L2. */
  static final int MC = 168;

  /** Rows of a right block, a multiple of every nr. */
  static final int NC = 512;

  /** Up to so many rows of C the right operand is not packed. */
  static final int FEW_ROWS = 4;

  /** Lines of a right operand in place that are read at a time, if they are long. */
  private static final int LINES = DenseKernels.FEW_TERMS;

  /** Elements of a line that is long enough for memory to give it faster than shorter ones. */
  private static final int LONG_LINE = 512;

  /** Rows of panels that are multiplied by all of few rows in turn. */
  static final int STRIP = Widened.SIDE;

  /** Elements of a few rows of C that are summed at a time: 16 KiB of f32. */
  private static final int WIDE = 4096;

  /** What becomes of the old values of C. */
  public enum Update {
    /** They are not read. */
    OVERWRITE,
    /** The product is added to them. */
    ADD
  }

  /** One of the two factors: [M or N, K]. */
  public sealed interface Operand permits Matrix, Packed {
    /** M or N. */
    long rows();

    /** K, what is summed over. */
    long columns();
  }

  private final DenseKernels<A> kernels;
  private final int mr;
  private final int mc; // a multiple of mr
  private final int nr;
  private final A tile;
  private final Panels<A> left;
  private final Panels<A> right;
  private A sums; // of a part of a row, made when it is first needed, like the next
  private A zeros;
  private Epilogue<A> epilogue; // of the next product, or null
  private long epilogueRow;
  private long epilogueColumn;
  private A scratch; // of epilogues
  private A rowScratch;

  /** A gemm with buffers of its own, for one thread at a time. */
  public Gemm(DenseKernels<A> kernels) {
    this.kernels = kernels;
    this.mr = kernels.mr();
    this.mc = MC / mr * mr;
    this.nr = kernels.nr();
    this.tile = kernels.array(mr * nr);
    this.left = new Panels<>(kernels, mr, true);
    this.right = new Panels<>(kernels, nr, false);
  }

  /**
   * C = alpha·left·rightᵀ, or C += alpha·left·rightᵀ.
   *
   * @param left [M, K]; if packed, in panels of mr rows
   * @param right [N, K]; if packed, in panels of nr rows
   * @param c [M, N], the elements of a row one after another; no part of an operand
   */
  public void multiply(Operand left, Operand right, double alpha, Update update, Matrix c) {
    this.left.use(left);
    this.right.use(right);
    long k = left.columns();
    multiply(c.rows(), c.columns(), k, alpha, update, c.segment(), c.origin(), c.rowStride());
  }

  /**
   * Sets the left operand [M, K] of the next {@link #multiply}.
   *
   * @param dtype that of the kernels; F16 or BF16 are widened to F32
   */
  public void left(
      MemorySegment segment, DType dtype, long origin, long rowStride, long columnStride) {
    left.use(segment, dtype, origin, rowStride, columnStride);
  }

  /** Sets the right operand [N, K] of the next {@link #multiply}, like the left one. */
  public void right(
      MemorySegment segment, DType dtype, long origin, long rowStride, long columnStride) {
    right.use(segment, dtype, origin, rowStride, columnStride);
  }

  /**
   * Sets the right operand of the next {@link #multiply}: rows from {@code first} on, a multiple of
   * nr, of what {@link #pack} made of n rows.
   */
  public void right(MemorySegment panels, long n, long first) {
    right.usePanels(panels, n, first);
  }

  /** Elements that {@link #pack} writes. */
  public static long packedLength(DenseKernels<?> kernels, long n, long k) {
    return Packed.length(n, k, kernels.nr());
  }

  /** Packs the right operand [n, k] that is set, and forgets it. */
  public void pack(long n, long k, MemorySegment out) {
    int size = kernels.dtype().byteSize();
    try {
      if (n == 0) {
        return; // k may be anything
      }
      for (long pc = 0; pc < k; pc += KC) {
        int kc = (int) Math.min(KC, k - pc);
        long at = packedLength(kernels, n, 1) * pc;
        for (long jc = 0; jc < n; jc += NC) {
          int nc = (int) Math.min(NC, n - jc);
          right.block(jc, nc, pc, kc);
          MemorySegment block = right.isInMemory() ? right.memory() : kernels.segment(right.data());
          long bytes = packedLength(kernels, nc, kc) * size;
          MemorySegment.copy(block, 0, out, (at + jc * kc) * size, bytes);
        }
      }
    } finally {
      right.clear();
    }
  }

  /**
   * Sets what is done to C of the next {@link #multiply}, whose alpha is 1 and whose old C is
   * overwritten, before it is last written.
   *
   * @param row of the whole C, of the product's first row
   * @param column of the whole C, of its first column
   */
  public void epilogue(Epilogue<A> epilogue, long row, long column) {
    this.epilogue = epilogue;
    epilogueRow = row;
    epilogueColumn = column;
    if (scratch == null) {
      scratch = epilogue.scratch();
      rowScratch = epilogue.scratch();
    }
  }

  /**
   * The product of the operands that are set, which are forgotten; allocates nothing once the
   * buffers have their size.
   *
   * @param cAt index of element (0, 0) of C [m, n]
   * @param ldc elements from a row of C to the next
   */
  public void multiply(
      long m, long n, long k, double alpha, Update update, MemorySegment c, long cAt, long ldc) {
    try {
      if (right.isByColumns() && m <= FEW_ROWS) {
        inPlace((int) m, n, k, alpha, update, c, cAt, ldc);
      } else if (right.isByColumns() && k == 1) {
        outer(m, n, alpha, update, c, cAt, ldc);
      } else if (right.isPanels() && m <= FEW_ROWS) {
        fewRows((int) m, n, k, alpha, update, c, cAt, ldc);
      } else {
        blocks(m, n, k, alpha, update, c, cAt, ldc);
      }
    } finally { // memory may be closed under a product
      left.clear();
      right.clear();
      epilogue = null;
    }
  }

  private void blocks(
      long m, long n, long k, double alpha, Update update, MemorySegment c, long cAt, long ldc) {
    int most = m <= FEW_ROWS && k > KC ? nr : NC; // B is read in long pieces where that is all
    for (long jc = 0; jc < n; jc += most) {
      int nc = (int) Math.min(most, n - jc);
      int inPlace = right.inPlace(nc, m);
      for (long pc = 0; pc == 0 || pc < k; pc += KC) {
        int kc = (int) Math.min(KC, k - pc);
        if (inPlace < nc) {
          right.block(jc + inPlace, nc - inPlace, pc, kc);
        }
        if (inPlace > 0) {
          right.strip(jc, inPlace, pc, kc);
        }
        Update now = pc == 0 ? update : Update.ADD;
        Epilogue<A> end = pc + KC >= k ? epilogue : null;
        for (long ic = 0; ic < m; ic += mc) {
          int rows = (int) Math.min(mc, m - ic);
          left.block(ic, rows, pc, kc);
          long at = cAt + ic * ldc + jc;
          if (end == null) {
            macro(rows, nc, inPlace, kc, alpha, now, c, at, ldc);
          } else {
            long row = epilogueRow + ic;
            macroThen(end, rows, nc, inPlace, kc, now, c, at, ldc, row, epilogueColumn + jc);
          }
        }
      }
    }
  }

  /** A column times a row: writing C, row after row, is all of it. */
  private void outer(
      long m, long n, double alpha, Update update, MemorySegment c, long cAt, long ldc) {
    int most = right.isNarrow() ? Widened.SIDE : WIDE;
    for (long ic = 0; ic < m; ic += mc) {
      int rows = (int) Math.min(mc, m - ic);
      left.block(ic, rows, 0, 1);
      for (long jc = 0; jc < n; jc += most) {
        int nc = (int) Math.min(most, n - jc);
        right.strip(jc, nc, 0, 1);
        for (int i = 0; i < rows; i++) {
          long at = cAt + (ic + i) * ldc + jc;
          kernels.outerRow(
              left.data(),
              left.at() + left.row(i),
              right.stripSegment(),
              right.stripAt(),
              alpha,
              update,
              c,
              at,
              nc);
          if (epilogue != null) {
            applyRow(c, at, nc, ic + i, jc);
          }
        }
      }
    }
  }

  /**
   * A few rows, by a right operand that is read where it lies, a few of its long lines at a time,
   * as memory gives them fastest.
   */
  private void inPlace(
      int m, long n, long k, double alpha, Update update, MemorySegment c, long cAt, long ldc) {
    if (sums == null) {
      sums = kernels.array(WIDE);
      zeros = kernels.array(WIDE);
    }
    int most = right.isNarrow() ? Widened.SIDE : WIDE / m;
    for (long jc = 0; jc < n; jc += most) {
      int nc = (int) Math.min(most, n - jc);
      for (long pc = 0; pc == 0 || pc < k; pc += KC) {
        int kc = (int) Math.min(KC, k - pc);
        left.block(0, m, pc, kc);
        right.strip(jc, nc, pc, kc);
        System.arraycopy(zeros, 0, sums, 0, m * nc);
        int lines = nc < LONG_LINE ? KC : LINES;
        for (int p = 0; p < kc; p += lines) {
          for (int i = 0; i < m; i++) {
            kernels.accumulate(
                Math.min(lines, kc - p),
                left.data(),
                left.at() + i * left.rowStep() + p * left.columnStep(),
                left.columnStep(),
                right.stripSegment(),
                right.stripAt() + p * right.stripStride(),
                right.stripStride(),
                sums,
                i * nc,
                nc);
          }
        }
        Update now = pc == 0 ? update : Update.ADD;
        for (int i = 0; i < m; i++) {
          long at = cAt + i * ldc + jc;
          kernels.writeRow(sums, i * nc, nc, alpha, now, c, at);
          if (epilogue != null && pc + KC >= k) {
            applyRow(c, at, nc, i, jc);
          }
        }
      }
    }
  }

  /**
   * Row by row, a strip of panels at a time. The kernel reads four panels at once: memory gives one
   * stream half of what it can.
   */
  private void fewRows(
      int m, long n, long k, double alpha, Update update, MemorySegment c, long cAt, long ldc) {
    for (long pc = 0; pc == 0 || pc < k; pc += KC) {
      int kc = (int) Math.min(KC, k - pc);
      left.block(0, m, pc, kc);
      Update now = pc == 0 ? update : Update.ADD;
      for (long jc = 0; jc < n; jc += STRIP) {
        int nc = (int) Math.min(STRIP, n - jc);
        right.strip(jc, nc, pc, kc);
        for (int i = 0; i < m; i++) {
          long at = cAt + i * ldc + jc;
          kernels.row(
              kc,
              left.data(),
              left.at() + i * left.rowStep(),
              left.columnStep(),
              right.stripSegment(),
              right.stripAt(),
              tile,
              alpha,
              now,
              c,
              at,
              nc);
          if (epilogue != null && pc + KC >= k) {
            applyRow(c, at, nc, i, jc);
          }
        }
      }
    }
  }

  /** The epilogue of a part of a row of C. */
  private void applyRow(MemorySegment c, long at, int columns, long row, long column) {
    for (int j = 0; j < columns; j += STRIP) {
      int count = Math.min(STRIP, columns - j);
      epilogue.applyRow(
          c, at + j, count, epilogueRow + row, epilogueColumn + column + j, scratch, rowScratch);
    }
  }

  /** Every tile of a block of C, along its rows, which lie far apart in memory. */
  private void macro(
      int m,
      int n,
      int inPlace,
      int kc,
      double alpha,
      Update update,
      MemorySegment c,
      long cAt,
      long ldc) {
    boolean isSums = alpha == 1 && update == Update.OVERWRITE && c.isNative();
    for (int i = 0; i < m; i += mr) {
      int rows = Math.min(mr, m - i);
      for (int j = 0; j < n; j += nr) {
        int columns = Math.min(nr, n - j);
        long at = cAt + i * ldc + j;
        if (isSums && columns == nr && sums(rows, i, j, inPlace, kc, c, at, ldc)) {
          continue;
        }
        sums(rows, i, j, inPlace, kc, null, 0, 0);
        kernels.write(tile, rows, columns, alpha, update, c, at, ldc);
      }
    }
  }

  /**
   * The sums of the tile whose first element is (i, j) of the blocks: in the tile, or, if there is
   * a c, in it, if the kernels can do that.
   *
   * @return whether they were made
   */
  private boolean sums(
      int rows, int i, int j, int inPlace, int kc, MemorySegment c, long cAt, long ldc) {
    A a = left.data();
    int aAt = left.at() + i * left.tileStep();
    int aRow = left.rowStep();
    int panel = right.at() + (j - inPlace) * kc;
    boolean isInPlace = j < inPlace;
    if (!isInPlace && !right.isInMemory()) {
      if (c == null) {
        kernels.micro(rows, kc, a, aAt, aRow, right.data(), panel, tile);
      }
      return c == null;
    }
    MemorySegment b = isInPlace ? right.stripSegment() : right.memory();
    long bAt = isInPlace ? right.stripAt() + (long) j * right.stripStep() : panel;
    long ldb = isInPlace ? right.stripStride() : nr;
    if (c != null) {
      return kernels.micro(rows, kc, a, aAt, aRow, b, bAt, ldb, c, cAt, ldc);
    }
    kernels.micro(rows, kc, a, aAt, aRow, b, bAt, ldb, tile);
    return true;
  }

  /** The same, with an epilogue on each tile. */
  private void macroThen(
      Epilogue<A> end,
      int m,
      int n,
      int inPlace,
      int kc,
      Update update,
      MemorySegment c,
      long cAt,
      long ldc,
      long row,
      long column) {
    A bias = end.loadBias(column, n, scratch) ? scratch : null;
    boolean add = update == Update.ADD;
    for (int i = 0; i < m; i += mr) {
      int rows = Math.min(mr, m - i);
      for (int j = 0; j < n; j += nr) {
        int columns = Math.min(nr, n - j);
        long at = cAt + i * ldc + j;
        sums(rows, i, j, inPlace, kc, null, 0, 0);
        kernels.gather(tile, rows, columns, add, c, at, ldc, bias, j);
        end.apply(tile, rows, columns, nr, row + i, column + j, scratch);
        kernels.write(tile, rows, columns, 1, Update.OVERWRITE, c, at, ldc);
      }
    }
  }
}
