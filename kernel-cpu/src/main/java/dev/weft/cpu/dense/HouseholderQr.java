package dev.weft.cpu.dense;

import dev.weft.DType;
import dev.weft.cpu.dense.Gemm.Operand;
import dev.weft.cpu.dense.Gemm.Update;
import dev.weft.cpu.parallel.Workers;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Replaces a matrix A [m, n], m {@code >=} n, by Q·diag(s), where A = QR by Householder reflections
 * and s holds the signs of R's diagonal (1 for 0): the Q of the factorization whose R has no
 * negative diagonal element.
 *
 * <p>By panels of {@link #PANEL} columns: H₁H₂…H_b = I − V·T·Vᵀ (compact WY). A panel is factored
 * column by column in a copy; the columns to its right become (I − V·Tᵀ·Vᵀ)·A by gemm, in stripes
 * that threads share; V takes the panel's place. Then the panels are applied, from the last to the
 * first, to diag(s), which grows into Q·diag(s) in the place of A.
 *
 * <p>Assumes m {@code <=} {@link #MAX_ROWS}. Takes 3·m·b elements of Java heap for a panel and its
 * packed copies, n·b for the T of all panels, and buffers of a fixed size for each thread. Costs
 * 4·m·n² − 4/3·n³ flop; 8/3·n³ if A is square.
 *
 * <p>The bits depend on A alone: sums in a panel run in the order of {@link DenseKernels#dot4}, all
 * others in that of {@link Gemm}. A matrix stored by rows and one stored by columns give the same.
 *
 * @see <a href="https://doi.org/10.1137/0910005">Schreiber, Van Loan: A storage-efficient WY
 *     representation for products of Householder transformations (1989)</a>
 */
public final class HouseholderQr<A> {
  /** Most columns of a panel, b. Part of the definition of the result. */
  static final int PANEL = 96;

  /** Most rows. */
  public static final long MAX_ROWS = 1L << 28;

  /** Elements of the largest panel; a matrix that is too high for it has narrower panels. */
  private static final long MAX_PANEL_LENGTH = 1L << 30;

  /** Rows that a thread copies at a time. */
  private static final int COPIED_ROWS = 512;

  private final DenseKernels<A> kernels;
  private final Workers workers;
  private final Matrix a;
  private final boolean byRows;
  private final int panelColumns;
  private final double negligible;
  private final boolean[] negative;
  private final List<A> triangles = new ArrayList<>();
  private final ConcurrentLinkedQueue<Stripe> idle = new ConcurrentLinkedQueue<>();
  private final int stripeColumns;
  private final int packWidth;

  // the panel at hand: A's rows and columns from `first` on, `width` columns of length `rows`
  private final A panel;
  private final A packed;
  private final A packedTransposed;
  private final A dots;
  private final A lanes;
  private long first;
  private int rows;
  private int width;
  private int ld;
  private Packed<A> v;
  private Packed<A> vt;

  private HouseholderQr(DenseKernels<A> kernels, Workers workers, Matrix a) {
    this.kernels = kernels;
    this.workers = workers;
    this.a = a;
    this.byRows = a.columnStride() == 1;
    this.panelColumns = panelColumns(a.rows());
    this.negligible = kernels.dtype() == DType.F32 ? 0x1p-96 : 0x1p-900;
    this.negative = new boolean[(int) a.columns()];
    this.packWidth = byRows ? kernels.mr() : kernels.nr();
    this.stripeColumns = byRows ? 64 : 84; // multiples of every nr, of every mr
    int b = (int) Math.min(panelColumns, a.columns());
    this.panel = kernels.array(Math.toIntExact((long) leading(a.rows()) * multipleOf4(b)));
    this.packed = kernels.array(Math.toIntExact(Packed.length(a.rows(), b, packWidth)));
    this.packedTransposed = kernels.array(Math.toIntExact(Packed.length(b, a.rows(), packWidth)));
    this.dots = kernels.array(multipleOf4(b));
    this.lanes = kernels.array(4 * DenseKernels.LANES);
  }

  /**
   * Bytes of Java heap that {@link #orthonormalize} takes for {@code a}, but for its threads'
   * buffers.
   */
  public static long heapBytes(DType dtype, Matrix a) {
    long b = Math.min(panelColumns(a.rows()), a.columns());
    return (3 * a.rows() + a.columns()) * b * dtype.byteSize();
  }

  /**
   * Replaces {@code a} by Q·diag(s).
   *
   * @param a [m, n], 1 {@code <=} n {@code <=} m, read and overwritten
   */
  public static <A> void orthonormalize(DenseKernels<A> kernels, Workers workers, Matrix a) {
    HouseholderQr<A> qr = new HouseholderQr<>(kernels, workers, a);
    qr.factor();
    qr.form();
  }

  /**
   * A = H₁H₂…·R; the vectors of the reflections take A's place, 0 and 1 included, and R is lost.
   */
  private void factor() {
    for (long j = 0; j < a.columns(); j += panelColumns) {
      begin(j);
      load();
      A t = factorPanel();
      triangles.add(t);
      store();
      if (j + width < a.columns()) {
        pack();
        apply(triangle(t).transposed(), j + width);
      }
    }
  }

  /** A = H₁H₂…·diag(s). */
  private void form() {
    for (int i = triangles.size() - 1; i >= 0; i--) {
      long j = (long) i * panelColumns;
      begin(j);
      load();
      pack();
      signs();
      apply(triangle(triangles.get(i)), j);
    }
  }

  private void begin(long j) {
    first = j;
    rows = (int) (a.rows() - j);
    width = (int) Math.min(panelColumns, a.columns() - j);
    ld = leading(rows);
    v = new Packed<>(packed, rows, width, packWidth);
    vt = new Packed<>(packedTransposed, width, rows, packWidth);
  }

  /**
   * Copies the panel from A, its columns padded with zeros, with columns of zeros up to a multiple
   * of 4.
   */
  private void load() {
    byRows(
        (row, count) -> {
          Matrix part = a.part(first + row, first, count, width);
          int padded = (int) paddedRows(count);
          kernels.pack(part, padded, panel, row, ld);
          Matrix none = a.part(0, 0, 0, multipleOf4(width) - width);
          kernels.pack(none, padded, panel, width * ld + row, ld);
        });
  }

  /** Copies the panel to A. */
  private void store() {
    byRows(
        (row, count) -> kernels.unpack(panel, row, ld, a.part(first + row, first, count, width)));
  }

  /** Packs V and Vᵀ for {@link #apply}. */
  private void pack() {
    Matrix source = Matrix.columnMajor(kernels.segment(panel), 0, rows, width, ld);
    long blocks = (rows + Gemm.KC - 1) / Gemm.KC;
    int panels = (rows + packWidth - 1) / packWidth;
    int group = Math.max(1, COPIED_ROWS / packWidth);
    long groups = (panels + group - 1) / group;
    workers.run(
        blocks + groups,
        task -> {
          if (task < blocks) {
            vt.pack(kernels, source.transposed(), 0, width, task * Gemm.KC);
          } else {
            long row = (task - blocks) * group * packWidth;
            v.pack(kernels, source, row, Math.min((long) group * packWidth, rows - row), 0);
          }
        });
  }

  /** Sets the panel's columns of A, from A's first row on, to those of diag(s). */
  private void signs() {
    Matrix columns = a.part(0, first, a.rows(), width);
    byRows(a.rows(), (row, count) -> zero(columns.part(row, 0, count, width)));
    for (int i = 0; i < width; i++) {
      kernels.set(dots, 0, negative[(int) first + i] ? -1 : 1);
      kernels.unpack(dots, 0, 1, columns.part(first + i, i, 1, 1));
    }
  }

  private void zero(Matrix x) {
    Matrix lines = byRows ? x : x.transposed();
    int bytes = kernels.dtype().byteSize();
    for (long i = 0; i < lines.rows(); i++) {
      lines.segment().asSlice(lines.at(i, 0) * bytes, lines.columns() * bytes).fill((byte) 0);
    }
  }

  /**
   * A's columns from {@code column} on, rows from {@code first} on: (I − V·t·Vᵀ) times themselves.
   */
  private void apply(Matrix t, long column) {
    long stripes = (a.columns() - column + stripeColumns - 1) / stripeColumns;
    workers.run(
        stripes,
        i -> {
          Stripe stripe = idle.poll();
          if (stripe == null) {
            stripe = new Stripe();
          }
          long from = column + i * stripeColumns;
          stripe.apply(t, a.part(first, from, rows, Math.min(stripeColumns, a.columns() - from)));
          idle.add(stripe);
        });
  }

  /**
   * Factors the panel, whose columns become the vectors of the reflections (1 on the diagonal, 0
   * above it), and returns T, by columns.
   */
  private A factorPanel() {
    int b = width;
    double[] t = new double[b * b];
    for (int j = 0; j < b; j++) {
      int from = j & -DenseKernels.LANES;
      int count = (int) paddedRows(rows) - from;
      double tau = reflect(j, from, count);
      int vj = j * ld + from;
      for (int k = 0; k < b; k += 4) {
        kernels.dot4(panel, vj, k * ld + from, ld, count, lanes, dots, k);
      }
      for (int k = 0; k < j; k++) {
        double dot = kernels.get(dots, k);
        for (int i = 0; i <= k; i++) {
          t[j * b + i] = Math.fma(t[k * b + i], dot, t[j * b + i]);
        }
      }
      for (int i = 0; i < j; i++) {
        t[j * b + i] *= -tau;
      }
      t[j * b + j] = tau;
      for (int k = 0; k < b; k++) {
        kernels.set(dots, k, k <= j ? 0 : tau * kernels.get(dots, k));
      }
      for (int k = j + 1 & -4; k < b; k += 4) {
        kernels.axpy4(panel, vj, k * ld + from, ld, count, dots, k);
      }
    }
    A out = kernels.array(b * b);
    for (int i = 0; i < b * b; i++) {
      kernels.set(out, i, t[i]);
    }
    return out;
  }

  /**
   * Makes column j of the panel the vector v of the reflection I − tau·v·vᵀ that maps it to (…, β,
   * 0, …), and returns tau. v is e_j and tau 0 where the column has nothing below the diagonal, or
   * nothing that its square would not lose.
   */
  private double reflect(int j, int from, int count) {
    int column = j * ld;
    double alpha = kernels.get(panel, column + j);
    for (int i = 0; i <= j; i++) {
      kernels.set(panel, column + i, 0);
    }
    kernels.dot4(panel, column + from, column + from, 0, count, lanes, dots, 0);
    double below = kernels.get(dots, 0);
    double tau = 0;
    double beta = alpha;
    double squared = alpha * alpha + below;
    if (below > 0 && squared >= negligible) {
      beta = alpha < 0 ? Math.sqrt(squared) : -Math.sqrt(squared);
      tau = (beta - alpha) / beta;
      kernels.divide(panel, column + from, count, alpha - beta);
    } else {
      kernels.divide(panel, column + from, count, Double.POSITIVE_INFINITY);
    }
    kernels.set(panel, column + j, 1);
    negative[(int) first + j] = beta < 0;
    return tau;
  }

  private Matrix triangle(A t) {
    return Matrix.columnMajor(kernels.segment(t), 0, width, width, width);
  }

  private static int panelColumns(long rows) {
    return (int) Math.max(4, Math.min(PANEL, MAX_PANEL_LENGTH / rows & -4));
  }

  private void byRows(RowTask task) {
    byRows(rows, task);
  }

  private void byRows(long count, RowTask task) {
    Workers.Body body =
        i -> {
          long row = i * COPIED_ROWS;
          task.run((int) row, Math.min(COPIED_ROWS, count - row));
        };
    workers.run((count + COPIED_ROWS - 1) / COPIED_ROWS, body);
  }

  private static long paddedRows(long rows) {
    return rows + DenseKernels.LANES - 1 & -DenseKernels.LANES;
  }

  /**
   * Elements from a column of the panel to the next: an odd number of lanes, for the caches' sake.
   */
  private static int leading(long rows) {
    return (int) (paddedRows(rows) | DenseKernels.LANES);
  }

  private static int multipleOf4(int columns) {
    return columns + 3 & -4;
  }

  /** Some rows of the panel. */
  private interface RowTask {
    void run(int row, long count);
  }

  /** What one thread needs to apply a panel to some columns of A. */
  private final class Stripe {
    private final Gemm<A> gemm = new Gemm<>(kernels);
    private final A product = kernels.array(PANEL * stripeColumns);
    private final A small = kernels.array(PANEL * stripeColumns);

    /** x [rows, columns] becomes x − V·(t·(Vᵀ·x)). */
    void apply(Matrix t, Matrix x) {
      Matrix w = matrix(product, x.columns());
      Matrix tw = matrix(small, x.columns());
      multiply(vt, x.transposed(), 1, Update.OVERWRITE, w);
      multiply(t, w.transposed(), 1, Update.OVERWRITE, tw);
      multiply(v, tw.transposed(), -1, Update.ADD, x);
    }

    private Matrix matrix(A data, long columns) {
      return byRows
          ? Matrix.rowMajor(kernels.segment(data), 0, width, columns, columns)
          : Matrix.columnMajor(kernels.segment(data), 0, width, columns, width);
    }

    /** c = alpha·x·yᵀ, or c plus that; where c is stored by columns, its transpose is written. */
    private void multiply(Operand x, Operand y, double alpha, Update update, Matrix c) {
      if (byRows) {
        gemm.multiply(x, y, alpha, update, c);
      } else {
        gemm.multiply(y, x, alpha, update, c.transposed());
      }
    }
  }
}
