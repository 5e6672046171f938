package dev.weft.spi;

import dev.weft.DType;

/**
 * Matrices in a buffer. Element (i, j) of matrix b is {@code origin + b·batchStride + i·rowStride +
 * j·columnStride} elements into it; one of the last two strides is 1.
 *
 * @param buffer the memory
 * @param dtype type of the elements
 * @param batch number of matrices
 * @param batchStride elements from a matrix to the next; 0 if all are the same
 * @param origin of element (0, 0) of matrix 0
 * @param rows number of rows
 * @param columns number of columns
 * @param rowStride elements from a row to the next
 * @param columnStride elements from a column to the next
 */
public record StridedMatrix(
    Buffer buffer,
    DType dtype,
    long batch,
    long batchStride,
    long origin,
    long rows,
    long columns,
    long rowStride,
    long columnStride) {
  /** Rows and columns exchanged, in the same memory. */
  public StridedMatrix transposed() {
    return new StridedMatrix(
        buffer, dtype, batch, batchStride, origin, columns, rows, columnStride, rowStride);
  }
}
