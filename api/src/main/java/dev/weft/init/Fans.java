package dev.weft.init;

import dev.weft.Shape;
import dev.weft.internal.Checks;

/**
 * Number of inputs and outputs of one unit of a weight: fan_in and fan_out.
 *
 * <table>
 * <caption>Fans of a shape s</caption>
 * <tr><th>layout</th><th>rank</th><th>in</th><th>out</th></tr>
 * <tr><td>KERAS</td><td>0</td><td>1</td><td>1</td></tr>
 * <tr><td>KERAS</td><td>1</td><td>s[0]</td><td>s[0]</td></tr>
 * <tr><td>KERAS</td><td>2</td><td>s[0]</td><td>s[1]</td></tr>
 * <tr><td>KERAS</td><td>≥ 3</td><td>s[-2]·∏s[:-2]</td><td>s[-1]·∏s[:-2]</td></tr>
 * <tr><td>TORCH</td><td>≥ 2</td><td>s[1]·∏s[2:]</td><td>s[0]·∏s[2:]</td></tr>
 * </table>
 *
 * <p>(3, 3, 64, 128) in KERAS and (128, 64, 3, 3) in TORCH both give 576 and 1152.
 *
 * @param in inputs of one output unit
 * @param out outputs of one input unit
 * @since 0.1
 */
public record Fans(long in, long out) {

  /**
   * The fans of the logical shape of a weight; never of a slice of it.
   *
   * @throws IllegalArgumentException {@code fans: need rank >= 2 in torch layout, got shape=…}
   */
  public static Fans of(Shape shape, Layout layout) {
    int rank = shape.rank();
    if (layout == Layout.TORCH) {
      if (rank < 2) {
        throw Checks.bad("fans", "need rank >= 2 in torch layout", "shape", shape);
      }
      long field = product(shape, 2, rank);
      return new Fans(times(shape.dim(1), field, shape), times(shape.dim(0), field, shape));
    }
    if (rank < 2) {
      long n = rank == 0 ? 1 : shape.dim(0);
      return new Fans(n, n);
    }
    long field = product(shape, 0, rank - 2);
    return new Fans(times(shape.dim(-2), field, shape), times(shape.dim(-1), field, shape));
  }

  /**
   * The fans by named axes, as in JAX: the axes that are neither input, output nor batch form the
   * receptive field RF; in = shape[inAxis]·RF, out = shape[outAxis]·RF.
   *
   * @param batchAxes axes that hold independent weights and do not count
   * @throws IllegalArgumentException if an axis is not below the rank or is named twice
   */
  public static Fans ofAxes(Shape shape, int inAxis, int outAxis, int... batchAxes) {
    boolean[] named = new boolean[shape.rank()];
    int in = claim(named, inAxis, shape);
    int out = claim(named, outAxis, shape);
    for (int axis : batchAxes) {
      claim(named, axis, shape);
    }
    long field = 1;
    for (int a = 0; a < named.length; a++) {
      field = named[a] ? field : times(field, shape.dim(a), shape);
    }
    return new Fans(times(shape.dim(in), field, shape), times(shape.dim(out), field, shape));
  }

  /** The divisor of a scheme: at least 1. */
  public double divisor(FanMode mode) {
    double n =
        switch (mode) {
          case FAN_IN -> in;
          case FAN_OUT -> out;
          case FAN_AVG -> ((double) in + out) / 2;
          case FAN_GEO_AVG -> Math.sqrt((double) in * out);
        };
    return Math.max(1, n);
  }

  private static int claim(boolean[] named, int axis, Shape shape) {
    int index = axis < 0 ? axis + named.length : axis;
    if (index < 0 || index >= named.length || named[index]) {
      throw Checks.bad("fans", "need distinct axes below the rank", "axis", axis, "shape", shape);
    }
    named[index] = true;
    return index;
  }

  private static long product(Shape shape, int from, int to) {
    long product = 1;
    for (int a = from; a < to; a++) {
      product = times(product, shape.dim(a), shape);
    }
    return product;
  }

  /** a·b; a shape without elements may have products that are no longs. */
  private static long times(long a, long b, Shape shape) {
    if (Math.multiplyHigh(a, b) != 0 || a * b < 0) {
      throw Checks.bad("fans", "need fans < 2^63", "shape", shape);
    }
    return a * b;
  }
}
