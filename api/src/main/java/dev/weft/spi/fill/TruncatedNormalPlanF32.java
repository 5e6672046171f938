package dev.weft.spi.fill;

/**
 * The constants of a normal cut at one pair of bounds, in f32; see {@link TruncatedNormalPlan},
 * which they are rounded from.
 *
 * @param flip xored to the word: −1 if mirrored, else 0
 * @param split words ≥ split (unsigned) lie above the mean
 * @param width probability of a word
 * @param tailBelow p of word 0
 * @param tailAbove p of word 2³² − 1
 * @param middleBelow q of word split − 1
 * @param middleAbove q of word split
 * @param cut smaller p belong to the tail
 * @param k scale of p, a power of two's exponent
 * @param tailCentre middle of the tail polynomial's interval
 * @param tail0 to {@code tail7}: its coefficients
 */
public record TruncatedNormalPlanF32(
    int flip,
    int split,
    float width,
    float tailBelow,
    float tailAbove,
    float middleBelow,
    float middleAbove,
    float cut,
    float k,
    float tailCentre,
    float tail0,
    float tail1,
    float tail2,
    float tail3,
    float tail4,
    float tail5,
    float tail6,
    float tail7) {
  /** Number of coefficients of the tail. */
  public static final int TAIL_TERMS = 8;

  /**
   * Computes the constants.
   *
   * @param lower a, in units of σ from the mean; may be −∞
   * @param upper b; may be +∞
   * @throws IllegalArgumentException unless {@code lower < upper}
   */
  public static TruncatedNormalPlanF32 of(double lower, double upper) {
    TruncatedNormalPlan plan = TruncatedNormalPlan.of(lower, upper, Integer.SIZE, TAIL_TERMS);
    double[] t = plan.tail();
    return new TruncatedNormalPlanF32(
        plan.mirrored() ? -1 : 0,
        (int) plan.split(),
        (float) plan.width(),
        (float) plan.tailBelow(),
        (float) plan.tailAbove(),
        (float) plan.middleBelow(),
        (float) plan.middleAbove(),
        (float) plan.cut(),
        (float) plan.k(),
        (float) plan.tailCentre(),
        (float) t[0],
        (float) t[1],
        (float) t[2],
        (float) t[3],
        (float) t[4],
        (float) t[5],
        (float) t[6],
        (float) t[7]);
  }

  /** Whether no word needs the tail. */
  public boolean isCentral() {
    return cut == 0;
  }

  /**
   * Whether a = −b: then the top bit of a word is its side, and both counts of words are below 2³¹,
   * so that a signed conversion does.
   */
  public boolean isSymmetric() {
    return split == 0x80000000 && tailBelow == tailAbove && middleBelow == middleAbove;
  }
}
