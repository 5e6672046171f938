package dev.weft.gpu.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.weft.DType;
import dev.weft.nn.Activation;
import dev.weft.nn.Loss;
import dev.weft.nn.Optimizer;
import dev.weft.spi.NnEngine;
import dev.weft.spi.OptimizerRates;
import dev.weft.spi.StridedMatrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Launches of the kernels of {@link NnKernel}. Addresses are the device's, aligned to an element; 0
 * is none. Types are F32 or F64. For one thread at a time; it allocates nothing.
 */
public final class NnLaunch {
  /** Rows of a column that are summed before they are added to those above. */
  public static final int SUMMED_ROWS = 256;

  /** Partial sums of a chunk of elements. */
  public static final int CHUNK_LANES = 8;

  private static final int ROW_LANES = 16; // threads of a row
  private static final int TILE = 64; // of a product: rows and columns of a block
  private static final long MIN_CHUNK = 16 << 10;
  private static final long MOST_CHUNKS = 4096;
  private static final int MAX_ARGUMENTS = 13;
  private static final int SLOT = 64; // bytes of an argument, with room for the largest

  private final Launcher launcher;
  private final MemorySegment values;
  private final MemorySegment pointers;
  private final OptimizerRates rates = new OptimizerRates();
  private int count; // arguments given so far
  private DType dtype;

  /** Starts kernels, in order. */
  public interface Launcher {
    /**
     * Starts one kernel on a one-dimensional grid of blocks of {@link FillKernel#MAX_THREADS}.
     *
     * @param threads wanted; more would be idle
     * @param arguments {@code void*[]} as {@code cuLaunchKernel} takes it, the same every time; to
     *     be read before this returns
     */
    void launch(NnKernel kernel, long threads, MemorySegment arguments);
  }

  /**
   * Launches with their arguments in memory of {@code arena}.
   *
   * @param arena outlives this object
   */
  public NnLaunch(Arena arena, Launcher launcher) {
    this.launcher = launcher;
    values = arena.allocate((long) SLOT * MAX_ARGUMENTS, 8);
    pointers = arena.allocate(ADDRESS, MAX_ARGUMENTS);
    for (int i = 0; i < MAX_ARGUMENTS; i++) {
      pointers.setAtIndex(ADDRESS, i, values.asSlice((long) SLOT * i));
    }
  }

  private NnLaunch begin(DType dtype) {
    this.dtype = dtype;
    count = 0;
    return this;
  }

  private long slot() {
    return (long) SLOT * count++;
  }

  private NnLaunch add(long value) {
    values.set(JAVA_LONG, slot(), value);
    return this;
  }

  private NnLaunch add(int value) {
    values.set(JAVA_INT, slot(), value);
    return this;
  }

  private NnLaunch add(boolean value) {
    return add(value ? 1 : 0);
  }

  private NnLaunch addF64(double value) {
    values.set(JAVA_DOUBLE, slot(), value);
    return this;
  }

  /** A number of the operation's type. */
  private NnLaunch add(double value) {
    if (dtype == DType.F32) {
      values.set(JAVA_FLOAT, slot(), (float) value);
      return this;
    }
    return addF64(value);
  }

  private NnLaunch add(StridedMatrix m) {
    long at = slot();
    values.set(JAVA_LONG, at, distinct(m) == 1 ? 0 : m.batchStride());
    values.set(JAVA_LONG, at + 8, m.rowStride());
    values.set(JAVA_LONG, at + 16, m.columnStride());
    return this;
  }

  private void launch(NnKernel f32, long threads) {
    launcher.launch(f32 == NnKernel.TOTAL ? f32 : f32.of(dtype), threads, pointers);
  }

  /** {@code z = in + bias, out = f(z) + residual} of rows of {@code columns} elements. */
  public void activate(
      DType dtype,
      Activation.Kind f,
      double alpha,
      long out,
      long in,
      long z,
      long bias,
      long residual,
      long elements,
      long columns) {
    begin(dtype).add(out).add(in).add(z).add(bias).add(residual).add(elements).add(columns);
    add(f.ordinal()).add(alpha).launch(NnKernel.ACTIVATE_F32, elements);
  }

  /** {@code dz = dy·f'(saved)}. */
  public void activateGradient(
      DType dtype, Activation.Kind f, double alpha, long dz, long dy, long saved, long elements) {
    begin(dtype).add(dz).add(dy).add(saved).add(elements).add(f.ordinal()).add(alpha);
    launch(NnKernel.ACTIVATE_GRADIENT_F32, elements);
  }

  /** Partial sums that {@link #gradientSums} needs memory for. */
  public static long sums(long rows, long columns) {
    return Math.ceilDiv(rows, SUMMED_ROWS) * columns;
  }

  /** The same, with the sums of dz's columns. */
  public void gradientSums(
      DType dtype,
      Activation.Kind f,
      double alpha,
      long dz,
      long dy,
      long saved,
      long sums,
      long db,
      long rows,
      long columns,
      boolean accumulate) {
    long blocks = Math.ceilDiv(rows, SUMMED_ROWS);
    if (blocks != 0) {
      begin(dtype).add(dz).add(dy).add(saved).add(sums).add(db).add(rows).add(columns);
      add(f.ordinal()).add(alpha).add(accumulate);
      launch(NnKernel.GRADIENT_SUMS_F32, blocks * columns);
    }
    if (blocks != 1) {
      begin(dtype).add(db).add(sums).add(blocks).add(columns).add(accumulate);
      launch(NnKernel.SUM_BLOCKS_F32, columns);
    }
  }

  /** Softmax of rows, or its logarithm. */
  public void softmax(DType dtype, boolean log, long out, long x, long rows, long columns) {
    begin(dtype).add(out).add(x).add(0L).add(rows).add(columns).add(log ? 1 : 0);
    launch(NnKernel.SOFTMAX_F32, rows * ROW_LANES);
  }

  /** Its gradient, from what it gave. */
  public void softmaxGradient(
      DType dtype, boolean log, long dz, long y, long dy, long rows, long columns) {
    begin(dtype).add(dz).add(y).add(dy).add(rows).add(columns).add(log ? 3 : 2);
    launch(NnKernel.SOFTMAX_F32, rows * ROW_LANES);
  }

  /**
   * The mean of softmax cross-entropy, and its gradient.
   *
   * @param losses memory for a double of each row
   * @param value a double
   */
  public void crossEntropy(
      DType dtype,
      double smoothing,
      long x,
      long labels,
      long target,
      long gradient,
      long losses,
      long value,
      long rows,
      long columns) {
    begin(dtype).add(x).add(labels).add(target).add(gradient).add(losses).addF64(smoothing);
    add(rows).add(columns).launch(NnKernel.CROSS_ENTROPY_F32, rows * ROW_LANES);
    total(value, losses, rows, chunk(rows, Math.max(1, MIN_CHUNK / 4 / columns)), rows, false);
  }

  /** Lanes that a sum of elements needs a double for. */
  public static long lanes(long elements) {
    return Math.ceilDiv(elements, chunk(elements, MIN_CHUNK)) * CHUNK_LANES;
  }

  private static long chunk(long items, long least) {
    return Math.max(least, Math.ceilDiv(items, MOST_CHUNKS));
  }

  /**
   * The mean of a loss of elements, and its gradient.
   *
   * @param sums memory for {@link #lanes} doubles
   * @param value a double
   */
  public void elementLosses(
      DType dtype,
      Loss loss,
      long x,
      long target,
      long gradient,
      long sums,
      long value,
      long elements) {
    int kind =
        switch (loss) {
          case Loss.SigmoidCrossEntropy l -> 0;
          case Loss.MeanSquaredError l -> 1;
          case Loss.MeanAbsoluteError l -> 2;
          case Loss.Huber l -> 3;
          case Loss.SoftmaxCrossEntropy l -> throw new AssertionError("a loss of rows");
        };
    double delta = loss instanceof Loss.Huber huber ? huber.delta() : 0;
    begin(dtype).add(x).add(target).add(gradient).add(sums).add(elements);
    add(chunk(elements, MIN_CHUNK)).add(kind).addF64(delta);
    launch(NnKernel.ELEMENT_LOSSES_F32, lanes(elements));
    total(value, sums, lanes(elements), CHUNK_LANES, elements, false);
  }

  /** Lanes that {@link #squares} needs a double for. */
  public static long squareLanes(DType dtype, long elements) {
    return squares(dtype) * lanes(elements);
  }

  /** How many sums {@link #squares} makes. */
  public static int squares(DType dtype) {
    return dtype == DType.F64 ? NnEngine.SQUARES : 1;
  }

  /**
   * Σ x² and, for F64, its substitutes, or those added to {@code sum}; see {@link
   * NnEngine#sumOfSquares}.
   *
   * @param sums memory for {@link #squareLanes} doubles
   * @param sum as many doubles as {@link #squares(DType)} says
   */
  public void squares(DType dtype, long x, long sums, long sum, long elements, boolean accumulate) {
    if (elements != 0) {
      begin(dtype).add(x).add(sums).add(elements).add(chunk(elements, MIN_CHUNK));
      launch(NnKernel.SQUARES_F32, lanes(elements));
    }
    long lanes = lanes(elements);
    for (int i = 0; i < squares(dtype); i++) {
      long from = sums + Double.BYTES * i * lanes;
      total(sum + Double.BYTES * i, from, lanes, CHUNK_LANES, 1, accumulate);
    }
  }

  /** {@code out = 0}, a double. */
  public void zero(long out) {
    total(out, 0, 0, 1, 1, false);
  }

  /** One block. */
  private void total(
      long out, long terms, long count, long group, double divisor, boolean accumulate) {
    begin(dtype).add(out).add(terms).add(count).add(group).addF64(divisor).add(accumulate);
    launch(NnKernel.TOTAL, 1);
  }

  /** Writes the numbers of a step as {@link #update} finds them in the device's memory. */
  public static void put(OptimizerRates rates, MemorySegment to, long at) {
    to.set(JAVA_DOUBLE, at, rates.step());
    to.set(JAVA_DOUBLE, at + 8, rates.keep());
    to.set(JAVA_DOUBLE, at + 16, rates.keep2());
    to.set(JAVA_DOUBLE, at + 24, rates.unbias());
    to.set(JAVA_DOUBLE, at + 32, rates.epsilon());
    to.set(JAVA_DOUBLE, at + 40, rates.decay());
  }

  /**
   * One step of an optimizer; squares are sums of the squares of what has a norm of at most clip.
   *
   * @param newer where {@link #put} will have written the numbers that count instead of those of
   *     {@code step}; 0 for none
   */
  public void update(
      DType dtype,
      Optimizer rule,
      long step,
      long w,
      long g,
      long slot1,
      long slot2,
      long squares,
      double clip,
      long elements,
      long newer) {
    int kind =
        switch (rule) {
          case Optimizer.Sgd o -> 0;
          case Optimizer.Momentum o -> 1;
          case Optimizer.Nesterov o -> 2;
          case Optimizer.Adam o -> 3;
          case Optimizer.AdamW o -> 4;
          case Optimizer.RmsProp o -> 5;
        };
    rates.set(rule, step);
    begin(dtype).add(w).add(g).add(slot1).add(slot2).add(squares).addF64(clip).add(elements);
    add(kind);
    put(rates, values, slot());
    add(newer);
    launch(NnKernel.UPDATE_F32, elements);
  }

  /** {@code C = beta·C}; 0 whatever it held if beta is 0. */
  public void scale(DType dtype, long c, StridedMatrix of, double beta) {
    begin(dtype).add(c).add(of).add(of.batch()).add(of.rows()).add(of.columns()).add(beta);
    launch(NnKernel.SCALE_F32, of.batch() * of.rows() * of.columns());
  }

  /**
   * {@code C = alpha·A·B + beta·C}, in the CPU's order. The addresses are those of elements (0, 0);
   * the matrices say where the others are.
   */
  public void product(
      DType dtype,
      double alpha,
      long a,
      StridedMatrix ofA,
      long b,
      StridedMatrix ofB,
      double beta,
      long c,
      StridedMatrix ofC) {
    begin(dtype).add(c).add(a).add(b).add(ofC).add(ofA).add(ofB).add(ofC.batch());
    add(ofC.rows()).add(ofC.columns()).add(ofA.columns()).add(alpha).add(beta);
    long tiles = Math.ceilDiv(ofC.rows(), TILE) * Math.ceilDiv(ofC.columns(), TILE);
    launch(NnKernel.PRODUCT_F32, ofC.batch() * tiles * FillKernel.MAX_THREADS);
  }

  /** How many matrices there are: 1 if all are the same, and then it goes with every other. */
  public static long distinct(StridedMatrix of) {
    return of.batchStride() == 0 ? Math.min(of.batch(), 1) : of.batch();
  }

  /** Writes the matrices to {@code out} without gaps, line after line, as f32 if of 16 bits. */
  public void copy(long out, long in, StridedMatrix of) {
    copy(NnKernel.COPY_F32.of(of.dtype()), out, in, of);
  }

  /**
   * Writes matrices of f32 to {@code out} likewise, rounded to nearest, ties to even.
   *
   * @param to F16 or BF16
   */
  public void narrow(long out, long in, StridedMatrix of, DType to) {
    copy(to == DType.F16 ? NnKernel.COPY_TO_F16 : NnKernel.COPY_TO_BF16, out, in, of);
  }

  private void copy(NnKernel kernel, long out, long in, StridedMatrix of) {
    boolean byRows = of.columnStride() == 1;
    long batch = distinct(of);
    begin(of.dtype()).add(out).add(in).add(batch);
    add(byRows ? of.rows() : of.columns()).add(byRows ? of.columns() : of.rows());
    add(batch == 1 ? 0 : of.batchStride()).add(byRows ? of.rowStride() : of.columnStride());
    launcher.launch(kernel, batch * of.rows() * of.columns(), pointers);
  }
}
