package dev.weft.spi.fill;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SparseColumnsTest {
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 15, 16, 17, 1000, 65_537})
  void isAPermutation(long rows) {
    for (long key = 0; key < 3; key++) {
      BitSet images = new BitSet();
      for (long row = 0; row < rows; row++) {
        long image = SparseColumns.permute(row, rows, key);
        assertThat(image).isBetween(0L, rows - 1);
        images.set((int) image);
      }
      assertThat(images.cardinality()).isEqualTo((int) rows);
    }
  }

  @Test
  void staysInsideARowCountBeyondThirtyTwoBits() {
    long rows = (1L << 40) + 3;
    for (long row = rows - 1000; row < rows; row++) {
      assertThat(SparseColumns.permute(row, rows, 42)).isBetween(0L, rows - 1);
    }
  }

  /**
   * Each of 12 rows is among the 3 zeros of a column with probability ¼, in 40 000 columns: 5σ is
   * 433; and so is each pair of rows, with probability 1/22 (5σ is 209). A fixed seed: false
   * failures below 1e-4.
   */
  @Test
  void everyRowAndEveryPairOfRowsIsEquallyLikely() {
    int rows = 12;
    int columns = 40_000;
    int[][] together = new int[rows][rows];
    for (int column = 0; column < columns; column++) {
      for (int i = 0; i < rows; i++) {
        for (int j = 0; j <= i; j++) {
          if (SparseColumns.isZero(7, i, column, rows, 3)
              && SparseColumns.isZero(7, j, column, rows, 3)) {
            together[i][j]++;
          }
        }
      }
    }
    for (int i = 0; i < rows; i++) {
      assertThat(together[i][i]).isBetween(columns / 4 - 433, columns / 4 + 433);
      for (int j = 0; j < i; j++) {
        assertThat(together[i][j]).isBetween(columns / 22 - 209, columns / 22 + 209);
      }
    }
  }
}
