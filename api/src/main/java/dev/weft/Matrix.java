package dev.weft;

import dev.weft.internal.Checks;
import dev.weft.spi.StridedMatrix;

/**
 * A matrix [M, N], or a batch [B, M, N] of them, that lies in a tensor: a view, which copies
 * nothing. What {@link Backend#gemm} multiplies. It may be made once and used often.
 *
 * <p>Rows of a tensor's matrix lie one after another in memory; the transpose is the same memory
 * seen by columns.
 *
 * @since 0.1
 */
public final class Matrix {
  private final Tensor tensor;
  private final StridedMatrix strided;

  private Matrix(Tensor tensor, StridedMatrix strided) {
    this.tensor = tensor;
    this.strided = strided;
  }

  /**
   * The matrix of a tensor of shape [M, N], or the batch of one of shape […, M, N].
   *
   * @throws IllegalArgumentException {@code matrix: need at least two dimensions, got shape=…}
   */
  public static Matrix of(Tensor tensor) {
    Shape shape = tensor.shape();
    int rank = shape.rank();
    if (rank < 2) {
      throw Checks.bad("matrix", "need at least two dimensions", "shape", shape);
    }
    long rows = shape.dim(rank - 2);
    long columns = shape.dim(rank - 1);
    long batch = shape.product(0, rank - 2);
    long stride = shape.elements() == 0 ? 0 : rows * columns;
    return new Matrix(
        tensor,
        new StridedMatrix(
            tensor.buffer(), tensor.dtype(), batch, stride, 0, rows, columns, columns, 1));
  }

  /**
   * A matrix [rows, columns] whose element (i, j) is element {@code offset + i·leading + j} of the
   * tensor, whatever the tensor's shape.
   *
   * @param leading the leading dimension: elements from a row to the next, at least {@code columns}
   * @throws IllegalArgumentException if the matrix is not within the tensor
   */
  public static Matrix of(Tensor tensor, long offset, long rows, long columns, long leading) {
    if (offset < 0 || rows < 0 || columns < 0 || leading < columns) {
      throw Checks.bad(
          "matrix",
          "need offset, rows, columns >= 0 and leading >= columns",
          "offset",
          offset,
          "rows",
          rows,
          "columns",
          columns,
          "leading",
          leading);
    }
    if (rows > 0 && columns > 0) {
      long room = tensor.shape().elements() - offset; // neither is negative
      if (columns > room || rows - 1 > (room - columns) / leading) {
        throw Checks.bad(
            "matrix",
            "need a matrix within the tensor",
            "offset",
            offset,
            "rows",
            rows,
            "columns",
            columns,
            "leading",
            leading,
            "tensor",
            tensor.shape());
      }
    }
    return new Matrix(
        tensor,
        new StridedMatrix(
            tensor.buffer(), tensor.dtype(), 1, 0, offset, rows, columns, leading, 1));
  }

  /** Rows and columns exchanged, in the same memory. */
  public Matrix transposed() {
    return new Matrix(tensor, strided.transposed());
  }

  /**
   * {@code height} rows from {@code row} and {@code width} columns from {@code column} on, of every
   * matrix of a batch.
   *
   * @throws IllegalArgumentException if they are not within the matrix
   */
  public Matrix part(long row, long column, long height, long width) {
    StridedMatrix s = strided;
    if (row < 0
        || column < 0
        || height < 0
        || width < 0
        || height > s.rows() - row
        || width > s.columns() - column) {
      throw Checks.bad(
          "part",
          "need rows and columns within the matrix",
          "row",
          row,
          "column",
          column,
          "height",
          height,
          "width",
          width,
          "matrix",
          this);
    }
    return new Matrix(
        tensor,
        new StridedMatrix(
            s.buffer(),
            s.dtype(),
            s.batch(),
            s.batchStride(),
            height == 0 || width == 0
                ? s.origin() // where nothing is
                : s.origin() + row * s.rowStride() + column * s.columnStride(),
            height,
            width,
            s.rowStride(),
            s.columnStride()));
  }

  /** The tensor that it lies in. */
  public Tensor tensor() {
    return tensor;
  }

  /** B: 1 for a single matrix. */
  public long batch() {
    return strided.batch();
  }

  /** M. */
  public long rows() {
    return strided.rows();
  }

  /** N. */
  public long columns() {
    return strided.columns();
  }

  /** For example {@code [784, 128]}, or {@code [12, 784, 128]} for a batch of 12. */
  @Override
  public String toString() {
    String one = strided.rows() + ", " + strided.columns() + "]";
    return strided.batch() == 1 ? "[" + one : "[" + strided.batch() + ", " + one;
  }

  StridedMatrix strided() {
    return strided;
  }

  /** Bytes of its elements. */
  long byteSize() {
    return tensor.dtype().byteSize(span() == 0 ? 0 : batch() * rows() * columns());
  }

  /** Elements from the first to after the last one of the whole batch; 0 if there is none. */
  long span() {
    StridedMatrix s = strided;
    if (s.batch() == 0 || s.rows() == 0 || s.columns() == 0) {
      return 0;
    }
    return (s.batch() - 1) * s.batchStride()
        + (s.rows() - 1) * s.rowStride()
        + (s.columns() - 1) * s.columnStride()
        + 1;
  }
}
