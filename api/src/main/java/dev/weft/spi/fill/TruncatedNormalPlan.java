package dev.weft.spi.fill;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The constants of a normal distribution cut at [a, b], in more digits than either type: {@link
 * TruncatedNormalPlanF32} and {@link TruncatedNormalPlanF64} round them. Computed from IEEE
 * operations and StrictMath alone: the same on every machine.
 *
 * <p>Word x of n bits stands for the probability Φ(a) + (x + ½)·w, w = (Φ(b) − Φ(a))·2⁻ⁿ. Words
 * below {@code split} lie below the mean, the others above it. On either side p is the distance to
 * the nearer end of (0, 1) and q = ½ − p that to the middle, both linear in a count of words, so
 * that neither loses digits where it is small. If b ≤ 0 the plan is that of [−b, −a], for the word
 * 2ⁿ − 1 − x and −z.
 *
 * <p>If all of [a, b] lies in one tail, p is scaled by 2ᵏ to at most 1, and k goes into the
 * logarithm.
 *
 * @param mirrored whether the plan is that of [−b, −a]
 * @param split number of words below the mean, n bits, unsigned
 * @param width w·2ᵏ
 * @param tailBelow p of word 0, if it lies below the mean
 * @param tailAbove p·2ᵏ of the last word
 * @param middleBelow q of word split − 1
 * @param middleAbove q of word split
 * @param cut p below it is mapped by the tail's polynomial; 0 if no word lies there, 2 if all do
 * @param k exponent of the scale of p
 * @param tailCentre middle of the tail polynomial's interval
 * @param tail z = r + Σ tail[i]·(√r − tailCentre)ⁱ for r = √(−2 ln p); empty if {@code cut} is 0
 */
record TruncatedNormalPlan(
    boolean mirrored,
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

  /** The central polynomial reaches down to this probability; Φ(−2) = 0.02275 is inside. */
  static final double CUT = 0.0225;

  /** More plans than this are not kept; a plan takes some hundred bytes. */
  private static final int MANY_PLANS = 256;

  private static final Map<Request, TruncatedNormalPlan> PLANS = new ConcurrentHashMap<>();

  /** From here on the whole distribution lies within an ulp of its nearer bound. */
  private static final double FAR = 0x1p26;

  /**
   * Computes the plan, or finds it: a plan takes milliseconds, and a model's tensors share bounds.
   *
   * @param a lower bound in units of σ from the mean; may be −∞
   * @param b upper bound; may be +∞
   * @param bits size of a word, 32 or 64
   * @param terms length of the tail's polynomial
   * @throws IllegalArgumentException unless {@code a < b}
   */
  static TruncatedNormalPlan of(double a, double b, int bits, int terms) {
    if (!(a < b)) {
      throw new IllegalArgumentException(
          "truncated_normal: need lower < upper, got lower=" + a + ", upper=" + b);
    }
    if (PLANS.size() >= MANY_PLANS) {
      PLANS.clear();
    }
    return PLANS.computeIfAbsent(
        new Request(a, b, bits, terms),
        request -> {
          if (b <= 0) {
            return above(-b, -a, bits, terms, true);
          }
          return a >= 0 ? above(a, b, bits, terms, false) : around(a, b, bits, terms);
        });
  }

  private record Request(double a, double b, int bits, int terms) {}

  private static TruncatedNormalPlan around(double a, double b, int bits, int terms) {
    DoubleDouble below = NormalTail.fromMean(finite(-a));
    DoubleDouble above = NormalTail.fromMean(finite(b));
    DoubleDouble tailBelow = NormalTail.tail(finite(-a));
    DoubleDouble tailAbove = NormalTail.tail(finite(b));
    DoubleDouble width = below.plus(above).scale(-bits);
    DoubleDouble mean = below.over(width); // the mean's place, in words
    BigDecimal place = new BigDecimal(mean.hi()).add(new BigDecimal(mean.lo()));
    BigInteger count =
        place.add(BigDecimal.valueOf(0.5)).setScale(0, RoundingMode.FLOOR).toBigInteger();
    BigInteger split = count.min(BigInteger.ONE.shiftLeft(bits).subtract(BigInteger.ONE));
    double rest = place.subtract(new BigDecimal(split)).doubleValue();
    double cut = Math.min(tailBelow.hi(), tailAbove.hi()) < CUT ? CUT : 0;
    Polynomial tail = Polynomial.of(cut, DoubleDouble.of(CUT).ln(), bits, terms);
    return new TruncatedNormalPlan(
        false,
        split.longValue(),
        width.value(),
        tailBelow.plus(width.scale(-1)).value(),
        tailAbove.plus(width.scale(-1)).value(),
        width.times(0.5 + rest).value(),
        width.times(0.5 - rest).value(),
        cut,
        0,
        tail.centre,
        tail.terms);
  }

  private static TruncatedNormalPlan above(
      double a, double b, int bits, int terms, boolean mirrored) {
    DoubleDouble near = DoubleDouble.of(Math.min(a, FAR));
    DoubleDouble far = a < FAR ? finite(b) : DoubleDouble.of(2 * FAR);
    DoubleDouble lnNear = NormalTail.lnTail(near);
    DoubleDouble tailNear = NormalTail.tail(near);
    boolean allTail = tailNear.hi() < CUT;
    double k = 0;
    DoubleDouble tailFar = NormalTail.tail(far);
    if (allTail) {
      k = -Math.floor(lnNear.hi() / DoubleDouble.LN2.hi()) - 1;
      tailNear = lnNear.plus(DoubleDouble.LN2.times(k)).exp();
      tailFar = tailNear.times(NormalTail.lnTail(far).minus(lnNear).exp());
    }
    DoubleDouble width = tailNear.minus(tailFar).scale(-bits);
    double p = tailFar.plus(width.scale(-1)).value();
    double q = allTail ? 0 : NormalTail.fromMean(near).plus(width.scale(-1)).value();
    double cut = allTail ? 2 : tailFar.hi() < CUT ? CUT : 0;
    Polynomial tail = Polynomial.of(cut, allTail ? lnNear : DoubleDouble.of(CUT).ln(), bits, terms);
    return new TruncatedNormalPlan(
        mirrored, 0, width.value(), p, p, q, q, cut, k, tail.centre, tail.terms);
  }

  /** ±∞ becomes a bound with no mass beyond it. */
  private static DoubleDouble finite(double z) {
    return DoubleDouble.of(Math.min(z, 2 * FAR));
  }

  /** z − r as a polynomial of √r, interpolated at Chebyshev nodes. */
  private record Polynomial(double centre, double[] terms) {
    static Polynomial of(double cut, DoubleDouble lnStart, int bits, int count) {
      if (cut == 0) {
        return new Polynomial(0, new double[count]);
      }
      // From the largest p to the smallest that a word can reach, 2^−(bits + 1) of it.
      double first = -2 * lnStart.hi();
      double start = Math.sqrt(Math.sqrt(first));
      double end =
          Math.max(
              Math.sqrt(Math.sqrt(first + 2 * (bits + 1) * DoubleDouble.LN2.hi())), 1.25 * start);
      double centre = (float) (0.5 * (start + end));
      double[] x = new double[count];
      DoubleDouble[] y = new DoubleDouble[count];
      for (int i = 0; i < count; i++) {
        double s =
            0.5 * (start + end) + 0.5 * (end - start) * StrictMath.cos(Math.PI * (i + 0.5) / count);
        x[i] = s - centre;
        DoubleDouble r = DoubleDouble.of(s).times(s);
        y[i] = NormalTail.quantile(r).minus(r);
      }
      for (int n = 1; n < count; n++) { // divided differences
        for (int i = count - 1; i >= n; i--) {
          y[i] = y[i].minus(y[i - 1]).over(DoubleDouble.of(x[i]).plus(-x[i - n]));
        }
      }
      DoubleDouble[] c = new DoubleDouble[count]; // Newton's form to powers
      java.util.Arrays.fill(c, DoubleDouble.ZERO);
      for (int i = count - 1; i >= 0; i--) {
        for (int j = count - 1; j > 0; j--) {
          c[j] = c[j - 1].minus(c[j].times(x[i]));
        }
        c[0] = y[i].minus(c[0].times(x[i]));
      }
      double[] terms = new double[count];
      for (int i = 0; i < count; i++) {
        terms[i] = c[i].value();
      }
      return new Polynomial(centre, terms);
    }
  }
}
