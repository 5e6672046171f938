package dev.weft.cpu.dense;

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

  /** Rows of a left block, a multiple of every mr (14, 6, 4): 168 KiB of f32 in L2. */
  static final int MC = 168;

  /** Rows of a right block, a multiple of every nr. */
  static final int NC = 512;

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
  private final int nr;
  private final A tile;
  private A leftBuffer;
  private A rightBuffer;
  private long leftLength;
  private long rightLength;

  /** A gemm with buffers of its own, for one thread at a time. */
  public Gemm(DenseKernels<A> kernels) {
    this.kernels = kernels;
    this.mr = kernels.mr();
    this.nr = kernels.nr();
    this.tile = kernels.array(mr * nr);
  }

  /**
   * C = alpha·left·rightᵀ, or C += alpha·left·rightᵀ.
   *
   * @param left [M, K]; if packed, in panels of mr rows
   * @param right [N, K]; if packed, in panels of nr rows
   * @param c [M, N], the elements of a row one after another; no part of an operand
   */
  public void multiply(Operand left, Operand right, double alpha, Update update, Matrix c) {
    long k = left.columns();
    for (long jc = 0; jc < c.columns(); jc += NC) {
      long nc = Math.min(NC, c.columns() - jc);
      for (long pc = 0; pc == 0 || pc < k; pc += KC) {
        int kc = (int) Math.min(KC, k - pc);
        Packed<A> b = right(right, jc, nc, pc, kc);
        int bAt = right == b ? b.at(jc, pc) : 0;
        for (long ic = 0; ic < c.rows(); ic += MC) {
          long mc = Math.min(MC, c.rows() - ic);
          Packed<A> a = left(left, ic, mc, pc, kc);
          int aAt = left == a ? a.at(ic, pc) : 0;
          Update now = pc == 0 ? update : Update.ADD;
          macro(kc, a.data(), aAt, b.data(), bAt, alpha, now, c.part(ic, jc, mc, nc));
        }
      }
    }
  }

  /** Every tile of a block of C, along its rows, which lie far apart in memory. */
  private void macro(int kc, A a, int aAt, A b, int bAt, double alpha, Update update, Matrix c) {
    int m = (int) c.rows();
    int n = (int) c.columns();
    for (int i = 0; i < m; i += mr) {
      for (int j = 0; j < n; j += nr) {
        kernels.micro(kc, a, aAt + i * kc, b, bAt + j * kc, tile);
        kernels.write(
            tile,
            Math.min(mr, m - i),
            Math.min(nr, n - j),
            alpha,
            update,
            c.segment(),
            c.at(i, j),
            c.rowStride());
      }
    }
  }

  /** The operand itself if it is packed, else the wanted block of it in the left buffer. */
  private Packed<A> left(Operand x, long row, long rows, long column, long columns) {
    if (!(x instanceof Matrix matrix)) {
      return packed(x);
    }
    long length = Packed.length(rows, columns, mr);
    if (leftLength < length) {
      leftBuffer = kernels.array((int) length);
      leftLength = length;
    }
    return pack(matrix.part(row, column, rows, columns), mr, leftBuffer);
  }

  /** The operand itself if it is packed, else the wanted block of it in the right buffer. */
  private Packed<A> right(Operand x, long row, long rows, long column, long columns) {
    if (!(x instanceof Matrix matrix)) {
      return packed(x);
    }
    long length = Packed.length(rows, columns, nr);
    if (rightLength < length) {
      rightBuffer = kernels.array((int) length);
      rightLength = length;
    }
    return pack(matrix.part(row, column, rows, columns), nr, rightBuffer);
  }

  private Packed<A> pack(Matrix x, int width, A buffer) {
    Packed<A> out = new Packed<>(buffer, x.rows(), x.columns(), width);
    out.pack(kernels, x, 0, x.rows(), 0);
    return out;
  }

  @SuppressWarnings("unchecked") // packed by the same kernels
  private Packed<A> packed(Operand x) {
    return (Packed<A>) x;
  }
}
