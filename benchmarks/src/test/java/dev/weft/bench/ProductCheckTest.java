package dev.weft.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Precision;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.nn.Activation;
import dev.weft.random.RandomKey;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The checks of parts of large results are right themselves, and notice what is wrong. */
class ProductCheckTest {
  private static final int SIZE = 300;

  private static Tensor random(Backend backend, DType dtype, String name, long... shape) {
    Tensor tensor = backend.tensor(dtype, Shape.of(shape));
    tensor.fill(Fill.uniform(-1, 1), RandomKey.of(5).child(name));
    return tensor;
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void rowsAndColumnsAreTheTensors(DType dtype) {
    try (Backend backend = Backends.open("scalar", 1);
        Tensor tensor = random(backend, dtype, "x", 40, 7)) {
      long[] rows = Rows.some(40, 5);
      double[][] some = Rows.of(tensor, rows);
      double[][] columns = Rows.ofColumns(tensor, new long[] {0, 6});
      assertThat(rows).hasSize(5).isSorted().doesNotHaveDuplicates().startsWith(0).endsWith(39);
      for (int s = 0; s < rows.length; s++) {
        assertThat(some[s][6]).isEqualTo(tensor.get(rows[s] * 7 + 6));
      }
      assertThat(columns[1][39]).isEqualTo(tensor.get(39 * 7 + 6));
      assertThat(Rows.some(3, 5)).containsExactly(0, 1, 2);
    }
  }

  /** A product of f32 is found if its operands were rounded, and allowed if they may be. */
  @ParameterizedTest
  @CsvSource({"TF32, 11", "F16, 11", "BF16, 8"})
  void roundedOperandsAreNoticed(Precision precision, int bits) {
    try (Backend backend = Backends.open("scalar", 1);
        Tensor a = random(backend, DType.F32, "a", SIZE, SIZE);
        Tensor b = random(backend, DType.F32, "b", SIZE, SIZE)) {
      long[] rows = Rows.some(SIZE, Rows.CHECKED);
      double[][] exact = Rows.of(a, rows);
      double[] right = Naive.read(b);
      double[] left = Rows.joined(exact);
      double[][] rounded = products(round(left, bits), round(right, bits));
      DType f32 = DType.F32;

      ProductCheck.check("c", exact, b, false, products(left, right), f32, Precision.F32);
      ProductCheck.check("c", exact, b, false, rounded, f32, precision);
      assertThatThrownBy(
              () -> ProductCheck.check("c", exact, b, false, rounded, f32, Precision.F32))
          .hasMessageContaining("need an error of at most");
    }
  }

  private static double[] round(double[] values, int bits) {
    double[] rounded = values.clone();
    for (int i = 0; i < rounded.length; i++) {
      double unit = Math.scalb(1.0, Math.getExponent(rounded[i]) - bits + 1);
      rounded[i] = Math.rint(rounded[i] / unit) * unit;
    }
    return rounded;
  }

  private static double[][] products(double[] left, double[] right) {
    int rows = left.length / SIZE;
    double[] c = Naive.product(left, right, rows, SIZE, SIZE);
    double[][] products = new double[rows][SIZE];
    for (int s = 0; s < rows; s++) {
      System.arraycopy(c, s * SIZE, products[s], 0, SIZE);
    }
    return products;
  }

  @ParameterizedTest
  @ValueSource(strings = {"NN", "NT", "TN", "TT"})
  void productsOfEveryTypeAreRight(String transposes) {
    try (Backend backend = Backends.open("scalar", 1)) {
      for (DType dtype : DType.values()) {
        assertThatCode(
                () ->
                    new GemmCase(
                            backend, backend::tensor, "19x23x31", transposes, dtype, Precision.F32)
                        .close())
            .doesNotThrowAnyException();
      }
    }
  }

  @Test
  void aWrongElementIsNoticed() {
    try (Backend backend = Backends.open("scalar", 1);
        Tensor a = random(backend, DType.F32, "a", 3, 5);
        Tensor b = random(backend, DType.F32, "b", 5, 4)) {
      double[][] left = Rows.of(a, Rows.all(a));
      double[] c = Naive.product(Rows.joined(left), Naive.read(b), 3, 5, 4);
      double[][] wrong = {{c[0], c[1], c[2], c[3]}, {c[4], c[5], c[6] + 1e-5, c[7]}};
      double[][] two = {left[0], left[1]};
      assertThatThrownBy(
              () -> ProductCheck.check("c", two, b, false, wrong, DType.F32, Precision.F32))
          .hasMessageContaining("c[2]=");
    }
  }

  /** As if they were large. */
  @ParameterizedTest
  @ValueSource(strings = {"relu", "gelu", "tanh", "softmax"})
  void partsOfLayersAreChecked(String activation) {
    Activation f = Activation.parse(activation);
    Shape sizes = Shape.of(40, 33, 17);
    try (Backend backend = Backends.open("scalar", 1);
        DenseCase.Forward forward =
            new DenseCase.Forward(backend, backend::tensor, DType.F32, sizes, f, Precision.F32);
        DenseCase.Backward backward =
            new DenseCase.Backward(backend, backend::tensor, DType.F32, sizes, f, Precision.F32);
        ActivationCase pass = new ActivationCase(backend, f, DType.F32, Shape.of(40, 33))) {
      forward.check(0);
      backward.check(0);
      pass.check(0);
    }
  }

  @Test
  void aWrongSumOfAColumnIsNoticed() {
    try (Backend backend = Backends.open("scalar", 1);
        Tensor of = random(backend, DType.F32, "dz", 50, 3);
        Tensor sums = backend.tensor(DType.F32, Shape.of(3))) {
      double[] right = Naive.columnSums(Naive.read(of), 3);
      for (int j = 0; j < 3; j++) {
        sums.segment().setAtIndex(ValueLayout.JAVA_FLOAT, j, (float) right[j]);
      }
      DenseCase.checkColumnSums("db", of, sums);
      sums.segment().setAtIndex(ValueLayout.JAVA_FLOAT, 1, (float) right[1] + 1e-3f);
      assertThatThrownBy(() -> DenseCase.checkColumnSums("db", of, sums))
          .hasMessageContaining("db[1]");
    }
  }
}
