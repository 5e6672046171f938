package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Matrix;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Initializers;
import dev.weft.interop.Dlpack.Form;
import dev.weft.random.RandomKey;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** DLPack with NumPy, in one process: its {@code from_dlpack} and its {@code __dlpack__}. */
@Timeout(600)
class DlpackNumpyTest {
  private static final RandomKey KEY = RandomKey.of(11);

  private Python python;
  private Backend backend;

  @BeforeEach
  void open() throws Throwable {
    python = Python.start();
    backend = Weft.open("cpu");
  }

  @AfterEach
  void close() {
    if (backend != null) {
      backend.close();
    }
  }

  @Test
  void numpySeesTheTensorWhereItLies() throws Throwable {
    Tensor tensor = backend.tensor(DType.F32, Shape.of(3, 5));
    tensor.fill(Initializers.zeros(), KEY);
    long address = tensor.segment().address();
    python.run(
        """
        a = np.from_dlpack(Capsule(x[0]))
        assert a.shape == (3, 5) and a.dtype == np.float32, (a.shape, a.dtype)
        assert a.__array_interface__['data'][0] == x[1]
        assert not a.any()
        """,
        Dlpack.exportTensor(tensor, Form.LEGACY),
        address);
    tensor.fill(Initializers.heNormal(), KEY);
    double sum = 0;
    for (int i = 0; i < 15; i++) {
      sum += Math.scalb(tensor.get(i), 30);
    }
    tensor.close(); // NumPy still has it
    assertThat(backend.memory().allocatedBytes()).isPositive();
    long[] found =
        python.run("x[2] = int(np.ldexp(a.astype(np.float64), 30).sum())\ndel a", 0, 0, 0);
    assertThat(found[2]).isEqualTo((long) sum);
    assertThat(backend.memory().allocatedBytes()).isZero();
  }

  @Test
  void weftFillsAnArrayOfNumpy() throws Throwable {
    long[] given =
        python.run(
            """
            b = np.full((4, 6), np.nan, dtype=np.float64)
            before = sys.getrefcount(b)
            c = b.__dlpack__()
            x[0] = pointer(c, name)
            rename(c, used)
            x[1] = b.__array_interface__['data'][0]
            """);
    try (Tensor tensor = Dlpack.importTensor(backend, given[0], Form.LEGACY)) {
      assertThat(tensor.shape()).isEqualTo(Shape.of(4, 6));
      assertThat(tensor.dtype()).isEqualTo(DType.F64);
      assertThat(tensor.segment().address()).isEqualTo(given[1]);
      tensor.fill(Initializers.glorotUniform(), KEY);
      double[] expected = new double[24];
      backend.wrap(expected, Shape.of(4, 6)).fill(Initializers.glorotUniform(), KEY);
      double sum = 0;
      for (double e : expected) {
        sum += Math.rint(Math.scalb(e, 40));
      }
      long[] found =
          python.run(
              """
              assert sys.getrefcount(b) == before + 1
              x[0] = int(np.rint(np.ldexp(b, 40)).sum())
              """);
      assertThat(found[0]).isEqualTo((long) sum);
    }
    python.run("assert sys.getrefcount(b) == before; del b, c");
  }

  @Test
  void weftMultipliesATransposedPartOfAnArray() throws Throwable {
    long[] given =
        python.run(
            """
            whole = np.arange(80, dtype=np.float32).reshape(8, 10)
            part = whole[1:6, 2:9].T
            c = part.__dlpack__()
            x[0] = pointer(c, name)
            rename(c, used)
            """);
    assertThatThrownBy(() -> Dlpack.importTensor(backend, given[0], Form.LEGACY))
        .hasMessage(
            "dlpack: need elements by rows without gaps (a matrix may have them: importMatrix), got"
                + " shape=[7, 5], strides=[1, 10]");
    Matrix a = Dlpack.importMatrix(backend, given[0], Form.LEGACY);
    float[] ones = new float[5];
    backend.wrap(ones, Shape.of(5)).fill(Initializers.ones(), KEY);
    float[] sums = new float[7];
    backend.gemm(
        1,
        a,
        Matrix.of(backend.wrap(ones, Shape.of(5, 1))),
        0,
        Matrix.of(backend.wrap(sums, Shape.of(7, 1))));
    for (int j = 0; j < 7; j++) {
      assertThat(sums[j]).isEqualTo(5 * (j + 2) + 10 * (1 + 2 + 3 + 4 + 5));
    }
    a.tensor().close();
    python.run("del part, whole, c");
  }
}
