package dev.weft.cli;

import dev.weft.random.Philox4x32;
import dev.weft.random.RandomKey;

/**
 * Permutations by Fisher and Yates: for i = n − 1 … 1, element i is exchanged with element ⌊w·(i +
 * 1)/2³²⌋, where w is word n − 1 − i of the key's stream. Every permutation is equally likely but
 * for n·2⁻³².
 */
final class Shuffle {
  private Shuffle() {}

  /** Permutes the elements where they are. */
  static void permute(RandomKey key, int[] elements) {
    int[] words = new int[4];
    int n = elements.length;
    for (int i = n - 1; i > 0; i--) {
      int word = n - 1 - i;
      if ((word & 3) == 0) {
        Philox4x32.block(key, word >>> 2, words);
      }
      int j = (int) ((words[word & 3] & 0xFFFFFFFFL) * (i + 1L) >>> 32);
      int swapped = elements[i];
      elements[i] = elements[j];
      elements[j] = swapped;
    }
  }
}
