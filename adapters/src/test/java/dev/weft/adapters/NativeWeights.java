package dev.weft.adapters;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.lang.foreign.ValueLayout;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/**
 * What weft writes into a tensor of its own, on another backend than the adapters are tested on.
 */
final class NativeWeights {
  static final RandomKey KEY = RandomKey.of(42);
  static final Fill FILL = Fill.normal(0.25, 1.5);

  private NativeWeights() {}

  /**
   * Tensors of these types and of every kind of shape: none, one and many elements and dimensions.
   */
  static Stream<Arguments> tensors(DType... types) {
    return Stream.of(
            Shape.of(),
            Shape.of(1),
            Shape.of(5),
            Shape.of(1, 1),
            Shape.of(3, 7),
            Shape.of(7, 1, 2),
            Shape.of(65, 129),
            Shape.of(0),
            Shape.of(3, 0))
        .flatMap(shape -> Stream.of(types).map(dtype -> Arguments.of(dtype, shape)));
  }

  /** The bytes of such a tensor. */
  static byte[] bytes(Fill fill, RandomKey key, DType dtype, Shape shape) {
    try (Backend backend = Weft.open("scalar");
        Tensor tensor = backend.tensor(dtype, shape)) {
      tensor.fill(fill, key);
      return bytes(tensor);
    }
  }

  /** {@link #FILL} with {@link #KEY}. */
  static byte[] bytes(DType dtype, Shape shape) {
    return bytes(FILL, KEY, dtype, shape);
  }

  /** The elements of an F32 tensor in row-major order. */
  static float[] floats(Fill fill, RandomKey key, Shape shape) {
    try (Backend backend = Weft.open("scalar");
        Tensor tensor = backend.tensor(DType.F32, shape)) {
      tensor.fill(fill, key);
      return tensor.segment().toArray(ValueLayout.JAVA_FLOAT);
    }
  }

  /** A tensor's own bytes. */
  static byte[] bytes(Tensor tensor) {
    return tensor.segment().toArray(ValueLayout.JAVA_BYTE);
  }

  /** Compares floats by their bits. */
  static void assertBits(float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      assertThat(Float.floatToRawIntBits(actual[i]))
          .as("element %d", i)
          .isEqualTo(Float.floatToRawIntBits(expected[i]));
    }
  }
}
