package dev.weft.cpu.scalar;

import dev.weft.cpu.FillKernels;
import dev.weft.random.Philox4x32;
import dev.weft.spi.fill.Elements;
import dev.weft.spi.fill.StreamFill;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The fill kernels in plain Java, one element after the other: the definition that the vectors must
 * equal.
 */
public final class ScalarFillKernels implements FillKernels {
  private static final ThreadLocal<int[]> BLOCK = ThreadLocal.withInitial(() -> new int[4]);

  @Override
  public int vectorBits() {
    return 0;
  }

  @Override
  public void stream(StreamFill fill, MemorySegment out, long byteOffset, long first, long count) {
    int[] block = BLOCK.get();
    switch (fill.dtype()) {
      case F32 -> {
        for (long i = 0; i < count; i++) {
          int bits = bits32(fill, block, first + i);
          out.set(ValueLayout.JAVA_INT_UNALIGNED, byteOffset + 4 * i, bits);
        }
      }
      case F64 -> {
        for (long i = 0; i < count; i++) {
          out.set(
              ValueLayout.JAVA_LONG_UNALIGNED, byteOffset + 8 * i, bits64(fill, block, first + i));
        }
      }
      case F16 -> {
        for (long i = 0; i < count; i++) {
          int bits = bits32(fill, block, first + i);
          short half =
              fill.kind() == StreamFill.Kind.BITS
                  ? (short) (bits >>> 16)
                  : Float.floatToFloat16(Float.intBitsToFloat(bits));
          out.set(ValueLayout.JAVA_SHORT_UNALIGNED, byteOffset + 2 * i, half);
        }
      }
      case BF16 -> {
        for (long i = 0; i < count; i++) {
          int bits = bits32(fill, block, first + i);
          int rounded =
              fill.kind() == StreamFill.Kind.BITS ? bits : bits + 0x7FFF + (bits >>> 16 & 1);
          out.set(ValueLayout.JAVA_SHORT_UNALIGNED, byteOffset + 2 * i, (short) (rounded >>> 16));
        }
      }
    }
  }

  @Override
  public void constant(
      long bits, int elementBytes, MemorySegment out, long byteOffset, long count) {
    for (long i = 0; i < count; i++) {
      Elements.put(out, byteOffset + i * elementBytes, elementBytes, bits);
    }
  }

  private static int bits32(StreamFill fill, int[] block, long element) {
    int word = word(fill, block, element);
    return switch (fill.kind()) {
      case BITS -> word;
      case UNIFORM -> finish32(fill, (word >>> 8) * 0x1p-24f);
      case NORMAL -> {
        int x = block[(int) (element & 2)];
        int y = block[(int) (element & 2) + 1];
        yield finish32(fill, (element & 1) == 0 ? NormalF32.even(x, y) : NormalF32.odd(x, y));
      }
      case TRUNCATED_NORMAL -> finish32(fill, TruncatedNormalF32.sample(fill.truncated32(), word));
    };
  }

  private static int finish32(StreamFill fill, float z) {
    float value = Math.fma(z, (float) fill.scale(), (float) fill.shift());
    float least = (float) fill.least();
    float most = (float) fill.most();
    return Float.floatToRawIntBits(value < least ? least : value > most ? most : value);
  }

  private static long bits64(StreamFill fill, int[] block, long element) {
    word(fill, block, 2 * element);
    long word = pair(block, (int) (2 * element & 2));
    return switch (fill.kind()) {
      case BITS -> word;
      case UNIFORM -> {
        yield finish64(fill, (word >>> 11) * 0x1p-53);
      }
      case NORMAL -> {
        long x = pair(block, 0);
        long y = pair(block, 2);
        yield finish64(fill, (element & 1) == 0 ? NormalF64.even(x, y) : NormalF64.odd(x, y));
      }
      case TRUNCATED_NORMAL -> finish64(fill, TruncatedNormalF64.sample(fill.truncated64(), word));
    };
  }

  private static long finish64(StreamFill fill, double z) {
    double value = Math.fma(z, fill.scale(), fill.shift());
    return Double.doubleToRawLongBits(
        value < fill.least() ? fill.least() : value > fill.most() ? fill.most() : value);
  }

  private static long pair(int[] block, int low) {
    return block[low] & 0xFFFFFFFFL | (long) block[low + 1] << 32;
  }

  /** Word {@code i}; its whole block is left in {@code block}. */
  private static int word(StreamFill fill, int[] block, long i) {
    long q = i >>> 2;
    int bits = fill.subsequenceBits();
    Philox4x32.block(q >>> bits, q & (1L << bits) - 1, fill.seed(), block);
    return block[(int) (i & 3)];
  }
}
