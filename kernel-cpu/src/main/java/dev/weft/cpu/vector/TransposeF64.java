package dev.weft.cpu.vector;

import java.lang.foreign.MemorySegment;

/** Packs rows of f64 that lie one after another in native memory into panels, whose columns do. */
interface TransposeF64 {
  /**
   * {@code out[at + k·ld + r] = x[origin + r·rowStride + k]} for {@code r < count}, {@code k <
   * columns}; no other row is read, and nothing else written.
   *
   * @param count at most as many as a vector has lanes, and no fewer if there are no masks in
   *     hardware
   * @param columns a multiple of the lanes
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

  /**
   * The same into native memory, where something is written for as many rows as a vector has lanes.
   * Only of vectors of 512 bits.
   */
  default void pack(
      MemorySegment x,
      long origin,
      long rowStride,
      int count,
      int columns,
      MemorySegment out,
      long at,
      int ld) {
    throw new UnsupportedOperationException();
  }
}
