package dev.weft.random;

/**
 * How block q of four words maps to a Philox counter (x, y, z, w).
 *
 * <p>Both orders are public for ever; the bytes of a fill depend on the order as on the seed.
 *
 * @since 0.1
 */
public enum StreamOrder {
  /**
   * (x, y) = q ≫ 16, (z, w) = q mod 2¹⁶: cuRAND's CURAND_RNG_PSEUDO_PHILOX4_32_10 with
   * CURAND_ORDERING_PSEUDO_LEGACY. The default.
   */
  CURAND(16),
  /** (x, y) = q, (z, w) = 0: the plain counter order of Random123. */
  SEQUENTIAL(0);

  private final int subsequenceBits;

  StreamOrder(int subsequenceBits) {
    this.subsequenceBits = subsequenceBits;
  }

  /** Low bits of the block index that go to (z, w): 16 or 0. */
  public int subsequenceBits() {
    return subsequenceBits;
  }

  /** Name on the command line and in receipts: {@code curand}, {@code sequential}. */
  public String id() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }
}
