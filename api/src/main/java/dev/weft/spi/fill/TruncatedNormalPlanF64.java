package dev.weft.spi.fill;

/**
 * The constants of a normal cut at one pair of bounds, in f64; see {@link TruncatedNormalPlan},
 * which they are.
 *
 * @param flip xored to the word: −1 if mirrored, else 0
 * @param split words ≥ split (unsigned) lie above the mean
 * @param width probability of a word
 * @param tailBelow p of word 0
 * @param tailAbove p of word 2⁶⁴ − 1
 * @param middleBelow q of word split − 1
 * @param middleAbove q of word split
 * @param cut smaller p belong to the tail
 * @param k scale of p, a power of two's exponent
 * @param tailCentre middle of the tail polynomial's interval
 * @param tail its coefficients, lowest power first; not to be written
 */
public record TruncatedNormalPlanF64(
    long flip,
    long split,
    double width,
    double tailBelow,
    double tailAbove,
    double middleBelow,
    double middleAbove,
    double cut,
    double k,
    double tailCentre,
    double[] tail) {
  /** Number of coefficients of the tail. */
  public static final int TAIL_TERMS = 19;

  /**
   * Computes the constants.
   *
   * @param lower a, in units of σ from the mean; may be −∞
   * @param upper b; may be +∞
   * @throws IllegalArgumentException unless {@code lower < upper}
   */
  public static TruncatedNormalPlanF64 of(double lower, double upper) {
    TruncatedNormalPlan plan = TruncatedNormalPlan.of(lower, upper, Long.SIZE, TAIL_TERMS);
    return new TruncatedNormalPlanF64(
        plan.mirrored() ? -1 : 0,
        plan.split(),
        plan.width(),
        plan.tailBelow(),
        plan.tailAbove(),
        plan.middleBelow(),
        plan.middleAbove(),
        plan.cut(),
        plan.k(),
        plan.tailCentre(),
        plan.tail());
  }

  /** Whether no word needs the tail. */
  public boolean isCentral() {
    return cut == 0;
  }

  /** Whether a = −b: then the top bit of a word is its side. */
  public boolean isSymmetric() {
    return split == Long.MIN_VALUE && tailBelow == tailAbove && middleBelow == middleAbove;
  }
}
