package dev.weft.random;

/**
 * Philox4x32-10, the counter-based generator under every fill: the readable scalar definition of
 * the stream. A block is four 32-bit words, a pure function of a 128-bit counter (x, y, z, w) and a
 * 64-bit key, whose low word is k0.
 *
 * <p>Word i of the stream of a key is word {@code i mod 4} of block {@code q = i div 4}; {@link
 * StreamOrder} says which counter block q has.
 *
 * @see <a href="https://doi.org/10.1145/2063384.2063405">Salmon, Moraes, Dror, Shaw: Parallel
 *     random numbers: as easy as 1, 2, 3 (2011)</a>
 * @since 0.1
 */
public final class Philox4x32 {
  /** Multiplier of x, as in the paper. */
  public static final int M0 = 0xD2511F53;

  /** Multiplier of z. */
  public static final int M1 = 0xCD9E8D57;

  /** Added to k0 after every round. */
  public static final int W0 = 0x9E3779B9;

  /** Added to k1 after every round. */
  public static final int W1 = 0xBB67AE85;

  /** Number of rounds. */
  public static final int ROUNDS = 10;

  private Philox4x32() {}

  /**
   * Writes the block at counter (x, y, z, w) to {@code out[0..3]}.
   *
   * @param xy x in the low and y in the high 32 bits
   * @param zw z in the low and w in the high 32 bits
   * @param key k0 in the low and k1 in the high 32 bits
   * @param out four words, overwritten
   */
  public static void block(long xy, long zw, long key, int[] out) {
    int x = (int) xy;
    int y = (int) (xy >>> 32);
    int z = (int) zw;
    int w = (int) (zw >>> 32);
    int k0 = (int) key;
    int k1 = (int) (key >>> 32);
    for (int round = 0; round < ROUNDS; round++) {
      long p0 = (M0 & 0xFFFFFFFFL) * (x & 0xFFFFFFFFL);
      long p1 = (M1 & 0xFFFFFFFFL) * (z & 0xFFFFFFFFL);
      x = (int) (p1 >>> 32) ^ y ^ k0;
      y = (int) p1;
      z = (int) (p0 >>> 32) ^ w ^ k1;
      w = (int) p0;
      k0 += W0;
      k1 += W1;
    }
    out[0] = x;
    out[1] = y;
    out[2] = z;
    out[3] = w;
  }

  /** Writes block {@code q >= 0} of the stream of {@code key} to {@code out[0..3]}. */
  public static void block(RandomKey key, long q, int[] out) {
    int bits = key.order().subsequenceBits();
    block(q >>> bits, q & ((1L << bits) - 1), key.seed(), out);
  }

  /** Word {@code i >= 0} of the stream of {@code key}; allocates, for single look-ups. */
  public static int word(RandomKey key, long i) {
    int[] out = new int[4];
    block(key, i >>> 2, out);
    return out[(int) (i & 3)];
  }
}
