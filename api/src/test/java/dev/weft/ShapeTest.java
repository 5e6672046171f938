package dev.weft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShapeTest {
  @Test
  void elementsAreTheProduct() {
    assertThat(Shape.of().elements()).isEqualTo(1);
    assertThat(Shape.of(7).elements()).isEqualTo(7);
    assertThat(Shape.of(784, 128).elements()).isEqualTo(100_352);
    assertThat(Shape.of(1L << 31, 1L << 31).elements()).isEqualTo(1L << 62);
    assertThat(Shape.of(Long.MAX_VALUE).elements()).isEqualTo(Long.MAX_VALUE);
    assertThat(Shape.of(Long.MAX_VALUE, 1, 1).elements()).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void aZeroEmptiesAnyShape() {
    assertThat(Shape.of(0).elements()).isZero();
    assertThat(Shape.of(1L << 40, 0, 1L << 40).elements()).isZero();
    assertThat(Shape.of(1L << 40, 1L << 40, 0).elements()).isZero();
  }

  @Test
  void overflowIsRefused() {
    for (long[] dims :
        new long[][] {
          {1L << 32, 1L << 31},
          {1L << 32, 1L << 32},
          {3037000500L, 3037000500L},
          {Long.MAX_VALUE, 2},
          {1L << 21, 1L << 21, 1L << 22}
        }) {
      assertThatThrownBy(() -> Shape.of(dims))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "shape: need an element count < 2^63, got shape=" + java.util.Arrays.toString(dims));
    }
    assertThat(Shape.of(3037000499L, 3037000499L).elements()).isEqualTo(9223372030926249001L);
  }

  @Test
  void ranksAreBounded() {
    long[] ones = new long[Shape.MAX_RANK];
    java.util.Arrays.fill(ones, 1);
    assertThat(Shape.of(ones).elements()).isEqualTo(1);
    assertThatThrownBy(() -> Shape.of(new long[Shape.MAX_RANK + 1]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("shape: need at most 64 dimensions, got rank=65");
  }

  @Test
  void messagesCutWhatTheyAreGiven() {
    assertThatThrownBy(() -> Shape.parse("x".repeat(5_000_000)))
        .hasMessageStartingWith("shape: need decimal numbers separated by commas, got shape=xxx")
        .hasMessageEndingWith("x…")
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(1100));
    assertThatThrownBy(() -> Shape.parse("😀".repeat(5_000)))
        .satisfies(
            e ->
                assertThat(e.getMessage().codePoints().filter(c -> c == 0x1F600).count())
                    .isEqualTo(500));
  }

  @Test
  void negativeDimensionIsRefused() {
    assertThatThrownBy(() -> Shape.of(3, -1))
        .hasMessage("shape: need every dimension >= 0, got shape=[3, -1]");
    assertThatThrownBy(() -> Shape.of(0, Long.MIN_VALUE))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void parseReadsWhatIsWritten() {
    assertThat(Shape.parse("784,128")).isEqualTo(Shape.of(784, 128));
    assertThat(Shape.parse(" 3 , 4 ")).isEqualTo(Shape.of(3, 4));
    assertThat(Shape.parse("")).isEqualTo(Shape.of());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "3,",
        ",3",
        "3,,4",
        "3x4",
        "1e3",
        "0x10",
        "+3",
        "3_0",
        "\u0663",
        "\uff13,2",
        "9223372036854775808"
      })
  void parseRefuses(String text) {
    assertThatThrownBy(() -> Shape.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("shape: need decimal numbers separated by commas, got shape=" + text);
  }

  @Test
  void axesCountFromBothEnds() {
    Shape shape = Shape.of(2, 3, 5);
    assertThat(shape.dim(0)).isEqualTo(2);
    assertThat(shape.dim(-1)).isEqualTo(5);
    assertThat(shape.dim(-3)).isEqualTo(2);
    for (int axis : new int[] {3, -4}) {
      assertThatThrownBy(() -> shape.dim(axis))
          .isInstanceOf(IndexOutOfBoundsException.class)
          .hasMessage(
              "shape.dim: need -rank <= axis < rank, got axis=" + axis + ", shape=[2, 3, 5]");
    }
  }

  @Test
  void dimensionsCannotBeChanged() {
    long[] dims = {2, 3};
    Shape shape = Shape.of(dims);
    dims[0] = 9;
    shape.dims()[1] = 9;
    assertThat(shape).isEqualTo(Shape.of(2, 3)).hasSameHashCodeAs(Shape.of(2, 3));
    assertThat(shape).hasToString("[2, 3]").isNotEqualTo(Shape.of(3, 2));
  }
}
