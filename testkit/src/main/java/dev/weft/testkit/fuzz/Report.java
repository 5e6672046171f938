package dev.weft.testkit.fuzz;

import java.util.Locale;

/**
 * What a run without a fault has done.
 *
 * @param target its name
 * @param seed of the mutations
 * @param seeds how many of the seeds were read
 * @param inputs mutated inputs, without the seeds
 * @param read how many of them were read; the others were refused
 */
public record Report(String target, long seed, long seeds, long inputs, long read) {
  /** Throws unless the target both reads and refuses: else its test would show nothing. */
  public void requireBoth() {
    if (seeds == 0 || read == inputs) {
      throw new AssertionError(this + ", " + seeds + " seeds read");
    }
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "fuzz %s: %,d inputs, %,d read, %,d refused, seed %d",
        target,
        inputs,
        read,
        inputs - read,
        seed);
  }
}
