package dev.weft;

import dev.weft.internal.Checks;
import java.util.Arrays;

/**
 * A part of a logical tensor: the whole, a range of its row-major elements, or a box. Filling a
 * region writes exactly the bytes that the whole tensor would have there; fans come from the
 * logical shape.
 *
 * <p>A region is made of {@link #runCount} runs of {@link #runLength} elements that follow one
 * another in the logical tensor; run r begins at logical element {@link #runStart}. In the output
 * the runs are contiguous.
 *
 * @since 0.1
 */
public final class Region {
  private final Shape logical;
  private final Shape shape;
  private final long[] start;
  private final long origin;
  private final long runLength;
  private final long runCount;
  private final long[] outerExtents;
  private final long[] outerStrides;

  private Region(
      Shape logical,
      Shape shape,
      long[] start,
      long origin,
      long runLength,
      long[] outerExtents,
      long[] outerStrides) {
    this.logical = logical;
    this.shape = shape;
    this.start = start;
    this.origin = origin;
    this.runLength = runLength;
    this.outerExtents = outerExtents;
    this.outerStrides = outerStrides;
    long count = 1;
    for (long extent : outerExtents) {
      count *= extent;
    }
    this.runCount = shape.elements() == 0 ? 0 : count;
  }

  /** The whole of {@code logical}. */
  public static Region of(Shape logical) {
    return new Region(
        logical,
        logical,
        new long[logical.rank()],
        0,
        logical.elements(),
        new long[0],
        new long[0]);
  }

  /**
   * Elements {@code from} (inclusive) to {@code to} (exclusive) of the logical tensor in row-major
   * order; the result has shape {@code [to - from]}.
   *
   * @throws IllegalArgumentException {@code slice: need 0 <= from <= to <= elements, got …}
   */
  public Region slice(long from, long to) {
    if (from < 0 || to < from || to > logical.elements()) {
      throw Checks.bad(
          "slice", "need 0 <= from <= to <= elements", "from", from, "to", to, "shape", logical);
    }
    return new Region(
        logical, Shape.of(to - from), null, from, to - from, new long[0], new long[0]);
  }

  /** Rows {@code from} (inclusive) to {@code to} (exclusive) of the first axis, as a box. */
  public Region rows(long from, long to) {
    if (logical.rank() == 0 || from < 0 || to < from || to > logical.dim(0)) {
      throw Checks.bad(
          "rows", "need 0 <= from <= to <= shape[0]", "from", from, "to", to, "shape", logical);
    }
    long[] start = new long[logical.rank()];
    long[] extent = logical.dims();
    start[0] = from;
    extent[0] = to - from;
    return box(start, extent);
  }

  /**
   * The box that begins at {@code start} and has {@code extent} elements along each axis; the
   * result has the shape {@code extent}.
   *
   * @throws IllegalArgumentException unless {@code 0 <= start[a], 0 <= extent[a], start[a] +
   *     extent[a] <= shape[a]} for every axis a
   */
  public Region box(long[] start, long[] extent) {
    int rank = logical.rank();
    boolean inside = start.length == rank && extent.length == rank;
    for (int a = 0; inside && a < rank; a++) {
      inside = start[a] >= 0 && extent[a] >= 0 && extent[a] <= logical.dim(a) - start[a];
    }
    if (!inside) {
      throw Checks.bad(
          "box",
          "need 0 <= start and start + extent <= shape on every axis",
          "start",
          Arrays.toString(start),
          "extent",
          Arrays.toString(extent),
          "shape",
          logical);
    }
    Shape shape = Shape.of(extent);
    if (shape.elements() == 0) { // of which products may pass 2^63
      return new Region(logical, shape, start.clone(), 0, 0, new long[0], new long[0]);
    }
    long origin = 0;
    long[] strides = new long[rank];
    long stride = 1;
    for (int a = rank - 1; a >= 0; a--) {
      strides[a] = stride;
      origin += start[a] * stride;
      stride *= Math.max(1, logical.dim(a));
    }
    int inner = rank; // axes inner.. are taken whole, so that axis inner - 1 still runs on
    while (inner > 0 && extent[inner - 1] == logical.dim(inner - 1)) {
      inner--;
    }
    int outer = Math.max(0, inner - 1);
    long run = 1;
    for (int a = outer; a < rank; a++) {
      run *= extent[a];
    }
    return new Region(
        logical,
        shape,
        start.clone(),
        origin,
        run,
        Arrays.copyOf(extent, outer),
        Arrays.copyOf(strides, outer));
  }

  /** The shape of the tensor that this is a part of. */
  public Shape logical() {
    return logical;
  }

  /** The shape of the part. */
  public Shape shape() {
    return shape;
  }

  /** Whether this is the whole logical tensor, element for element. */
  public boolean isWhole() {
    return shape.elements() == logical.elements();
  }

  /** Whether this is a box of the logical tensor (the whole is one), not a range of elements. */
  public boolean isBox() {
    return start != null;
  }

  /** The first index of a box along each axis; of a range, its first element alone. */
  public long[] start() {
    return start == null ? new long[] {origin} : start.clone();
  }

  /** Number of runs; 0 for an empty region. */
  public long runCount() {
    return runCount;
  }

  /** Elements of each run. */
  public long runLength() {
    return runLength;
  }

  /**
   * How runs follow each other: the start of run r is that of run 0 plus the digits of r in the
   * mixed radix of these numbers, the last of which varies fastest, each times its stride.
   */
  public long[] runExtents() {
    return outerExtents.clone();
  }

  /** The strides of {@link #runExtents}, in logical elements. */
  public long[] runStrides() {
    return outerStrides.clone();
  }

  /** The logical element at which run {@code run} begins, {@code 0 <= run < runCount}. */
  public long runStart(long run) {
    long rest = run;
    long first = origin;
    for (int a = outerExtents.length - 1; a >= 0; a--) {
      first += rest % outerExtents[a] * outerStrides[a];
      rest /= outerExtents[a];
    }
    return first;
  }

  /** For example {@code [64, 32] of [784, 128] at [0, 16]}. */
  @Override
  public String toString() {
    return shape.equals(logical)
        ? logical.toString()
        : shape + " of " + logical + " at " + Arrays.toString(start());
  }
}
