package dev.weft.cpu.vector;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.NOT;
import static jdk.incubator.vector.VectorOperators.OR;
import static jdk.incubator.vector.VectorOperators.SQRT;
import static jdk.incubator.vector.VectorOperators.XOR;

import dev.weft.cpu.scalar.TruncatedNormalF64;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link TruncatedNormalF64} in vectors, operation for operation. What depends on a word's side is
 * chosen by bits: masks of two lanes are boxed at 128 bits.
 */
final class TruncatedNormalF64Vector {
  private TruncatedNormalF64Vector() {}

  /** z of a word. */
  @Inlined
  static DoubleVector sample(
      VectorSpecies<Double> d, LongVector word, TruncatedNormalF64.Plan plan) {
    LongVector x = word.lanewise(XOR, plan.flip());
    LongVector fromSplit = x.sub(plan.split());
    LongVector not = x.lanewise(NOT);
    LongVector borrow = // top bit: x < split
        not.and(plan.split()).or(not.or(plan.split()).and(fromSplit));
    LongVector above = borrow.lanewise(ASHR, 63).lanewise(NOT);
    DoubleVector width = DoubleVector.broadcast(d, plan.width());
    DoubleVector p =
        NormalF64Vector.unsigned(d, x.lanewise(XOR, above))
            .fma(width, either(above, plan.tailBelow(), plan.tailAbove()));
    DoubleVector q = // split + ~x = ~(x − split)
        NormalF64Vector.unsigned(d, fromSplit.lanewise(XOR, above.lanewise(NOT)))
            .fma(width, either(above, plan.middleBelow(), plan.middleAbove()));
    LongVector z = q.mul(ratio(d, p)).reinterpretAsLongs();
    LongVector inTail = p.sub(plan.cut()).reinterpretAsLongs().lanewise(ASHR, 63); // p < cut
    if (inTail.reduceLanes(OR) != 0) {
      LongVector other = inTail(d, p, plan).reinterpretAsLongs();
      z = z.lanewise(XOR, z.lanewise(XOR, other).and(inTail));
    }
    LongVector sign = above.lanewise(XOR, plan.flip()).lanewise(NOT).and(0x8000000000000000L);
    return z.lanewise(XOR, sign).reinterpretAsDoubles();
  }

  @Inlined
  static DoubleVector either(LongVector above, double below, double otherwise) {
    long bits = Double.doubleToRawLongBits(below);
    return above
        .and(bits ^ Double.doubleToRawLongBits(otherwise))
        .lanewise(XOR, bits)
        .reinterpretAsDoubles();
  }

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

  @Inlined
  static DoubleVector inTail(
      VectorSpecies<Double> d, DoubleVector p, TruncatedNormalF64.Plan plan) {
    double[] tail = plan.tail();
    DoubleVector r = NormalF64Vector.radius(d, p, plan.k());
    DoubleVector w = r.lanewise(SQRT).sub(plan.tailCentre());
    DoubleVector c = DoubleVector.broadcast(d, tail[TruncatedNormalF64.TAIL_TERMS - 1]);
    for (int n = TruncatedNormalF64.TAIL_TERMS - 2; n >= 0; n--) {
      c = w.fma(c, DoubleVector.broadcast(d, tail[n]));
    }
    return r.add(c);
  }
}
