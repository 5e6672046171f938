package dev.weft.cpu.vector;

/** Packs rows of f32 that lie one after another into panels, whose columns do. */
interface TransposeF32 {
  /** Rows and columns that are packed at a time. */
  int SIDE = 16;

  /**
   * {@code out[at + k·ld + r] = rows[r·ldr + k]} for {@code r < count}, {@code k < columns}.
   *
   * @param rows patterns of {@link #SIDE} rows, of which {@code count} matter
   * @param columns a multiple of {@link #SIDE}
   */
  void pack(int[] rows, int ldr, int count, int columns, float[] out, int at, int ld);
}
