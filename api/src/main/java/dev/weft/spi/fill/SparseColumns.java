package dev.weft.spi.fill;

/**
 * Which entries of a sparse fill are zero: row i of column j is, if π(i) is below the number of
 * zeros, where π is a permutation of the rows that is keyed by (seed, j). So each column has
 * exactly that many zeros, each choice of rows is as good as equally likely, and each element is
 * decided on its own.
 *
 * <p>π is a balanced Feistel network of {@link #ROUNDS} rounds on the least even number of bits
 * that holds the rows, repeated while the result is no row (cycle walking: on average less than
 * four times).
 *
 * @see <a href="https://doi.org/10.1137/0217022">Luby and Rackoff 1988</a>, permutations from
 *     random functions
 * @see <a href="https://doi.org/10.1007/3-540-45760-7_9">Black and Rogaway 2002</a>, cycle walking
 */
public final class SparseColumns {
  private static final int ROUNDS = 6;

  private SparseColumns() {}

  /** Whether the entry at ({@code row}, {@code column}) is zero. */
  public static boolean isZero(long seed, long row, long column, long rows, long zeros) {
    return permute(row, rows, mix(mix(seed) ^ column)) < zeros;
  }

  /**
   * The image of {@code row} under the permutation of {@code 0 .. rows - 1} keyed by {@code key}.
   */
  static long permute(long row, long rows, long key) {
    int half = Math.max(1, (65 - Long.numberOfLeadingZeros(rows - 1)) / 2); // bits of either half
    long mask = (1L << half) - 1;
    long value = row;
    do {
      long left = value >>> half;
      long right = value & mask;
      for (int round = 0; round < ROUNDS; round++) {
        long image = left ^ mix(key + right + ((long) round << 56)) & mask;
        left = right;
        right = image;
      }
      value = left << half | right;
    } while (value >= rows);
    return value;
  }

  /** SplitMix64's output function, David Stafford's variant 13. */
  private static long mix(long x) {
    long z = x + 0x9E3779B97F4A7C15L;
    z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
    z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
    return z ^ z >>> 31;
  }
}
