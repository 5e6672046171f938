package dev.weft.cpu.vector;

import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;

import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The steps of a round of Philox4x32, one block in each 64-bit lane.
 *
 * <p>A round leaves two products, n = M1·z and o = M0·x; the next round's words are x = hi(n) ^
 * lo(p) ^ k0, y = lo(n), z = hi(o) ^ lo(r) ^ k1, w = lo(o), where p and r are the products of the
 * round before.
 */
final class PhiloxVector {
  private PhiloxVector() {}

  /**
   * hi(product) ^ before ^ key in the lower half; the upper half is undefined.
   *
   * @param at index of the key's vector in {@code keys}
   */
  @Inlined
  static LongVector mix(
      VectorSpecies<Long> l, LongVector product, LongVector before, long[] keys, int at) {
    return product
        .lanewise(LSHR, 32)
        .lanewise(XOR, LongVector.fromArray(l, keys, at))
        .lanewise(XOR, before);
  }

  /** {@link #mix} without its upper half times a word: both operands are seen to be unsigned. */
  @Inlined
  static LongVector round(
      VectorSpecies<Long> l,
      LongVector product,
      LongVector before,
      long[] keys,
      int at,
      LongVector factor,
      LongVector low) {
    return mix(l, product, before, keys, at).and(low).mul(factor);
  }
}
