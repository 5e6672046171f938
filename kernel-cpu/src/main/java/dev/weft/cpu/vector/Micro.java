package dev.weft.cpu.vector;

import java.lang.foreign.MemorySegment;

/**
 * The micro-kernels of a tile: as few rows as it has, of 13, 8 and 4 with vectors of 512 bits, and
 * of 6 and 3 below, times 2 vectors. A class of its own, which is loaded once for every {@link
 * Use}.
 *
 * <p>R rows cost 4·R·V·kc flop, and read R + 2·V elements per step.
 */
interface Micro<A> {
  /**
   * Rows of the micro-kernel for a tile of {@code rows} rows, with vectors of {@code bits} bits.
   */
  static int rows(int bits, int rows) {
    if (bits < 512) {
      return rows > 3 ? 6 : 3;
    }
    return rows > 8 ? 13 : rows > 4 ? 8 : 4;
  }

  /** Rows of a panel. */
  static int mr(int bits) {
    return rows(bits, Integer.MAX_VALUE);
  }

  /** Where b is: of vectors below 512 bits, only in an array. */
  enum Operand {
    /** Panels in an array. */
    ARRAY,
    /** Panels in native memory. */
    PANELS,
    /** A matrix in native memory whose columns lie one after another. */
    MEMORY
  }

  /**
   * What a class of micro-kernels is loaded for.
   *
   * @param byRows whether a is a block by rows instead of a panel of mr rows
   * @param intoC whether the sums go into c instead of the tile
   */
  record Use(int bits, boolean byRows, Operand operand, boolean intoC) {}

  /**
   * As {@link dev.weft.cpu.dense.DenseKernels#micro}, with {@code panels} or {@code b}, and {@code
   * tile} or {@code c}.
   */
  void micro(
      int rows,
      int kc,
      A a,
      int aAt,
      A panels,
      MemorySegment b,
      long bAt,
      long ldb,
      A tile,
      MemorySegment c,
      long cAt,
      long ldc);
}
