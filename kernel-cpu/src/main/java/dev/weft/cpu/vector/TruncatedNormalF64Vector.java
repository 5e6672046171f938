package dev.weft.cpu.vector;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.NOT;
import static jdk.incubator.vector.VectorOperators.SQRT;
import static jdk.incubator.vector.VectorOperators.XOR;

import dev.weft.cpu.scalar.TruncatedNormalF64;
import dev.weft.spi.fill.TruncatedNormalPlanF64;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link TruncatedNormalF64} in vectors, operation for operation. What depends on a word's side is
 * chosen by bits: masks of two lanes are boxed at 128 bits.
 */
final class TruncatedNormalF64Vector {
  private TruncatedNormalF64Vector() {}

  /** All bits where a word is in the upper part, else none. */
  @Inlined
  static LongVector above(LongVector x, TruncatedNormalPlanF64 plan) {
    LongVector not = x.lanewise(NOT);
    LongVector borrow = // top bit: x < split
        not.and(plan.split()).or(not.or(plan.split()).and(x.sub(plan.split())));
    return borrow.lanewise(ASHR, 63).lanewise(NOT);
  }

  /** p, the probability of the nearer tail. */
  @Inlined
  static DoubleVector tail(
      VectorSpecies<Double> d, LongVector x, LongVector above, TruncatedNormalPlanF64 plan) {
    return NormalF64Vector.unsigned(d, x.lanewise(XOR, above))
        .fma(
            DoubleVector.broadcast(d, plan.width()),
            either(above, plan.tailBelow(), plan.tailAbove()));
  }

  /** q = ½ − p. */
  @Inlined
  static DoubleVector middle(
      VectorSpecies<Double> d, LongVector x, LongVector above, TruncatedNormalPlanF64 plan) {
    LongVector fromSplit = x.sub(plan.split()); // split + ~x = ~(x − split)
    return NormalF64Vector.unsigned(d, fromSplit.lanewise(XOR, above.lanewise(NOT)))
        .fma(
            DoubleVector.broadcast(d, plan.width()),
            either(above, plan.middleBelow(), plan.middleAbove()));
  }

  /** The sign of z. */
  @Inlined
  static LongVector sign(LongVector above, TruncatedNormalPlanF64 plan) {
    return above.lanewise(XOR, plan.flip()).lanewise(NOT).and(0x8000000000000000L);
  }

  @Inlined
  static DoubleVector either(LongVector above, double below, double otherwise) {
    long bits = Double.doubleToRawLongBits(below);
    return above
        .and(bits ^ Double.doubleToRawLongBits(otherwise))
        .lanewise(XOR, bits)
        .reinterpretAsDoubles();
  }

  /** |z|/q of p. */
  @Inlined
  static DoubleVector ratio(VectorSpecies<Double> d, DoubleVector p) {
    DoubleVector v =
        p.neg().fma(p, p).lanewise(SQRT).lanewise(SQRT).sub(TruncatedNormalF64.ROOT_CENTRE);
    DoubleVector g =
        v.fma(
            DoubleVector.broadcast(d, TruncatedNormalF64.ROOT19),
            DoubleVector.broadcast(d, TruncatedNormalF64.ROOT18));
    g = v.fma(g, DoubleVector.broadcast(d, TruncatedNormalF64.ROOT17));
    g = v.fma(g, DoubleVector.broadcast(d, TruncatedNormalF64.ROOT16));
    g = v.fma(g, DoubleVector.broadcast(d, TruncatedNormalF64.ROOT15));
    g = v.fma(g, DoubleVector.broadcast(d, TruncatedNormalF64.ROOT14));
    g = v.fma(g, DoubleVector.broadcast(d, TruncatedNormalF64.ROOT13));
    g = v.fma(g, DoubleVector.broadcast(d, TruncatedNormalF64.ROOT12));
    g = v.fma(g, DoubleVector.broadcast(d, TruncatedNormalF64.ROOT11));
    g = v.fma(g, DoubleVector.broadcast(d, TruncatedNormalF64.ROOT10));
    g = v.fma(g, DoubleVector.broadcast(d, TruncatedNormalF64.ROOT9));
    g = v.fma(g, DoubleVector.broadcast(d, TruncatedNormalF64.ROOT8));
    g = v.fma(g, DoubleVector.broadcast(d, TruncatedNormalF64.ROOT7));
    g = v.fma(g, DoubleVector.broadcast(d, TruncatedNormalF64.ROOT6));
    g = v.fma(g, DoubleVector.broadcast(d, TruncatedNormalF64.ROOT5));
    g = v.fma(g, DoubleVector.broadcast(d, TruncatedNormalF64.ROOT4));
    g = v.fma(g, DoubleVector.broadcast(d, TruncatedNormalF64.ROOT3));
    g = v.fma(g, DoubleVector.broadcast(d, TruncatedNormalF64.ROOT2));
    g = v.fma(g, DoubleVector.broadcast(d, TruncatedNormalF64.ROOT1));
    return v.fma(g, DoubleVector.broadcast(d, TruncatedNormalF64.ROOT0));
  }

  /** |z| of p in the tail. */
  @Inlined
  static DoubleVector inTail(VectorSpecies<Double> d, DoubleVector p, TruncatedNormalPlanF64 plan) {
    double[] tail = plan.tail();
    DoubleVector r = NormalF64Vector.radius(d, p, plan.k());
    DoubleVector w = r.lanewise(SQRT).sub(plan.tailCentre());
    DoubleVector c = DoubleVector.broadcast(d, tail[TruncatedNormalPlanF64.TAIL_TERMS - 1]);
    for (int n = TruncatedNormalPlanF64.TAIL_TERMS - 2; n >= 0; n--) {
      c = w.fma(c, DoubleVector.broadcast(d, tail[n]));
    }
    return r.add(c);
  }
}
