package dev.weft.testkit;

import dev.weft.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Bit patterns of elements and their values, by search instead of arithmetic. */
public final class Patterns {
  private Patterns() {}

  /** The value of a pattern. */
  public static double value(DType dtype, long pattern) {
    return switch (dtype) {
      case F64 -> Double.longBitsToDouble(pattern);
      case F32 -> Float.intBitsToFloat((int) pattern);
      case BF16 -> Float.intBitsToFloat((int) pattern << 16);
      case F16 -> half((int) pattern & 0xFFFF);
    };
  }

  /** The pattern of {@code x} rounded once to nearest, ties to even. */
  public static long of(DType dtype, double x) {
    if (dtype == DType.F64) {
      return Double.doubleToLongBits(x);
    }
    if (dtype == DType.F32) {
      return Float.floatToIntBits((float) x) & 0xFFFFFFFFL;
    }
    long infinity = dtype == DType.F16 ? 0x7C00 : 0x7F80;
    if (Double.isNaN(x)) {
      return dtype == DType.F16 ? 0x7E00 : 0x7FC0;
    }
    long sign = 1 / x < 0 || x < 0 ? 0x8000 : 0;
    double size = Math.abs(x);
    long low = 0; // the last pattern whose value is <= size, by bisection
    long high = infinity;
    while (high - low > 1) {
      long middle = (low + high) / 2;
      if (value(dtype, middle) <= size) {
        low = middle;
      } else {
        high = middle;
      }
    }
    if (size == Double.POSITIVE_INFINITY) {
      return sign | infinity;
    }
    double step =
        high == infinity
            ? value(dtype, low) - value(dtype, low - 1)
            : value(dtype, high) - value(dtype, low);
    double over = size - value(dtype, low); // exact
    boolean up = over > step / 2 || over == step / 2 && (low & 1) == 1;
    return sign | (up ? high : low);
  }

  /** The least value of the type that is at least {@code x}. */
  public static double ceil(DType dtype, double x) {
    double nearest = value(dtype, of(dtype, x));
    return nearest >= x ? nearest : next(dtype, nearest);
  }

  /** The greatest value of the type that is below {@code x}. */
  public static double below(DType dtype, double x) {
    double nearest = value(dtype, of(dtype, x));
    return nearest < x ? nearest : -next(dtype, -nearest);
  }

  /** The value of the type after {@code x}, which is one. */
  public static double next(DType dtype, double x) {
    if (x == 0) {
      return value(dtype, 1);
    }
    long pattern = of(dtype, x);
    return value(dtype, x > 0 ? pattern + 1 : pattern - 1);
  }

  /** Distance of {@code x}'s binade neighbours in the type; of zero, the least positive value. */
  public static double ulp(DType dtype, double x) {
    double nearest = Math.abs(value(dtype, of(dtype, x)));
    return next(dtype, nearest) - nearest;
  }

  /** Element {@code index} of memory. */
  public static long get(MemorySegment memory, DType dtype, long index) {
    return switch (dtype.byteSize()) {
      case 2 -> memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * index) & 0xFFFFL;
      case 4 -> memory.get(ValueLayout.JAVA_INT_UNALIGNED, 4 * index) & 0xFFFFFFFFL;
      default -> memory.get(ValueLayout.JAVA_LONG_UNALIGNED, 8 * index);
    };
  }

  /** Every element of memory as values. */
  public static double[] values(MemorySegment memory, DType dtype) {
    double[] values = new double[Math.toIntExact(memory.byteSize() / dtype.byteSize())];
    for (int i = 0; i < values.length; i++) {
      values[i] = value(dtype, get(memory, dtype, i));
    }
    return values;
  }

  /** IEEE binary16 by its definition. */
  private static double half(int pattern) {
    int exponent = pattern >>> 10 & 31;
    int fraction = pattern & 1023;
    double size =
        exponent == 31
            ? fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN
            : exponent == 0 ? fraction * 0x1p-24 : Math.scalb(1024 + fraction, exponent - 25);
    return (pattern & 0x8000) != 0 ? -size : size;
  }
}
