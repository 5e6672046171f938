package dev.weft.cpu.vector;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.NOT;
import static jdk.incubator.vector.VectorOperators.SQRT;
import static jdk.incubator.vector.VectorOperators.XOR;

import dev.weft.cpu.scalar.TruncatedNormalF32;
import dev.weft.spi.fill.TruncatedNormalPlanF32;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link TruncatedNormalF32} in vectors, operation for operation: for any bounds in one piece, and
 * for bounds −b and b without tails, where the top bit of a word is its side, in pieces that a
 * software pipeline can spread over several steps of its loop.
 */
final class TruncatedNormalF32Vector {
  private TruncatedNormalF32Vector() {}

  /** Distance of a word from the middle word, both ways from 0; symmetric bounds. */
  @Inlined
  static IntVector fromSplit(IntVector word) {
    IntVector x = word.lanewise(XOR, 0x80000000);
    return x.lanewise(XOR, x.lanewise(ASHR, 31));
  }

  /** q = ½ − p with the sign of z; symmetric bounds. */
  @Inlined
  static FloatVector middle(VectorSpecies<Float> f, IntVector word, TruncatedNormalPlanF32 plan) {
    return ((FloatVector) fromSplit(word).convertShape(I2F, f, 0))
        .fma(FloatVector.broadcast(f, plan.width()), FloatVector.broadcast(f, plan.middleAbove()))
        .reinterpretAsInts()
        .lanewise(XOR, word.lanewise(NOT).and(0x80000000))
        .reinterpretAsFloats();
  }

  /** p, the probability of the nearer tail; symmetric bounds. */
  @Inlined
  static FloatVector tail(VectorSpecies<Float> f, IntVector word, TruncatedNormalPlanF32 plan) {
    return ((FloatVector) fromSplit(word).lanewise(XOR, 0x7fffffff).convertShape(I2F, f, 0))
        .fma(FloatVector.broadcast(f, plan.width()), FloatVector.broadcast(f, plan.tailAbove()));
  }

  /** v = √(p(1 − p)), centred. */
  @Inlined
  static FloatVector root(FloatVector p) {
    return p.neg().fma(p, p).lanewise(SQRT).sub(TruncatedNormalF32.ROOT_CENTRE);
  }

  /** |z|/q of v. */
  @Inlined
  static FloatVector ratio(VectorSpecies<Float> f, FloatVector v) {
    FloatVector g =
        v.fma(
            FloatVector.broadcast(f, TruncatedNormalF32.ROOT11),
            FloatVector.broadcast(f, TruncatedNormalF32.ROOT10));
    g = v.fma(g, FloatVector.broadcast(f, TruncatedNormalF32.ROOT9));
    g = v.fma(g, FloatVector.broadcast(f, TruncatedNormalF32.ROOT8));
    g = v.fma(g, FloatVector.broadcast(f, TruncatedNormalF32.ROOT7));
    g = v.fma(g, FloatVector.broadcast(f, TruncatedNormalF32.ROOT6));
    g = v.fma(g, FloatVector.broadcast(f, TruncatedNormalF32.ROOT5));
    g = v.fma(g, FloatVector.broadcast(f, TruncatedNormalF32.ROOT4));
    g = v.fma(g, FloatVector.broadcast(f, TruncatedNormalF32.ROOT3));
    g = v.fma(g, FloatVector.broadcast(f, TruncatedNormalF32.ROOT2));
    g = v.fma(g, FloatVector.broadcast(f, TruncatedNormalF32.ROOT1));
    return v.fma(g, FloatVector.broadcast(f, TruncatedNormalF32.ROOT0));
  }

  /** p; any bounds. */
  @Inlined
  static FloatVector tail(
      VectorSpecies<Float> f, IntVector x, VectorMask<Integer> above, TruncatedNormalPlanF32 plan) {
    return NormalF32Vector.unsigned(f, x.blend(x.lanewise(NOT), above))
        .fma(
            FloatVector.broadcast(f, plan.width()),
            FloatVector.broadcast(f, plan.tailBelow()).blend(plan.tailAbove(), above.cast(f)));
  }

  /** q = ½ − p; any bounds. */
  @Inlined
  static FloatVector middle(
      VectorSpecies<Float> f, IntVector x, VectorMask<Integer> above, TruncatedNormalPlanF32 plan) {
    IntVector fromSplit = x.sub(plan.split());
    return NormalF32Vector.unsigned(f, fromSplit.lanewise(NOT).blend(fromSplit, above))
        .fma(
            FloatVector.broadcast(f, plan.width()),
            FloatVector.broadcast(f, plan.middleBelow()).blend(plan.middleAbove(), above.cast(f)));
  }

  /** The sign of z; any bounds. */
  @Inlined
  static IntVector sign(
      VectorSpecies<Integer> i, VectorMask<Integer> above, TruncatedNormalPlanF32 plan) {
    VectorMask<Integer> negative = plan.flip() == 0 ? above.not() : above;
    return IntVector.zero(i).blend(0x80000000, negative);
  }

  /** |z| of p in the tail. */
  @Inlined
  static FloatVector inTail(VectorSpecies<Float> f, FloatVector p, TruncatedNormalPlanF32 plan) {
    FloatVector e =
        ((FloatVector) NormalF32Vector.exponent(p).convertShape(I2F, f, 0)).sub(plan.k() * 0x1p23f);
    FloatVector h = NormalF32Vector.argument(f, p);
    FloatVector g = NormalF32Vector.logEnd(f, h, NormalF32Vector.logBegin(f, h));
    FloatVector r = NormalF32Vector.minusTwoLn(f, e, h, g).lanewise(SQRT);
    FloatVector w = r.lanewise(SQRT).sub(plan.tailCentre());
    FloatVector c =
        w.fma(FloatVector.broadcast(f, plan.tail7()), FloatVector.broadcast(f, plan.tail6()));
    c = w.fma(c, FloatVector.broadcast(f, plan.tail5()));
    c = w.fma(c, FloatVector.broadcast(f, plan.tail4()));
    c = w.fma(c, FloatVector.broadcast(f, plan.tail3()));
    c = w.fma(c, FloatVector.broadcast(f, plan.tail2()));
    c = w.fma(c, FloatVector.broadcast(f, plan.tail1()));
    return r.add(w.fma(c, FloatVector.broadcast(f, plan.tail0())));
  }
}
