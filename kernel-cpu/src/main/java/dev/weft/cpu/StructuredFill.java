package dev.weft.cpu;

import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.init.Fill;
import dev.weft.init.Layout;
import dev.weft.spi.fill.DiracPlan;
import dev.weft.spi.fill.Elements;
import java.lang.foreign.MemorySegment;

/**
 * Fills that are zero but at positions given by a formula. Each method writes those positions that
 * lie among the logical elements {@code first .. first + count - 1}, over zeros.
 */
final class StructuredFill {
  private StructuredFill() {}

  /** gain at (d, d): element d·(columns + 1). */
  static void identity(
      Fill.Identity fill,
      Shape logical,
      DType dtype,
      MemorySegment out,
      long byteOffset,
      long first,
      long count) {
    long columns = logical.dim(1);
    long diagonal = Math.min(logical.dim(0), columns);
    long bits = Elements.bits(dtype, fill.gain());
    int bytes = dtype.byteSize();
    // ceil(first / (columns + 1)), where columns + 1 may be 2^63
    long begin = first == 0 ? 0 : Long.divideUnsigned(first - 1, columns + 1) + 1;
    for (long d = begin; d < diagonal; d++) {
      long at = d * (columns + 1) - first;
      if (at >= count) {
        break;
      }
      Elements.put(out, byteOffset + at * bytes, bytes, bits);
    }
  }

  /** 1 at the centre tap where input channel d meets output channel g·(out / groups) + d. */
  static void dirac(
      Fill.Dirac fill,
      Shape logical,
      DType dtype,
      MemorySegment out,
      long byteOffset,
      long first,
      long count) {
    long one = Elements.bits(dtype, 1);
    int bytes = dtype.byteSize();
    DiracPlan plan = DiracPlan.of(fill, logical);
    long outputs = plan.outputs();
    long inputs = plan.inputs();
    long perGroup = plan.perGroup();
    long taps = plan.taps();
    long centre = plan.centre();
    long end = first + count;
    if (plan.layout() == Layout.TORCH) {
      long row = inputs * taps; // elements of one output channel
      for (long o = first / row; o < outputs && o * row < end; o++) {
        long d = o % perGroup;
        put(d < inputs, o * row + d * taps + centre, first, end, out, byteOffset, bytes, one);
      }
    } else {
      long base = centre * inputs * outputs;
      long begin = Math.max(0, first - base) / outputs;
      for (long d = begin; d < Math.min(inputs, perGroup) && base + d * outputs < end; d++) {
        for (long o = d; o < outputs; o += perGroup) {
          put(true, base + d * outputs + o, first, end, out, byteOffset, bytes, one);
        }
      }
    }
  }

  private static void put(
      boolean there,
      long element,
      long first,
      long end,
      MemorySegment out,
      long byteOffset,
      int bytes,
      long bits) {
    if (there && element >= first && element < end) {
      Elements.put(out, byteOffset + (element - first) * bytes, bytes, bits);
    }
  }
}
