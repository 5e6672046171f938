package dev.weft;

import dev.weft.internal.Checks;

/**
 * Element type of a tensor, stored in the machine's byte order.
 *
 * <table>
 * <caption>Types</caption>
 * <tr><th>type</th><th>bytes</th><th>significand bits</th><th>largest finite value</th></tr>
 * <tr><td>F32</td><td>4</td><td>24</td><td>(2 − 2⁻²³)·2¹²⁷</td></tr>
 * <tr><td>F64</td><td>8</td><td>53</td><td>(2 − 2⁻⁵²)·2¹⁰²³</td></tr>
 * <tr><td>F16</td><td>2</td><td>11</td><td>65504</td></tr>
 * <tr><td>BF16</td><td>2</td><td>8</td><td>(2 − 2⁻⁷)·2¹²⁷</td></tr>
 * </table>
 *
 * @since 0.1
 */
public enum DType {
  /** IEEE 754 binary32. */
  F32(4, 24, -126, Float.MAX_VALUE),
  /** IEEE 754 binary64. */
  F64(8, 53, -1022, Double.MAX_VALUE),
  /** IEEE 754 binary16. */
  F16(2, 11, -14, 65504.0),
  /** bfloat16: the upper half of a binary32. */
  BF16(2, 8, -126, 0x1.FEp127);

  private final int byteSize;
  private final int precision;
  private final int minExponent;
  private final double maxValue;

  DType(int byteSize, int precision, int minExponent, double maxValue) {
    this.byteSize = byteSize;
    this.precision = precision;
    this.minExponent = minExponent;
    this.maxValue = maxValue;
  }

  /** Bytes of one element. */
  public int byteSize() {
    return byteSize;
  }

  /** Largest finite value. */
  public double maxValue() {
    return maxValue;
  }

  /** Name in files and on the command line: {@code f32}, {@code f64}, {@code f16}, {@code bf16}. */
  public String id() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }

  /**
   * The type whose {@link #id} is {@code id}.
   *
   * @throws IllegalArgumentException {@code dtype: need one of f32, f64, f16, bf16, got dtype=…}
   */
  public static DType parse(String id) {
    for (DType type : values()) {
      if (type.id().equals(id)) {
        return type;
      }
    }
    throw Checks.bad("dtype", "need one of f32, f64, f16, bf16", "dtype", id);
  }

  /**
   * Bytes of {@code count} elements: the one place where a byte count is computed.
   *
   * @throws IllegalArgumentException if the product passes 2⁶³ − 1
   */
  public long byteSize(long count) {
    try {
      return Math.multiplyExact(count, (long) byteSize);
    } catch (ArithmeticException e) {
      throw Checks.bad(
          "byteSize", "need count * dtype bytes < 2^63", "count", count, "dtype", id());
    }
  }

  /**
   * The value of this type nearest to {@code x}, ties to even; infinite beyond the largest value.
   */
  public double nearest(double x) {
    if (this == F64 || x == 0 || Double.isNaN(x) || Double.isInfinite(x)) {
      return x;
    }
    double unit = Math.scalb(1.0, Math.max(Math.getExponent(x), minExponent) - precision + 1);
    double rounded =
        Math.rint(x / unit) * unit; // x / unit is exact or rounds below half a unit of F64
    return Math.abs(rounded) > maxValue ? Math.copySign(Double.POSITIVE_INFINITY, x) : rounded;
  }

  /** The smallest value of this type that is {@code >= x}; positive infinity if there is none. */
  public double ceil(double x) {
    double nearest = nearest(x);
    return nearest >= x ? nearest : up(nearest);
  }

  /** The largest value of this type that is {@code <= x}; negative infinity if there is none. */
  public double floor(double x) {
    return -ceil(-x);
  }

  /** The largest value of this type that is {@code < x}. */
  public double below(double x) {
    double floor = floor(x);
    return floor < x ? floor : -up(-floor);
  }

  /** The value of this type next above {@code x}, where {@code x} is a value of this type. */
  private double up(double x) {
    if (this == F64) {
      return Math.nextUp(x);
    }
    if (x == Double.NEGATIVE_INFINITY) {
      return -maxValue;
    }
    if (x == maxValue) {
      return Double.POSITIVE_INFINITY;
    }
    int exponent = x == 0 ? minExponent : Math.max(Math.getExponent(x), minExponent);
    boolean shrinks = x < 0 && exponent > minExponent && Math.abs(x) == Math.scalb(1.0, exponent);
    double next = x + Math.scalb(1.0, exponent - precision + (shrinks ? 0 : 1));
    return next == 0 ? -0.0 : next; // as Math.nextUp has it
  }
}
