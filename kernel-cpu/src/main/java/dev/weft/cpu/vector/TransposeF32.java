package dev.weft.cpu.vector;

import java.lang.foreign.MemorySegment;

/** Packs rows of f32 that lie one after another into panels, whose columns do. */
interface TransposeF32 {
  /**
   * {@code out[at + k·ld + r] = rows[r·ldr + k]} for {@code r < count}, {@code k < columns}.
   *
   * @param rows patterns of as many rows as a vector has lanes, of which {@code count} matter
   * @param count all of them, if vectors have no masks in hardware
   * @param columns a multiple of the lanes
   */
  void pack(int[] rows, int ldr, int count, int columns, float[] out, int at, int ld);

  /**
   * The same of rows in native memory, {@code rowStride} elements apart, whose first element is
   * {@code origin}; no other row is read.
   */
  void pack(
      MemorySegment x,
      long origin,
      long rowStride,
      int count,
      int columns,
      float[] out,
      int at,
      int ld);

  /**
   * {@code out[at + k·ld + r] = x(r, k)} in native memory, for as many rows as a vector has lanes.
   * Only of vectors of 256 bits.
   */
  default void pack(
      MemorySegment x,
      long origin,
      long rowStride,
      int columns,
      MemorySegment out,
      long at,
      int ld) {
    throw new UnsupportedOperationException();
  }
}
