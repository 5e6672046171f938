package dev.weft.cli;

import dev.weft.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Reads little-endian elements as doubles, exactly. */
enum Elements {
  F32(4) {
    @Override
    void read(MemorySegment from, long first, double[] to, int count) {
      for (int i = 0; i < count; i++) {
        to[i] = Float.intBitsToFloat(from.get(INT, 4 * (first + i)));
      }
    }
  },
  F64(8) {
    @Override
    void read(MemorySegment from, long first, double[] to, int count) {
      for (int i = 0; i < count; i++) {
        to[i] = Double.longBitsToDouble(from.get(LONG, 8 * (first + i)));
      }
    }
  },
  F16(2) {
    @Override
    void read(MemorySegment from, long first, double[] to, int count) {
      for (int i = 0; i < count; i++) {
        to[i] = Float.float16ToFloat(from.get(SHORT, 2 * (first + i)));
      }
    }
  },
  BF16(2) {
    @Override
    void read(MemorySegment from, long first, double[] to, int count) {
      for (int i = 0; i < count; i++) {
        to[i] = Float.intBitsToFloat(from.get(SHORT, 2 * (first + i)) << 16);
      }
    }
  },
  /** Unsigned 32-bit words. */
  U32(4) {
    @Override
    void read(MemorySegment from, long first, double[] to, int count) {
      for (int i = 0; i < count; i++) {
        to[i] = from.get(INT, 4 * (first + i)) & 0xFFFFFFFFL;
      }
    }
  };

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final int byteSize;

  Elements(int byteSize) {
    this.byteSize = byteSize;
  }

  static Elements of(DType dtype) {
    return valueOf(dtype.name());
  }

  /** Bytes of an element. */
  int byteSize() {
    return byteSize;
  }

  /** Elements {@code first .. first + count - 1} of {@code from} into {@code to}. */
  abstract void read(MemorySegment from, long first, double[] to, int count);
}
