package dev.weft.cpu.dense;

import dev.weft.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * One operand of a product, block by block as the micro-kernels read it: packed into a buffer that
 * is kept, copied there by rows, or where it lies if it is packed already. Blocks of a right
 * operand are packed into native memory if the kernels read it there: its lines of 64 bytes are
 * those of the vectors, while an array begins anywhere and a vector then costs two lines. Reused
 * from product to product.
 */
final class Panels<A> {
  /**
   * Columns that are at most so many bytes apart are read where they lie: a tile's part of a block
   * then comes from the second-level cache. 64 × 512 × 512 in f32 gained a quarter (Xeon, Emerald
   * Rapids, 2026-11-25), 64 × 1000 × 512 lost half.
   */
  static final int IN_PLACE_BYTES = 2048;

  /** Only for so few rows of the product: for more, packing pays (512³ on Zen 3: 1.3). */
  static final long IN_PLACE_ROWS = 128;

  private static final int LINE_BYTES = 64; // of a cache

  private final DenseKernels<A> kernels;
  private final int width;
  private final boolean hasVectors; // scalar code is faster on an array
  private final boolean readsMemory;
  private final ValueLayout layout;
  private final boolean isLeft;
  private boolean byRows; // the block, otherwise it is in panels
  private int blockColumns;
  private A buffer; // of one panel only, if they are in native memory
  private int length;
  private MemorySegment memory;
  private int memoryLength;
  private Packed<A> packed;
  private MemorySegment segment;
  private DType dtype;
  private long origin;
  private long rowStride;
  private long columnStride;
  private long panelRows; // of panels in native memory, those of the padding too; 0 for a matrix
  private boolean inMemory;
  private A data;
  private int at;
  private Widened<A> widened; // made for the first operand of 16 bits
  private MemorySegment stripSegment;
  private long stripAt;
  private long stripStride;
  private int stripStep;

  /**
   * No operand yet.
   *
   * @param width rows of a panel: mr for a left operand, nr for a right one
   * @param isLeft whether it is a left operand, whose blocks are copied by rows if these lie one
   *     after another
   */
  Panels(DenseKernels<A> kernels, int width, boolean isLeft) {
    this.kernels = kernels;
    this.width = width;
    this.isLeft = isLeft;
    this.hasVectors = kernels.vectorBits() > 0;
    this.readsMemory = !isLeft && !kernels.prefersArrays();
    this.layout =
        kernels.dtype() == DType.F32
            ? ValueLayout.JAVA_FLOAT_UNALIGNED
            : ValueLayout.JAVA_DOUBLE_UNALIGNED;
  }

  /** Takes a matrix of the kernels' type, or one of F16 or BF16. */
  void use(MemorySegment segment, DType dtype, long origin, long rowStride, long columnStride) {
    this.packed = null;
    this.panelRows = 0;
    this.segment = segment;
    this.dtype = dtype;
    this.origin = origin;
    this.rowStride = rowStride;
    this.columnStride = columnStride;
  }

  /**
   * Takes panels in native memory, in the layout of {@link Packed}.
   *
   * @param rows of what was packed
   * @param first the row that is row 0 here, the first of a panel
   */
  void usePanels(MemorySegment segment, long rows, long first) {
    this.packed = null;
    this.panelRows = Packed.length(rows, 1, width);
    this.segment = segment;
    this.dtype = kernels.dtype();
    this.origin = first;
  }

  /** Takes a matrix, or what is packed by the same kernels. */
  @SuppressWarnings("unchecked")
  void use(Gemm.Operand operand) {
    switch (operand) {
      case Matrix x ->
          use(x.segment(), kernels.dtype(), x.origin(), x.rowStride(), x.columnStride());
      case Packed<?> x -> packed = (Packed<A>) x;
    }
  }

  /** Forgets the operand. */
  void clear() {
    packed = null;
    segment = null;
    stripSegment = null;
  }

  /** Makes a block what {@link #data} and {@link #at} give. */
  void block(long row, int rows, long column, int columns) {
    byRows = isLeft && packed == null && panelRows == 0 && rowStride != 1;
    blockColumns = columns;
    at = 0;
    inMemory = readsMemory && packed == null;
    if (packed != null) {
      data = packed.data();
      at = packed.at(row, column);
      return;
    }
    reserve((int) Packed.length(rows, byRows ? DenseKernels.ROW : columns, width));
    data = buffer;
    if (columns == 0) {
      return;
    }
    if (panelRows > 0) { // what is packed already
      strip(row, rows, column, columns);
      int count = (int) Packed.length(rows, columns, width);
      MemorySegment.copy(segment, layout, stripAt * layout.byteSize(), buffer, 0, count);
    } else if (byRows) {
      copyRows(row, rows, column, columns);
    } else if (isNarrow()) {
      widen(row, rows, column, columns);
    } else {
      pack(segment, at(row, column), rowStride, columnStride, rows, columns, 0);
    }
  }

  private void reserve(int elements) {
    if (readsMemory && memoryLength < elements) {
      long withStage = elements + (long) width * Gemm.KC; // room for rows of one panel
      memory = Arena.ofAuto().allocate(withStage * layout.byteSize(), LINE_BYTES);
      memoryLength = elements;
    }
    int inArray = readsMemory ? width * Gemm.KC : elements;
    if (length < inArray) {
      buffer = kernels.array(inArray);
      length = inArray;
    }
  }

  /** Packs a block of 16-bit elements, as many panels at a time as {@link Widened} has room for. */
  private void widen(long row, int rows, long column, int columns) {
    int most = Widened.SIDE / width * width;
    boolean byColumns = rowStride == 1;
    for (int r = 0; r < rows; r += most) {
      int count = Math.min(most, rows - r);
      strip(row + r, count, column, columns);
      long ofRow = byColumns ? 1 : stripStride;
      long ofColumn = byColumns ? stripStride : 1;
      pack(stripSegment, 0, ofRow, ofColumn, count, columns, r * columns);
    }
  }

  private void pack(
      MemorySegment x, long origin, long ofRow, long ofColumn, int rows, int columns, int to) {
    if (!readsMemory) {
      kernels.pack(x, origin, ofRow, ofColumn, rows, columns, width, buffer, to, width);
      return;
    }
    if (ofRow == 1) {
      int whole = rows / width * width;
      kernels.packColumns(x, origin, ofColumn, whole, columns, memory, to);
      if (whole < rows) {
        kernels.pack(
            x, origin + whole, 1, ofColumn, rows - whole, columns, width, buffer, 0, width);
        long bytes = (to + (long) whole * columns) * layout.byteSize();
        MemorySegment.copy(buffer, 0, memory, layout, bytes, width * columns);
      }
      return;
    }
    for (int r = 0; r < rows; r += width) {
      int count = Math.min(width, rows - r);
      long first = origin + r * ofRow;
      long panel = to + (long) r * columns;
      if (x.isNative()) {
        kernels.packRows(x, first, ofRow, count, columns, memory, panel);
      } else {
        stage(x, first, ofRow, count, columns);
        kernels.packRows(memory, memoryLength, columns, count, columns, memory, panel);
      }
    }
  }

  /** Copies rows that are not in native memory behind the panels, where there is room for them. */
  private void stage(MemorySegment x, long origin, long ofRow, int rows, int columns) {
    long size = layout.byteSize();
    for (int r = 0; r < rows; r++) {
      long from = (origin + r * ofRow) * size;
      long to = (memoryLength + (long) r * columns) * size;
      MemorySegment.copy(x, from, memory, to, columns * size);
    }
  }

  private void copyRows(long row, int rows, long column, int columns) {
    int most = isNarrow() ? Widened.SIDE : rows;
    for (int r = 0; r < rows; r += most) {
      int count = Math.min(most, rows - r);
      strip(row + r, count, column, columns);
      int to = r * DenseKernels.ROW;
      kernels.copyRows(stripSegment, stripAt, stripStride, count, columns, buffer, to);
    }
  }

  /**
   * Makes a part of a matrix, or of panels in native memory, what {@link #stripSegment} and what
   * follows it give, in the kernels' type; if it is of 16 bits, of at most {@link Widened#SIDE}
   * rows and columns.
   */
  void strip(long row, int rows, long column, int columns) {
    if (panelRows > 0) {
      stripSegment = segment;
      stripAt = panelRows * column + (origin + row) * columns;
      stripStride = width;
      stripStep = columns;
      return;
    }
    stripStep = 1;
    boolean byColumns = rowStride == 1;
    if (!isNarrow()) {
      stripSegment = segment;
      stripAt = at(row, column);
      stripStride = byColumns ? columnStride : rowStride;
      return;
    }
    if (widened == null) {
      widened = new Widened<>(kernels);
    }
    if (byColumns) {
      widened.take(segment, dtype, at(row, column), columnStride, columns, rows);
    } else {
      widened.take(segment, dtype, at(row, column), rowStride, rows, columns);
    }
    stripSegment = widened.segment();
    stripAt = 0;
    stripStride = byColumns ? rows : columns;
  }

  /** Whether its elements have 16 bits. */
  boolean isNarrow() {
    return dtype.byteSize() == Short.BYTES;
  }

  private long at(long row, long column) {
    return origin + row * rowStride + column * columnStride;
  }

  /** Whether it is panels in native memory that are read where they lie. */
  boolean isPanels() {
    return panelRows > 0 && hasVectors;
  }

  /** Whether it is a matrix whose columns lie one after another. */
  boolean isByColumns() {
    return packed == null && panelRows == 0 && rowStride == 1;
  }

  /**
   * How many of a block's first {@code rows} rows are best read where they lie.
   *
   * @param others rows of the other operand
   */
  int inPlace(int rows, long others) {
    if (!readsMemory) {
      return 0;
    }
    if (isPanels()) {
      return rows;
    }
    boolean near =
        isByColumns()
            && others <= IN_PLACE_ROWS
            && columnStride * kernels.dtype().byteSize() <= IN_PLACE_BYTES
            && !isNarrow()
            && segment.isNative();
    return near ? rows / width * width : 0;
  }

  /** The memory of the strip. */
  MemorySegment stripSegment() {
    return stripSegment;
  }

  /** Index of its first element. */
  long stripAt() {
    return stripAt;
  }

  /** Elements from a column to the next, or from a row to the next if rows are contiguous. */
  long stripStride() {
    return stripStride;
  }

  /** A tile of the strip that begins with row r is r times so many elements after its first. */
  int stripStep() {
    return stripStep;
  }

  /** A tile of the block that begins with row r is r times so many elements after its first. */
  int tileStep() {
    return byRows ? DenseKernels.ROW : blockColumns;
  }

  /** Where row i of the block begins, in elements after its first. */
  int row(int i) {
    return byRows ? i * DenseKernels.ROW : i / width * width * blockColumns + i % width;
  }

  /** Elements from a row of a tile to the next. */
  int rowStep() {
    return byRows ? DenseKernels.ROW : 1;
  }

  /** Elements from a column of a tile to the next. */
  int columnStep() {
    return byRows ? 1 : width;
  }

  /** Whether the block's panels are in {@link #memory} instead of {@link #data}. */
  boolean isInMemory() {
    return inMemory;
  }

  /** The native memory of the block's panels, if they are there. */
  MemorySegment memory() {
    return memory;
  }

  /** The array of the block's panels or rows, if they are not in native memory. */
  A data() {
    return data;
  }

  /** Index of the first of them. */
  int at() {
    return at;
  }
}
