package dev.weft.testkit.fuzz;

import java.util.function.Predicate;

/** Cuts a failing input down: leaves out blocks, from halves to bytes, while it still fails. */
final class Minimizer {
  private Minimizer() {}

  /**
   * The shortest input that was found.
   *
   * @param fails whether an input shows the same fault; true of {@code input}
   * @param attempts the most calls of it
   */
  static byte[] cut(byte[] input, Predicate<byte[]> fails, int attempts) {
    byte[] least = input;
    int left = attempts;
    for (int block = Math.max(1, least.length / 2); block > 0; block /= 2) {
      for (int from = 0; from < least.length && left > 0; left--) {
        int to = Math.min(from + block, least.length);
        byte[] shorter = Mutator.replace(least, from, to, new byte[0]);
        if (fails.test(shorter)) {
          least = shorter;
        } else {
          from = to;
        }
      }
    }
    return least;
  }
}
