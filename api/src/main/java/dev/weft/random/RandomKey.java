package dev.weft.random;

import dev.weft.internal.Checks;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/**
 * Names a random stream: a 64-bit seed and the order of its blocks. A key has no state; using it
 * twice gives the same numbers twice, so draw each tensor from a {@link #child} of its own.
 *
 * <p>Children: {@code child(name)} is the key whose seed is words 0 and 1 (low word first) of the
 * Philox block with this seed as key and the counter (h low, h high, 0, 0x57454654), where h is the
 * 64-bit FNV-1a hash of the name's UTF-8 bytes. {@code split(n)[i]} is the same with the counter (i
 * low, i high, 1, 0x57454654). The last counter word keeps these blocks apart from every block of a
 * stream, where it is 0. The order is inherited, and does not change a child's seed.
 *
 * @param seed the 64-bit Philox key, low word first
 * @param order how blocks are counted
 * @since 0.1
 */
public record RandomKey(long seed, StreamOrder order) {
  private static final int TAG = 0x57454654; // "WEFT"
  private static final int BY_NAME = 0;
  private static final int BY_INDEX = 1;

  /** Checks that the order is there. */
  public RandomKey {
    Objects.requireNonNull(order, "order");
  }

  /** The key with this seed, in {@link StreamOrder#CURAND} order. */
  public static RandomKey of(long seed) {
    return new RandomKey(seed, StreamOrder.CURAND);
  }

  /** This key with another block order. */
  public RandomKey withOrder(StreamOrder order) {
    return new RandomKey(seed, order);
  }

  /** The key of the part of a model called {@code name}, for example {@code "layer0/kernel"}. */
  public RandomKey child(String name) {
    long hash = 0xCBF29CE484222325L;
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xFF)) * 0x100000001B3L;
    }
    return derive(hash, BY_NAME);
  }

  /**
   * {@code n} keys whose streams are independent; key i does not depend on n.
   *
   * @throws IllegalArgumentException {@code split: need n >= 0, got n=…}
   */
  public RandomKey[] split(int n) {
    if (n < 0) {
      throw Checks.bad("split", "need n >= 0", "n", n);
    }
    RandomKey[] keys = new RandomKey[n];
    for (int i = 0; i < n; i++) {
      keys[i] = derive(i, BY_INDEX);
    }
    return keys;
  }

  private RandomKey derive(long value, int kind) {
    int[] block = new int[4];
    Philox4x32.block(value, (long) TAG << 32 | kind, seed, block);
    return new RandomKey(block[0] & 0xFFFFFFFFL | (long) block[1] << 32, order);
  }
}
