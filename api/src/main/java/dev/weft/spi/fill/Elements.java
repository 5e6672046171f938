package dev.weft.spi.fill;

import dev.weft.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Single elements as bit patterns. */
public final class Elements {
  private Elements() {}

  /** The pattern of {@code value} rounded once to {@code dtype}, in the low bytes. */
  public static long bits(DType dtype, double value) {
    return switch (dtype) {
      case F32 -> Float.floatToRawIntBits((float) value) & 0xFFFFFFFFL;
      case F64 -> Double.doubleToRawLongBits(value);
      case F16 -> Float.floatToFloat16((float) dtype.nearest(value)) & 0xFFFFL;
      case BF16 -> Float.floatToRawIntBits((float) dtype.nearest(value)) >>> 16;
    };
  }

  /**
   * Writes the low {@code elementBytes} (2, 4 or 8) bytes of {@code bits} at {@code byteOffset}.
   */
  public static void put(MemorySegment out, long byteOffset, int elementBytes, long bits) {
    switch (elementBytes) {
      case 2 -> out.set(ValueLayout.JAVA_SHORT_UNALIGNED, byteOffset, (short) bits);
      case 4 -> out.set(ValueLayout.JAVA_INT_UNALIGNED, byteOffset, (int) bits);
      default -> out.set(ValueLayout.JAVA_LONG_UNALIGNED, byteOffset, bits);
    }
  }
}
