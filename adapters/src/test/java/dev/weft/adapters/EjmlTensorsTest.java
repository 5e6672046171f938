package dev.weft.adapters;

import static dev.weft.adapters.Expected.FILL;
import static dev.weft.adapters.Expected.KEY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Matrix;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.ejml.data.DMatrixRMaj;
import org.ejml.data.FMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.CommonOps_FDRM;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EjmlTensorsTest {
  private final Backend backend = Weft.open("cpu");

  @AfterEach
  void close() {
    backend.close();
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "0, 3", "3, 0", "1, 1", "3, 5", "17, 16", "257, 255"})
  void aMatrixIsFilledWhereItIs(int rows, int columns) {
    Shape shape = Shape.of(rows, columns);
    FMatrixRMaj floats = new FMatrixRMaj(rows, columns);
    DMatrixRMaj doubles = new DMatrixRMaj(rows, columns);
    Arrays.fill(floats.data, Float.NaN);
    Arrays.fill(doubles.data, Double.NaN);
    try (Tensor f32 = EjmlTensors.wrap(backend, floats);
        Tensor f64 = EjmlTensors.wrap(backend, doubles)) {
      assertThat(f32.shape()).isEqualTo(shape);
      assertThat(f32.segment().heapBase()).containsSame(floats.data);
      assertThat(f64.segment().heapBase()).containsSame(doubles.data);
      f32.fill(FILL, KEY);
      f64.fill(FILL, KEY);
    }
    ByteBuffer expectedFloats = Expected.buffer(DType.F32, shape);
    ByteBuffer expectedDoubles = Expected.buffer(DType.F64, shape);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        assertThat(floats.get(i, j)).isEqualTo(expectedFloats.getFloat());
        assertThat(doubles.get(i, j)).isEqualTo(expectedDoubles.getDouble());
      }
    }
  }

  @Test
  void whatLiesBehindAMatrixIsLeftAlone() {
    FMatrixRMaj matrix = new FMatrixRMaj(10, 10);
    Arrays.fill(matrix.data, Float.NaN);
    matrix.reshape(3, 4);
    DMatrixRMaj other = new DMatrixRMaj(5, 5);
    Arrays.fill(other.data, Double.NaN);
    other.reshape(2, 7);
    try (Tensor f32 = EjmlTensors.wrap(backend, matrix);
        Tensor f64 = EjmlTensors.wrap(backend, other)) {
      assertThat(f32.shape()).isEqualTo(Shape.of(3, 4));
      f32.fill(FILL, KEY);
      f64.fill(FILL, KEY);
    }
    for (int i = 0; i < 100; i++) {
      assertThat(Float.isNaN(matrix.data[i])).isEqualTo(i >= 12);
    }
    for (int i = 0; i < 25; i++) {
      assertThat(Double.isNaN(other.data[i])).isEqualTo(i >= 14);
    }
  }

  @Test
  void anArrayThatIsTooSmallIsRefused() {
    FMatrixRMaj floats = new FMatrixRMaj(2, 3);
    floats.setData(new float[5]);
    assertThatThrownBy(() -> EjmlTensors.wrap(backend, floats))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "wrap: need at least as many bytes as the shape,"
                + " got bytes=20, needed=24, shape=[2, 3], dtype=f32");
    DMatrixRMaj doubles = new DMatrixRMaj(2, 3);
    doubles.numCols = 4;
    assertThatThrownBy(() -> EjmlTensors.wrap(backend, doubles))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("got bytes=48, needed=64");
  }

  @Test
  void aMatrixThatGrowsLeavesTheTensorWithTheOldArray() {
    FMatrixRMaj matrix = new FMatrixRMaj(2, 2);
    try (Tensor tensor = EjmlTensors.wrap(backend, matrix)) {
      matrix.set(1, 1, 5);
      assertThat(tensor.get(3)).isEqualTo(5);
      matrix.reshape(4, 4);
      matrix.set(0, 3, 7);
      assertThat(tensor.get(3)).isEqualTo(5);
    }
    assertThat(matrix.get(0, 3)).isEqualTo(7); // a closed tensor leaves the matrix alone
  }

  /** Small integers: every sum is exact, so both libraries give the same bits. */
  @Test
  void bothLibrariesMultiplyTheSameMatrices() {
    int m = 7;
    int k = 19;
    int n = 33;
    FMatrixRMaj a = new FMatrixRMaj(m, k);
    FMatrixRMaj b = new FMatrixRMaj(k, n);
    DMatrixRMaj aa = new DMatrixRMaj(m, k);
    DMatrixRMaj bb = new DMatrixRMaj(k, n);
    for (int i = 0; i < m * k; i++) {
      a.data[i] = i * 7 % 15 - 7;
      aa.data[i] = a.data[i];
    }
    for (int i = 0; i < k * n; i++) {
      b.data[i] = i * 11 % 13 - 6;
      bb.data[i] = b.data[i];
    }
    FMatrixRMaj expected = new FMatrixRMaj(m, n);
    DMatrixRMaj expectedDoubles = new DMatrixRMaj(m, n);
    CommonOps_FDRM.mult(a, b, expected);
    CommonOps_DDRM.mult(aa, bb, expectedDoubles);
    FMatrixRMaj c = new FMatrixRMaj(m, n);
    DMatrixRMaj cc = new DMatrixRMaj(m, n);
    Arrays.fill(c.data, Float.NaN);
    Arrays.fill(cc.data, Double.NaN);
    multiply(
        EjmlTensors.wrap(backend, a), EjmlTensors.wrap(backend, b), EjmlTensors.wrap(backend, c));
    multiply(
        EjmlTensors.wrap(backend, aa),
        EjmlTensors.wrap(backend, bb),
        EjmlTensors.wrap(backend, cc));
    assertThat(c.data).isEqualTo(expected.data);
    assertThat(cc.data).isEqualTo(expectedDoubles.data);
    assertThat(c.data).isNotEqualTo(new float[m * n]);
  }

  private void multiply(Tensor a, Tensor b, Tensor c) {
    backend.gemm(1, Matrix.of(a), Matrix.of(b), 0, Matrix.of(c));
  }
}
