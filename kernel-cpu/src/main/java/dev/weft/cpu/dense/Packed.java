package dev.weft.cpu.dense;

/**
 * A matrix as the micro-kernels read it: blocks of {@link Gemm#KC} columns, in each of them panels
 * of {@code width} rows, in each of those the columns one after another; the last panel is padded
 * with zeros.
 *
 * <pre>
 *   columns 0 … KC−1           columns KC … 2·KC−1
 *   panel 0 | panel 1 | …      panel 0 | panel 1 | …
 *   x(0,0) … x(width−1,0)  x(0,1) … x(width−1,1)  …
 * </pre>
 *
 * @param data at least {@link #length} elements
 * @param width mr for a left operand, nr for a right one
 */
record Packed<A>(A data, long rows, long columns, int width) implements Gemm.Operand {

  /** Elements that a packed matrix takes. */
  static long length(long rows, long columns, int width) {
    return padded(rows, width) * columns;
  }

  /**
   * Where the panel that begins with {@code row} in the block that begins with {@code column} is.
   */
  int at(long row, long column) {
    long blockColumns = Math.min(Gemm.KC, columns - column);
    return Math.toIntExact(padded(rows, width) * column + row * blockColumns);
  }

  /**
   * Packs rows {@code row … row + count − 1} of x in the block of columns that begins with {@code
   * column}.
   */
  void pack(DenseKernels<A> kernels, Matrix x, long row, long count, long column) {
    long blockColumns = Math.min(Gemm.KC, columns - column);
    Matrix part = x.part(row, column, Math.min(count, rows - row), blockColumns);
    kernels.pack(part, width, data, at(row, column), width);
  }

  private static long padded(long rows, int width) {
    return (rows + width - 1) / width * width;
  }
}
