package dev.weft.cpu.dense;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.DType;
import dev.weft.cpu.parallel.Workers;
import dev.weft.testkit.Reference;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HouseholderQrTest {
  private static final Workers ONE = new Workers(1, null);
  private static final Workers THREE = new Workers(3, null);

  @AfterAll
  static void close() {
    THREE.close();
  }

  /** Shapes at the edges of lanes, panels (96) and stripes (64, 84). */
  @ParameterizedTest
  @CsvSource({
    "1, 1",
    "2, 1",
    "300, 1",
    "2, 2",
    "3, 3",
    "5, 4",
    "17, 5",
    "40, 15",
    "33, 33",
    "97, 95",
    "97, 96",
    "97, 97",
    "160, 130",
    "700, 20",
    "600, 200",
    "193, 193",
    "289, 289"
  })
  void factorsEveryShape(int m, int n) {
    double[][] a = normals(m, n, 7L * m + n);
    double[][] q32 = orthonormal(EveryDense.F32.get(3), ONE, a, true);
    check(rounded(a), q32, 0x1p-24);
    check(a, orthonormal(EveryDense.F64.get(3), ONE, a, true), 0x1p-53);
    if (m >= 2 * n) { // well conditioned: Q itself is determined up to a small multiple of u
      double[][] expected = Reference.orthogonal(rounded(a));
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
          assertThat(Math.abs(q32[i][j] - expected[i][j])).isLessThan(64 * 0x1p-24);
        }
      }
    }
  }

  /**
   * Q has orthonormal columns, and R = QᵀA is upper triangular with a positive diagonal, both to
   * within 8·√n·u (times the length of A's column): what rounding errors of √n reflections add up
   * to, and 8 to spare.
   */
  private static void check(double[][] a, double[][] q, double u) {
    int m = a.length;
    int n = a[0].length;
    double bound = 8 * Math.sqrt(n) * u;
    assertThat(Reference.orthogonalityError(q)).isLessThan(bound);
    for (int j = 0; j < n; j++) {
      double squares = 0;
      for (int i = 0; i < m; i++) {
        squares += a[i][j] * a[i][j];
      }
      for (int k = j; k < n; k++) {
        double r = 0;
        for (int i = 0; i < m; i++) {
          r += q[i][k] * a[i][j];
        }
        if (k == j) {
          assertThat(r).isGreaterThan(-bound * Math.sqrt(squares));
        } else {
          assertThat(Math.abs(r)).isLessThan(bound * Math.sqrt(squares));
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "50, 7", "100, 100", "500, 97", "300, 290"})
  void bitsDoNotDependOnWidthThreadsOrStorage(int m, int n) {
    double[][] a = normals(m, n, 11);
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      double[][] first = null;
      for (DenseKernels<?> kernels : dtype == DType.F32 ? EveryDense.F32 : EveryDense.F64) {
        for (Workers workers : new Workers[] {ONE, THREE}) {
          for (boolean byRows : new boolean[] {true, false}) {
            double[][] q = orthonormal(kernels, workers, a, byRows);
            first = first == null ? q : first;
            assertThat(q).isDeepEqualTo(first);
          }
        }
      }
    }
  }

  /**
   * Columns of zeros, equal columns and tiny numbers have reflections that are still orthogonal.
   */
  @Test
  void deficientMatricesGiveOrthonormalColumns() {
    double[][] zeroColumn = normals(40, 20, 1);
    double[][] zero = new double[40][20];
    double[][] equal = normals(40, 20, 2);
    double[][] tiny = normals(40, 20, 3);
    double[][] subnormal = normals(40, 20, 4);
    double[][] first = normals(40, 20, 5);
    for (int i = 0; i < 40; i++) {
      zeroColumn[i][7] = 0;
      equal[i][9] = equal[i][3];
      first[i][0] = i == 0 ? -2 : 0;
      for (int j = 0; j < 20; j++) {
        tiny[i][j] *= 1e-17;
        subnormal[i][j] *= 1e-42;
      }
    }
    for (double[][] a : new double[][][] {zeroColumn, zero, equal, tiny, subnormal, first}) {
      for (DenseKernels<?> kernels :
          new DenseKernels<?>[] {EveryDense.F32.get(3), EveryDense.F64.get(3)}) {
        double u = kernels.dtype() == DType.F32 ? 0x1p-24 : 0x1p-53;
        double[][] q = orthonormal(kernels, ONE, a, true);
        assertThat(Reference.orthogonalityError(q)).isLessThan(8 * Math.sqrt(20) * u);
      }
    }
    double[][] q = orthonormal(EveryDense.F32.get(0), ONE, zero, true);
    for (int j = 0; j < 20; j++) {
      assertThat(q[j][j]).as("the sign of 0 is 1").isEqualTo(1);
    }
    assertThat(orthonormal(EveryDense.F32.get(0), ONE, first, true)[0][0]).isEqualTo(-1);
  }

  @Test
  void errorIsThatOfTheReference() {
    SplittableRandom random = new SplittableRandom(3);
    for (int[] shape : new int[][] {{1, 1}, {5, 3}, {130, 129}, {300, 150}}) {
      int m = shape[0];
      int n = shape[1];
      double[][] q = normals(m, n, 9);
      for (double[] row : q) {
        for (int j = 0; j < n; j++) {
          row[j] = (float) (row[j] / Math.sqrt(m));
        }
      }
      double expected = Reference.orthogonalityError(q);
      for (DenseKernels<double[]> kernels : EveryDense.F64) {
        for (boolean byRows : new boolean[] {true, false}) {
          float[] data = new float[m * n];
          Matrix matrix = matrix(EveryDense.F32.get(0), data, m, n, byRows);
          for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
              data[(int) matrix.at(i, j)] = (float) (q[i][j] * 4);
            }
          }
          double error = OrthogonalityError.of(kernels, THREE, DType.F32, matrix, 4);
          assertThat(error).isCloseTo(expected, org.assertj.core.data.Offset.offset(1e-13));
          data[random.nextInt(m * n)] = Float.NaN;
          assertThat(OrthogonalityError.of(kernels, THREE, DType.F32, matrix, 4)).isNaN();
        }
      }
    }
  }

  private static <A> double[][] orthonormal(
      DenseKernels<A> kernels, Workers workers, double[][] a, boolean byRows) {
    int m = a.length;
    int n = a[0].length;
    A data = kernels.array(m * n);
    Matrix matrix = matrix(kernels, data, m, n, byRows);
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        kernels.set(data, (int) matrix.at(i, j), a[i][j]);
      }
    }
    HouseholderQr.orthonormalize(kernels, workers, matrix);
    double[][] q = new double[m][n];
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        q[i][j] = kernels.get(data, (int) matrix.at(i, j));
      }
    }
    return q;
  }

  private static <A> Matrix matrix(DenseKernels<A> kernels, A data, int m, int n, boolean byRows) {
    return byRows
        ? Matrix.rowMajor(kernels.segment(data), 0, m, n, n)
        : Matrix.columnMajor(kernels.segment(data), 0, m, n, m);
  }

  private static double[][] normals(int m, int n, long seed) {
    java.util.Random random = new java.util.Random(seed);
    double[][] a = new double[m][n];
    for (double[] row : a) {
      for (int j = 0; j < n; j++) {
        row[j] = random.nextGaussian();
      }
    }
    return a;
  }

  private static double[][] rounded(double[][] a) {
    double[][] out = new double[a.length][a[0].length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < a[0].length; j++) {
        out[i][j] = (float) a[i][j];
      }
    }
    return out;
  }
}
