package dev.weft.adapters;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.lang.foreign.MemorySegment;
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
    byte[] expected = bytes(dtype, shape, KEY);
    if (expected.length > 0) {
      assertThat(bytes(dtype, shape, RandomKey.of(8))).isNotEqualTo(expected);
    }
    return expected;
  }

  private static byte[] bytes(DType dtype, Shape shape, RandomKey key) {
    byte[] bytes = new byte[(int) dtype.byteSize(shape.elements())];
    try (Backend scalar = Weft.open("scalar");
        Tensor tensor = scalar.tensor(dtype, shape)) {
      tensor.fill(FILL, key);
      tensor.copyTo(MemorySegment.ofArray(bytes));
    }
    return bytes;
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
