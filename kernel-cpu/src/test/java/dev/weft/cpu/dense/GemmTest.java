package dev.weft.cpu.dense;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.DType;
import dev.weft.cpu.dense.Gemm.Update;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GemmTest {
  private static final int GUARD = 40;

  /** Sizes at the edges of every tile (4×4, 6×2v, 13×2v), of KC, MC and NC. */
  @ParameterizedTest
  @CsvSource({
    "1, 1, 0",
    "1, 1, 1",
    "3, 5, 2",
    "4, 4, 4",
    "5, 3, 7",
    "6, 16, 9",
    "7, 17, 31",
    "13, 31, 33",
    "14, 32, 64",
    "15, 33, 65",
    "29, 65, 255",
    "2, 7, 256",
    "9, 31, 257",
    "31, 9, 513",
    "169, 40, 20",
    "129, 33, 20",
    "20, 513, 20",
    "170, 33, 300",
    "1, 300, 300",
    "4, 299, 20",
    "1, 4100, 20",
    "3, 1400, 9",
    "4, 600, 300",
    "11, 34, 300",
    "5, 70, 40",
    "18, 64, 300",
    "22, 33, 20",
    "157, 33, 20",
    "21, 64, 40",
    "40, 70, 1",
    "2, 70, 300",
    "1, 40, 600"
  })
  void isTheChainThatTheLawStates(int m, int n, int k) {
    for (DenseKernels<?> kernels : EveryDense.both()) {
      for (Update update : Update.values()) {
        for (int form = 0; form < 8; form++) {
          check(kernels, m, n, k, update, form, false);
          check(kernels, m, n, k, update, form, true);
        }
      }
    }
  }

  /**
   * Every form: operands by rows or by columns, or packed; alpha 1, −1 and 0.7; in arrays or in
   * native memory.
   */
  private static <A> void check(
      DenseKernels<A> kernels, int m, int n, int k, Update update, int form, boolean isNative) {
    SplittableRandom random = new SplittableRandom(m * 31 + n * 7 + k);
    double alpha = new double[] {1, -1, 0.7}[form % 3];
    boolean byRows = (form & 1) == 0;
    A aData = poisoned(kernels, m * k + 2 * GUARD);
    A bData = poisoned(kernels, n * k + 2 * GUARD);
    A cData = poisoned(kernels, m * (n + 3) + 2 * GUARD);
    Matrix a = matrix(kernels, aData, m, k, byRows);
    Matrix b = matrix(kernels, bData, n, k, (form & 2) == 0);
    Matrix c = Matrix.rowMajor(kernels.segment(cData), GUARD, m, n, n + 3);
    fill(kernels, aData, a, random);
    fill(kernels, bData, b, random);
    if (update == Update.ADD) {
      fill(kernels, cData, c, random); // otherwise C holds NaN, which must not be read
    }
    A before = kernels.array(m * (n + 3) + 2 * GUARD);
    kernels.segment(before).copyFrom(kernels.segment(cData));
    boolean packed = (form & 4) != 0 && k <= Gemm.KC;
    try (Arena arena = Arena.ofConfined()) {
      Matrix x = isNative ? copied(arena, a) : a;
      Matrix y = isNative ? copied(arena, b) : b;
      Matrix out = isNative ? copied(arena, c) : c;
      new Gemm<>(kernels)
          .multiply(
              packed ? packed(kernels, x, kernels.mr()) : x,
              packed ? packed(kernels, y, kernels.nr()) : y,
              alpha,
              update,
              out);
      if (isNative) {
        c.segment().copyFrom(out.segment());
      }
    }
    double[][] left = rows(kernels, aData, a);
    double[][] right = rows(kernels, bData, b);
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        int at = (int) c.at(i, j);
        double old = kernels.get(before, at);
        double expected =
            kernels.dtype() == DType.F32
                ? chain32(left[i], right[j], (float) alpha, update, (float) old)
                : chain64(left[i], right[j], alpha, update, old);
        double actual = kernels.get(cData, at);
        if (Double.doubleToLongBits(actual) != Double.doubleToLongBits(expected)) {
          assertThat(actual)
              .as(
                  "%s %d bits, %d×%d×%d, form %d, native %b, (%d, %d)",
                  kernels.dtype(), kernels.vectorBits(), m, n, k, form, isNative, i, j)
              .isEqualTo(expected);
        }
      }
      for (int j = n; j < n + 3; j++) {
        assertThat(kernels.get(cData, (int) c.at(i, j))).isNaN();
      }
    }
    for (int i = 0; i < GUARD; i++) {
      assertThat(kernels.get(cData, i)).isNaN();
      assertThat(kernels.get(cData, (int) c.at(m, 0) + i)).isNaN();
    }
  }

  /** The same matrix in native memory, with all that lies around it. */
  private static Matrix copied(Arena arena, Matrix x) {
    MemorySegment copy = arena.allocate(x.segment().byteSize(), 8).copyFrom(x.segment());
    return new Matrix(copy, x.origin(), x.rows(), x.columns(), x.rowStride(), x.columnStride());
  }

  /** The elements of a matrix, exactly. */
  private static <A> double[][] rows(DenseKernels<A> kernels, A data, Matrix x) {
    double[][] rows = new double[(int) x.rows()][(int) x.columns()];
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < rows[i].length; j++) {
        rows[i][j] = kernels.get(data, (int) x.at(i, j));
      }
    }
    return rows;
  }

  private static float chain32(double[] a, double[] b, float alpha, Update update, float old) {
    float c = old;
    boolean add = update == Update.ADD;
    int k = 0;
    do {
      float sum = 0;
      int end = Math.min(a.length, k + Gemm.KC);
      for (; k < end; k++) {
        sum = Math.fma((float) a[k], (float) b[k], sum);
      }
      c = add ? Math.fma(alpha, sum, c) : alpha * sum;
      add = true;
    } while (k < a.length);
    return c;
  }

  private static double chain64(double[] a, double[] b, double alpha, Update update, double old) {
    double c = old;
    boolean add = update == Update.ADD;
    int k = 0;
    do {
      double sum = 0;
      int end = Math.min(a.length, k + Gemm.KC);
      for (; k < end; k++) {
        sum = Math.fma(a[k], b[k], sum);
      }
      c = add ? Math.fma(alpha, sum, c) : alpha * sum;
      add = true;
    } while (k < a.length);
    return c;
  }

  /**
   * Small integers: every order of summation is exact, so the product is that of long arithmetic.
   */
  @ParameterizedTest
  @CsvSource({"33, 47, 300", "170, 90, 513"})
  void integersAreExact(int m, int n, int k) {
    for (DenseKernels<?> kernels : EveryDense.both()) {
      integers(kernels, m, n, k);
    }
  }

  private static <A> void integers(DenseKernels<A> kernels, int m, int n, int k) {
    SplittableRandom random = new SplittableRandom(5);
    int[][] a = new int[m][k];
    int[][] b = new int[n][k];
    A aData = kernels.array(m * k);
    A bData = kernels.array(n * k);
    A cData = kernels.array(m * n);
    for (int l = 0; l < k; l++) {
      for (int i = 0; i < m; i++) {
        kernels.set(aData, i * k + l, a[i][l] = random.nextInt(-8, 9));
      }
      for (int j = 0; j < n; j++) {
        kernels.set(bData, j * k + l, b[j][l] = random.nextInt(-8, 9));
      }
    }
    new Gemm<>(kernels)
        .multiply(
            Matrix.rowMajor(kernels.segment(aData), 0, m, k, k),
            Matrix.rowMajor(kernels.segment(bData), 0, n, k, k),
            3,
            Update.OVERWRITE,
            Matrix.rowMajor(kernels.segment(cData), 0, m, n, n));
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        long sum = 0;
        for (int l = 0; l < k; l++) {
          sum += a[i][l] * b[j][l];
        }
        if (kernels.get(cData, i * n + j) != 3 * sum) {
          assertThat(kernels.get(cData, i * n + j)).isEqualTo(3 * sum);
        }
      }
    }
  }

  private static <A> A poisoned(DenseKernels<A> kernels, int length) {
    A data = kernels.array(length);
    for (int i = 0; i < length; i++) {
      kernels.set(data, i, Double.NaN);
    }
    return data;
  }

  private static <A> Matrix matrix(
      DenseKernels<A> kernels, A data, int rows, int columns, boolean byRows) {
    return byRows
        ? Matrix.rowMajor(kernels.segment(data), GUARD, rows, columns, columns)
        : Matrix.columnMajor(kernels.segment(data), GUARD, rows, columns, rows);
  }

  private static <A> void fill(DenseKernels<A> kernels, A data, Matrix x, SplittableRandom random) {
    for (int i = 0; i < x.rows(); i++) {
      for (int j = 0; j < x.columns(); j++) {
        kernels.set(data, (int) x.at(i, j), random.nextDouble(-1, 1));
      }
    }
  }

  private static <A> Packed<A> packed(DenseKernels<A> kernels, Matrix x, int width) {
    A data = kernels.array((int) Packed.length(x.rows(), x.columns(), width));
    Packed<A> packed = new Packed<>(data, x.rows(), x.columns(), width);
    packed.pack(kernels, x, 0, x.rows(), 0);
    return packed;
  }
}
