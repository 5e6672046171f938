package dev.weft.cpu.dense;

import java.lang.foreign.MemorySegment;

/**
 * A matrix in memory, any of whose parts and whose transpose are matrices again. Element (i, j) is
 * {@code origin + i·rowStride + j·columnStride} elements into {@code segment}; one of the strides
 * is 1.
 *
 * @param segment the memory; an element's type is that of the kernels that work on it
 * @param origin of element (0, 0), in elements
 * @param rows number of rows
 * @param columns number of columns
 * @param rowStride elements from a row to the next
 * @param columnStride elements from a column to the next
 */
public record Matrix(
    MemorySegment segment, long origin, long rows, long columns, long rowStride, long columnStride)
    implements Gemm.Operand {

  /** Rows one after another. */
  public static Matrix rowMajor(
      MemorySegment segment, long origin, long rows, long columns, long rowStride) {
    return new Matrix(segment, origin, rows, columns, rowStride, 1);
  }

  /** Columns one after another. */
  public static Matrix columnMajor(
      MemorySegment segment, long origin, long rows, long columns, long columnStride) {
    return new Matrix(segment, origin, rows, columns, 1, columnStride);
  }

  /** Rows and columns exchanged, in the same memory. */
  public Matrix transposed() {
    return new Matrix(segment, origin, columns, rows, columnStride, rowStride);
  }

  /**
   * The part of {@code height} rows from {@code row} and {@code width} columns from {@code column}
   * on.
   */
  public Matrix part(long row, long column, long height, long width) {
    return new Matrix(segment, at(row, column), height, width, rowStride, columnStride);
  }

  /** Position of element (row, column) in {@code segment}, in elements. */
  public long at(long row, long column) {
    return origin + row * rowStride + column * columnStride;
  }
}
