package dev.weft.cpu.dense;

import java.lang.foreign.MemorySegment;

/**
 * One operand of a product, block by block as the micro-kernels read it: packed into a buffer that
 * is kept, or where it lies if it is packed already. Reused from product to product.
 */
final class Panels<A> {
  private final DenseKernels<A> kernels;
  private final int width;
  private A buffer;
  private long length;
  private Packed<A> packed;
  private MemorySegment segment;
  private long origin;
  private long rowStride;
  private long columnStride;
  private A data;
  private int at;

  /**
   * No operand yet.
   *
   * @param width rows of a panel: mr for a left operand, nr for a right one
   */
  Panels(DenseKernels<A> kernels, int width) {
    this.kernels = kernels;
    this.width = width;
  }

  /** Takes a matrix. */
  void use(MemorySegment segment, long origin, long rowStride, long columnStride) {
    this.packed = null;
    this.segment = segment;
    this.origin = origin;
    this.rowStride = rowStride;
    this.columnStride = columnStride;
  }

  /** Takes a matrix, or what is packed by the same kernels. */
  @SuppressWarnings("unchecked")
  void use(Gemm.Operand operand) {
    switch (operand) {
      case Matrix x -> use(x.segment(), x.origin(), x.rowStride(), x.columnStride());
      case Packed<?> x -> packed = (Packed<A>) x;
    }
  }

  /** Forgets the operand. */
  void clear() {
    packed = null;
    segment = null;
  }

  /** Makes a block what {@link #data} and {@link #at} give. */
  void block(long row, int rows, long column, int columns) {
    if (packed != null) {
      data = packed.data();
      at = packed.at(row, column);
      return;
    }
    long needed = Packed.length(rows, columns, width);
    if (length < needed) {
      buffer = kernels.array((int) needed);
      length = needed;
    }
    long from = origin + row * rowStride + column * columnStride;
    kernels.pack(segment, from, rowStride, columnStride, rows, columns, width, buffer, 0, width);
    data = buffer;
    at = 0;
  }

  /** Whether it is a matrix whose columns lie one after another. */
  boolean isByColumns() {
    return packed == null && rowStride == 1;
  }

  /** The memory of a matrix. */
  MemorySegment segment() {
    return segment;
  }

  /** Index of an element of a matrix in {@link #segment}. */
  long at(long row, long column) {
    return origin + row * rowStride + column * columnStride;
  }

  /** Where the block's panels are. */
  A data() {
    return data;
  }

  /** Index of the first of them. */
  int at() {
    return at;
  }
}
