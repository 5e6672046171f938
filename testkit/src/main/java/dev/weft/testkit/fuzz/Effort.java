package dev.weft.testkit.fuzz;

import java.util.List;

/**
 * How long one target is fuzzed: until one of the two is used up.
 *
 * @param seed of the mutations
 * @param inputs the most inputs
 * @param nanos the most time by the clock
 */
public record Effort(long seed, long inputs, long nanos) {
  /** Seconds for all targets together; 0 for a few thousand inputs each. */
  public static final String SECONDS = "weft.fuzz.seconds";

  /** The seed of the mutations, 1 unless it is set. */
  public static final String SEED = "weft.fuzz.seed";

  /** Every target of the repository, which share {@value #SECONDS} evenly. */
  public static final List<String> TARGETS =
      List.of(
          "npy",
          "safetensors",
          "index",
          "manifest",
          "receipt",
          "json",
          "idx",
          "spec",
          "dlpack",
          "results",
          "csv",
          "commands");

  /**
   * The share of {@code target} of the seconds that were asked for, or so many inputs.
   *
   * @throws IllegalArgumentException if it is none of {@link #TARGETS}
   */
  public static Effort of(String target, long inputs) {
    if (!TARGETS.contains(target)) {
      throw new IllegalArgumentException("need one of " + TARGETS + ", got target=" + target);
    }
    long seconds = Long.getLong(SECONDS, 0);
    long seed = Long.getLong(SEED, 1);
    return seconds == 0
        ? new Effort(seed, inputs, Long.MAX_VALUE)
        : new Effort(seed, Long.MAX_VALUE, seconds * 1_000_000_000L / TARGETS.size());
  }
}
