package dev.weft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.init.Fans;
import dev.weft.init.Layout;
import dev.weft.internal.Chunks;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Law 5: sizes up to 2^63 − 1 are exact or refused. */
@Timeout(600)
class EdgeSizesTest {
  private static final long MOST = Long.MAX_VALUE;
  private static final long[] SIZES = {
    0,
    1,
    2,
    3,
    12,
    1L << 31,
    (1L << 31) + 1,
    1L << 32,
    3037000499L,
    3037000500L,
    1L << 62,
    MOST - 1,
    MOST
  };

  /** Against integers without bounds. */
  @Test
  void aMatrixIsWithinItsTensorOrRefused() {
    HeapEngine heap = new HeapEngine("heap");
    try (Backend backend = new Backend(heap);
        Tensor tensor = backend.tensor(DType.F32, Shape.of(3, 4))) {
      int within = 0;
      for (long offset : SIZES) {
        for (long rows : SIZES) {
          for (long columns : SIZES) {
            for (long leading : SIZES) {
              boolean empty = rows == 0 || columns == 0;
              BigInteger end =
                  big(offset).add(big(rows - 1).multiply(big(leading))).add(big(columns));
              boolean good = leading >= columns && (empty || end.compareTo(big(12)) <= 0);
              if (good) {
                Matrix matrix = Matrix.of(tensor, offset, rows, columns, leading);
                assertThat(matrix.span())
                    .isEqualTo(empty ? 0 : end.subtract(big(offset)).longValueExact());
                assertThat(matrix.part(0, 0, 0, columns).span()).isZero();
                assertThat(matrix.part(rows, columns, 0, 0).transposed().span()).isZero();
                within++;
              } else {
                assertThatThrownBy(() -> Matrix.of(tensor, offset, rows, columns, leading))
                    .as("%d %d %d %d", offset, rows, columns, leading)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("matrix: need ");
              }
            }
          }
        }
      }
      assertThat(within).isGreaterThan(100);
    }
  }

  private static BigInteger big(long value) {
    return BigInteger.valueOf(value);
  }

  @Test
  void aBatchOfNothingIsExactOrRefused() {
    HeapEngine heap = new HeapEngine("heap");
    try (Backend backend = new Backend(heap)) {
      try (Tensor tensor = backend.tensor(DType.F32, Shape.of(MOST, 5, 0))) {
        Matrix matrix = Matrix.of(tensor);
        assertThat(matrix.batch()).isEqualTo(MOST);
        assertThat(matrix.rows()).isEqualTo(5);
        assertThat(matrix.span()).isZero();
        assertThat(matrix.byteSize()).isZero();
        assertThatThrownBy(tensor::rows)
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage(
                "shape: need a product of dimensions < 2^63, got shape=[" + MOST + ", 5, 0]");
      }
      try (Tensor tensor = backend.tensor(DType.F32, Shape.of(MOST, MOST, 3, 0))) {
        assertThatThrownBy(() -> Matrix.of(tensor))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageStartingWith("shape: need a product of dimensions < 2^63, got shape=[");
      }
      try (Tensor tensor = backend.tensor(DType.F32, Shape.of(MOST, 0, MOST, 7))) {
        assertThat(tensor.rows().rows()).isZero();
        assertThat(Matrix.of(tensor).batch()).isZero();
      }
    }
  }

  @Test
  void aPartOfNothingIsNothing() {
    for (long[] dims : new long[][] {{MOST, MOST, 0}, {0, MOST, MOST}, {MOST, 0, MOST, MOST}}) {
      Region whole = Region.of(Shape.of(dims));
      List<Region> regions = new ArrayList<>(List.of(whole, whole.slice(0, 0)));
      regions.add(whole.box(new long[dims.length], dims));
      regions.add(whole.box(dims, new long[dims.length]));
      for (Region region : regions) {
        assertThat(region.runCount() * region.runLength()).isZero();
        assertThat(region.runCount()).isZero();
        Chunks.forEach(
            region,
            MOST,
            part -> {
              throw new AssertionError(part);
            });
      }
    }
  }

  @Test
  void chunksEndAtTheLastElement() {
    Region whole = Region.of(Shape.of(MOST));
    List<Region> parts = new ArrayList<>();
    Chunks.forEach(whole.slice(MOST - 10, MOST), 4, parts::add);
    assertThat(parts).hasSize(3);
    parts.clear();
    Chunks.forEach(whole, MOST - 1, parts::add);
    assertThat(parts).extracting(part -> part.shape().elements()).containsExactly(MOST - 1, 1L);
    parts.clear();
    Region box = Region.of(Shape.of(3, MOST / 3));
    Chunks.forEach(box.box(new long[] {0, 1}, new long[] {3, MOST / 3 - 1}), MOST / 3, parts::add);
    assertThat(parts).hasSize(3);
  }

  @Test
  void fansAreExactOrRefused() {
    assertThat(Fans.of(Shape.of(0, MOST), Layout.KERAS).out()).isEqualTo(MOST);
    assertThatThrownBy(() -> Fans.of(Shape.of(0, MOST, 2), Layout.TORCH))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("fans: need fans < 2^63, got shape=[0, " + MOST + ", 2]");
    assertThatThrownBy(() -> Fans.ofAxes(Shape.of(MOST, MOST, 0, 4), 2, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("fans: need fans < 2^63");
  }
}
