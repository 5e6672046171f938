package dev.weft.cpu.vector;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.SUSUB;
import static jdk.incubator.vector.VectorOperators.UMIN;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/** The last steps of an element: into its fill's bounds, and to 16 bits. */
final class Rounding {
  private Rounding() {}

  /** Patterns of values within the bounds. */
  @Inlined
  @Exact
  static IntVector bounded(FloatVector value, FloatVector least, FloatVector most) {
    return value.blend(least, value.lt(least)).blend(most, most.lt(value)).reinterpretAsInts();
  }

  /** The same for a negative least alone: as an unsigned integer, it is the most. */
  @Inlined
  @Exact
  static IntVector notBelowNegative(IntVector value, FloatVector least) {
    return value.lanewise(UMIN, least.reinterpretAsInts());
  }

  /** The same for a positive most alone: as a signed integer, it is the most. */
  @Inlined
  @Exact
  static IntVector notAbovePositive(IntVector value, FloatVector most) {
    return value.min(most.reinterpretAsInts());
  }

  /** The upper halves of the even and the odd elements, in the elements' order. */
  @Inlined
  @Exact
  static IntVector upper(IntVector even, IntVector odd) {
    return even.lanewise(LSHR, 16).or(odd.and(0xFFFF0000));
  }

  /**
   * {@link #upper} rounded to nearest even: up if the lower half is more than a half, or a half and
   * the upper odd, so if the lower half with the upper one's last bit is more than a half.
   */
  @Inlined
  @Exact
  static IntVector bfloat16(IntVector even, IntVector odd) {
    ShortVector upper = upper(even, odd).reinterpretAsShorts();
    ShortVector lower = even.and(0xFFFF).or(odd.lanewise(LSHL, 16)).reinterpretAsShorts();
    ShortVector more = lower.or(upper.and((short) 1)).lanewise(SUSUB, (short) 0x8000);
    return upper.add(more.lanewise(UMIN, (short) 1)).reinterpretAsInts();
  }

  /** Elements of 16 bits, two in a lane, and at least {@code least}, a negative one of them. */
  @Inlined
  @Exact
  static IntVector least(IntVector packed, float least) {
    short pattern = (short) (Float.floatToRawIntBits(least) >>> 16);
    return packed.reinterpretAsShorts().lanewise(UMIN, pattern).reinterpretAsInts();
  }

  /** The same, and at most {@code most}, a positive one of them. */
  @Inlined
  @Exact
  static IntVector most(IntVector packed, float most) {
    short pattern = (short) (Float.floatToRawIntBits(most) >>> 16);
    return packed.reinterpretAsShorts().min(pattern).reinterpretAsInts();
  }
}
