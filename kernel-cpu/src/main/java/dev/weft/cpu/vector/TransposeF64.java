package dev.weft.cpu.vector;

import java.lang.foreign.MemorySegment;

/** Packs rows of f64 that lie one after another in native memory into panels, whose columns do. */
interface TransposeF64 {
  /** Rows and columns that are packed at a time. */
  int SIDE = 8;

  /**
   * {@code out[at + k·ld + r] = x[origin + r·rowStride + k]} for {@code r < count}, {@code k <
   * columns}; no other row is read.
   *
   * @param count at most {@link #SIDE}
   * @param columns a multiple of {@link #SIDE}
   */
  void pack(
      MemorySegment x,
      long origin,
      long rowStride,
      int count,
      int columns,
      double[] out,
      int at,
      int ld);
}
