package dev.weft.adapters;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** What a fill leaves in weft's own memory: the bits that every hand-over has to keep. */
final class Expected {
  static final Fill FILL = Fill.normal(0, 1);
  static final RandomKey KEY = RandomKey.of(7);
  static final byte POISON = (byte) 0xA5;

  private Expected() {}

  /** The bytes of a tensor of the scalar backend, filled; another key gives others. */
  static byte[] bytes(DType dtype, Shape shape) {
    byte[] expected = NativeWeights.bytes(FILL, KEY, dtype, shape);
    if (expected.length > 0) {
      assertThat(NativeWeights.bytes(FILL, RandomKey.of(8), dtype, shape)).isNotEqualTo(expected);
    }
    return expected;
  }

  /** The elements of {@link #bytes} as numbers. */
  static ByteBuffer buffer(DType dtype, Shape shape) {
    return ByteBuffer.wrap(bytes(dtype, shape)).order(ByteOrder.nativeOrder());
  }

  /** Bytes that no fill has written. */
  static byte[] poison(int bytes) {
    byte[] poison = new byte[bytes];
    Arrays.fill(poison, POISON);
    return poison;
  }
}
