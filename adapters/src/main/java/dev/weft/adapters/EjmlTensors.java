package dev.weft.adapters;

import dev.weft.Backend;
import dev.weft.Shape;
import dev.weft.Tensor;
import org.ejml.data.DMatrixRMaj;
import org.ejml.data.FMatrixRMaj;

/**
 * Tensors [rows, columns] over the arrays of EJML's dense row-major matrices, no copy. An array may
 * be longer than its matrix; what lies behind is left alone. A matrix that takes another array, in
 * {@code setData} or by growing in {@code reshape}, leaves the tensor with the old one.
 *
 * @since 0.1
 */
public final class EjmlTensors {
  private EjmlTensors() {}

  /**
   * An F32 tensor over a matrix.
   *
   * @throws IllegalArgumentException if the matrix's array is smaller than its rows and columns
   * @since 0.1
   */
  public static Tensor wrap(Backend backend, FMatrixRMaj matrix) {
    return backend.wrap(matrix.data, Shape.of(matrix.numRows, matrix.numCols));
  }

  /**
   * An F64 tensor over a matrix.
   *
   * @throws IllegalArgumentException if the matrix's array is smaller than its rows and columns
   * @since 0.1
   */
  public static Tensor wrap(Backend backend, DMatrixRMaj matrix) {
    return backend.wrap(matrix.data, Shape.of(matrix.numRows, matrix.numCols));
  }
}
