package dev.weft.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import dev.weft.Accuracy;
import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Matrix;
import dev.weft.MemoryInfo;
import dev.weft.PackedMatrix;
import dev.weft.Precision;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.testkit.Allocations;
import dev.weft.testkit.Reference;
import dev.weft.testkit.Tensors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * {@link Backend#gemm}: within {@link Accuracy#gemm} of the reference, exact where sums are, the
 * same bits for every number of threads, batch and position, and no other byte written.
 */
public abstract class GemmContract extends BackendContract {
  private static final DType[] TYPES = {DType.F32, DType.F64};
  private static final int GUARD_ELEMENTS = 37;

  /** A matrix within a tensor whose other elements are NaN. */
  private static final class Operand {
    final Tensor tensor;
    private final Matrix matrix;
    private MemorySegment memory; // of the host: the tensor's, or a copy of it
    private boolean written; // the copy, since the tensor was
    final double[][] values;

    Operand(Backend backend, DType dtype, int rows, int columns, boolean transposed, int gap) {
      int height = transposed ? columns : rows;
      int width = transposed ? rows : columns;
      int leading = width + gap;
      tensor = backend.tensor(dtype, Shape.of(2L * GUARD_ELEMENTS + (long) height * leading));
      memory = Tensors.memory(Tensors.poison(tensor));
      Matrix stored = Matrix.of(tensor, GUARD_ELEMENTS, height, width, leading);
      matrix = transposed ? stored.transposed() : stored;
      values = new double[rows][columns];
      this.leading = leading;
      this.transposed = transposed;
    }

    private final int leading;
    private final boolean transposed;

    /** For an operation, which may write it. */
    Matrix matrix() {
      if (written) {
        Tensors.write(tensor, memory);
        written = false;
      }
      if (!tensor.isHost()) {
        memory = null;
      }
      return matrix;
    }

    private MemorySegment memory() {
      if (memory == null) {
        memory = Tensors.memory(tensor);
      }
      return memory;
    }

    long at(int i, int j) {
      return GUARD_ELEMENTS + (transposed ? (long) j * leading + i : (long) i * leading + j);
    }

    void put(int i, int j, double value) {
      Tensors.set(memory(), tensor.dtype(), at(i, j), value);
      written = true;
      values[i][j] = get(i, j);
    }

    double get(int i, int j) {
      return Tensors.get(memory(), tensor.dtype(), at(i, j));
    }

    void random(SplittableRandom random) {
      for (int i = 0; i < values.length; i++) {
        for (int j = 0; j < values[i].length; j++) {
          put(i, j, random.nextDouble(-1, 1));
        }
      }
    }

    void integers(SplittableRandom random) {
      for (int i = 0; i < values.length; i++) {
        for (int j = 0; j < values[i].length; j++) {
          put(i, j, random.nextInt(-8, 9));
        }
      }
    }

    /**
     * Every kind of value of the type: mostly normal, some zeros and subnormal, and a few infinite
     * or NaN in the first row and column alone, so that other elements of a product are numbers.
     */
    void patterns(SplittableRandom random) {
      double[] tiny = {0, -0.0, 0x1p-24, -0x3FFp-24, 0x1p-133, 0x7Fp-133, 0x1p-149};
      double[] special = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
      for (int i = 0; i < values.length; i++) {
        for (int j = 0; j < values[i].length; j++) {
          int kind = random.nextInt(100);
          if (kind == 0 && (i == 0 || j == 0)) {
            put(i, j, special[random.nextInt(special.length)]);
          } else if (kind < 10) {
            put(i, j, tiny[random.nextInt(tiny.length)]);
          } else {
            put(i, j, Math.scalb(random.nextDouble(-1, 1), random.nextInt(-20, 12)));
          }
        }
      }
    }

    void copy(Operand other) {
      for (int i = 0; i < values.length; i++) {
        for (int j = 0; j < values[i].length; j++) {
          put(i, j, other.values[i][j]);
        }
      }
    }

    /** All but the matrix is as it was. */
    void requireGuards(String what) {
      boolean[] own = new boolean[(int) tensor.shape().elements()];
      for (int i = 0; i < values.length; i++) {
        for (int j = 0; j < values[i].length; j++) {
          own[(int) at(i, j)] = true;
        }
      }
      for (int i = 0; i < own.length; i++) {
        double value = Tensors.get(memory(), tensor.dtype(), i);
        if (!own[i] && !Double.isNaN(value)) {
          assertThat(value).as("%s, element %d beside C", what, i).isNaN();
        }
      }
    }
  }

  /** As the grid of BLAS's own tests: alpha and beta of {0, 1, 0.7, −1.3}, every transposition. */
  @ParameterizedTest
  @CsvSource({
    "0, 0, 0",
    "0, 3, 2",
    "3, 0, 2",
    "2, 3, 0",
    "1, 1, 1",
    "1, 7, 5",
    "7, 1, 5",
    "5, 7, 1",
    "2, 2, 2",
    "3, 5, 9",
    "9, 5, 3",
    "14, 32, 31",
    "15, 33, 65",
    "35, 35, 35",
    "1, 65, 300",
    "65, 1, 300",
    "29, 31, 257",
    "180, 19, 40",
    "19, 530, 20",
    "3, 300, 260",
    "4, 531, 30",
    "5, 300, 257",
    "8, 64, 256",
    "28, 100, 30",
    "20, 1300, 260"
  })
  void isWithinItsBoundOfTheReference(int m, int n, int k) {
    double[] scalars = {0, 1, 0.7, -1.3};
    for (DType dtype : TYPES) {
      for (int form = 0; form < 8; form++) {
        check(dtype, m, n, k, form, scalars[(form + m) % 4], scalars[(form / 2 + n) % 4]);
        check(dtype, m, n, k, form, 1, form % 2 == 0 ? 0 : 1);
      }
    }
  }

  private void check(DType dtype, int m, int n, int k, int form, double alpha, double beta) {
    SplittableRandom random = new SplittableRandom(m * 31 + n * 7 + k);
    Operand a = new Operand(backend(), dtype, m, k, (form & 1) != 0, 3);
    Operand b = new Operand(backend(), dtype, k, n, (form & 2) != 0, 0);
    Operand c = new Operand(backend(), dtype, m, n, (form & 4) != 0, 5);
    try (a.tensor;
        b.tensor;
        c.tensor) {
      if (alpha != 0) {
        a.random(random); // else NaN, which must not be read
        b.random(random);
      }
      if (beta != 0) {
        c.random(random);
      }
      backend().gemm(alpha, a.matrix(), b.matrix(), beta, c.matrix());
      String what = dtype + " " + m + "×" + n + "×" + k + " form " + form + " beta " + beta;
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
          double old = beta == 0 ? 0 : c.values[i][j];
          double expected = Reference.gemm(alpha, a.values, b.values, beta, old, i, j);
          double magnitude = Reference.gemmMagnitude(alpha, a.values, b.values, beta, old, i, j);
          double error = Math.abs(c.get(i, j) - expected);
          if (!(error <= Accuracy.gemm(dtype, k, magnitude))) {
            assertThat(error)
                .as("%s (%d, %d)", what, i, j)
                .isLessThanOrEqualTo(Accuracy.gemm(dtype, k, magnitude));
          }
        }
      }
      c.requireGuards(what);
    }
  }

  /**
   * F16 and BF16 operands give the bits of the product of what they are as F32; or, where a library
   * chooses the order, what is within both bounds of it.
   */
  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "5, 7, 3",
    "1, 300, 300",
    "4, 531, 260",
    "19, 530, 20",
    "33, 31, 257",
    "260, 37, 513",
    "6, 531, 1",
    "0, 3, 2",
    "3, 2, 0"
  })
  void narrowOperandsAreThoseOfTheWidened(int m, int n, int k) {
    DType[] types = {DType.F32, DType.F16, DType.BF16};
    for (int pair = 1; pair < 9; pair++) {
      for (int form = 0; form < 8; form++) {
        checkNarrow(types[pair / 3], types[pair % 3], m, n, k, form);
      }
    }
  }

  private void checkNarrow(DType left, DType right, int m, int n, int k, int form) {
    SplittableRandom random = new SplittableRandom(m * 31 + n * 7 + k + form);
    double beta = form % 3 == 0 ? 0 : 0.7;
    Operand a = new Operand(backend(), left, m, k, (form & 1) != 0, 3);
    Operand b = new Operand(backend(), right, k, n, (form & 2) != 0, 1);
    Operand wideA = new Operand(backend(), DType.F32, m, k, (form & 1) != 0, 3);
    Operand wideB = new Operand(backend(), DType.F32, k, n, (form & 2) != 0, 1);
    Operand c = new Operand(backend(), DType.F32, m, n, (form & 4) != 0, 5);
    Operand expected = new Operand(backend(), DType.F32, m, n, (form & 4) != 0, 5);
    try (a.tensor;
        b.tensor;
        wideA.tensor;
        wideB.tensor;
        c.tensor;
        expected.tensor) {
      a.patterns(random);
      b.patterns(random);
      c.random(random);
      wideA.copy(a);
      wideB.copy(b);
      expected.copy(c);
      backend().gemm(0.9, wideA.matrix(), wideB.matrix(), beta, expected.matrix());
      backend().gemm(0.9, a.matrix(), b.matrix(), beta, c.matrix());
      long at = Tensors.memory(c.tensor).mismatch(Tensors.memory(expected.tensor));
      for (long i = at / Float.BYTES; at >= 0 && i < c.tensor.shape().elements(); i++) {
        if (productsAreTheCpus() && Double.compare(c.tensor.get(i), expected.tensor.get(i)) != 0) {
          assertThat(c.tensor.get(i))
              .as("%s·%s %d×%d×%d form %d, element %d", left, right, m, n, k, form, i)
              .isEqualTo(expected.tensor.get(i));
        }
      }
      if (!productsAreTheCpus()) {
        String what = left + "·" + right + " form " + form;
        requireNear(c, expected, wideA, wideB, 0.9, beta, what);
        c.requireGuards(what);
      }
    }
  }

  /** C and what another order of sums gave, each within its bound of what is exact. */
  private static void requireNear(
      Operand c, Operand expected, Operand a, Operand b, double alpha, double beta, String what) {
    int k = b.values.length;
    for (int i = 0; i < c.values.length; i++) {
      for (int j = 0; j < c.values[i].length; j++) {
        double actual = c.get(i, j);
        double other = expected.get(i, j);
        double old = c.values[i][j];
        double size = Reference.gemmMagnitude(alpha, a.values, b.values, beta, old, i, j);
        double underflow = 2 * (k + 4) * (double) Float.MIN_VALUE;
        double allowed =
            Accuracy.gemm(c.tensor.dtype(), k, size)
                + Accuracy.gemm(Precision.F32, k, size)
                + underflow;
        if (Double.compare(actual, other) != 0 && !(Math.abs(actual - other) <= allowed)) {
          assertThat(actual).as("%s (%d, %d)", what, i, j).isCloseTo(other, offset(allowed));
        }
      }
    }
  }

  /** Small integers: every order of summation is exact. Sizes beyond every block. */
  @ParameterizedTest
  @CsvSource({"33, 47, 300", "400, 90, 513", "100, 1100, 30", "1, 600, 1000", "600, 1, 1000"})
  void integersAreExact(int m, int n, int k) {
    for (DType dtype : TYPES) {
      for (int threads : new int[] {1, 2, 3}) {
        SplittableRandom random = new SplittableRandom(5);
        try (Backend backend = open(threads)) {
          Operand a = new Operand(backend, dtype, m, k, false, 0);
          Operand b = new Operand(backend, dtype, k, n, threads == 2, 0);
          Operand c = new Operand(backend, dtype, m, n, false, 0);
          try (a.tensor;
              b.tensor;
              c.tensor) {
            a.integers(random);
            b.integers(random);
            c.integers(random);
            backend.gemm(2, a.matrix(), b.matrix(), -3, c.matrix());
            for (int i = 0; i < m; i++) {
              for (int j = 0; j < n; j++) {
                double sum = Reference.gemm(2, a.values, b.values, -3, c.values[i][j], i, j);
                if (c.get(i, j) != sum) {
                  assertThat(c.get(i, j)).isEqualTo(sum);
                }
              }
            }
          }
        }
      }
    }
  }

  /** Law 2: neither the backend's technique nor the number of threads changes a bit. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F64"})
  void threadsAndTechniqueChangeNoBit(DType dtype) {
    assumeProductsAreTheCpus();
    int m = 157;
    int n = 700;
    int k = 519;
    double[] expected = product(scalar(), dtype, m, n, k);
    for (int threads : new int[] {1, 2, 3, 5}) {
      try (Backend backend = open(BackendOptions.DEFAULT.withThreads(threads))) {
        assertThat(product(backend, dtype, m, n, k)).as("%d threads", threads).isEqualTo(expected);
      }
    }
  }

  private static double[] product(Backend backend, DType dtype, int m, int n, int k) {
    SplittableRandom random = new SplittableRandom(11);
    Operand a = new Operand(backend, dtype, m, k, false, 0);
    Operand b = new Operand(backend, dtype, k, n, false, 0);
    Operand c = new Operand(backend, dtype, m, n, false, 0);
    try (a.tensor;
        b.tensor;
        c.tensor) {
      a.random(random);
      b.random(random);
      c.random(random);
      backend.gemm(0.9, a.matrix(), b.matrix(), 0.3, c.matrix());
      double[] out = new double[m * n];
      for (int i = 0; i < m * n; i++) {
        out[i] = c.get(i / n, i % n);
      }
      return out;
    }
  }

  /** Law 2: a row of a batch of 1, 7, 64, 1000 is the same. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F64"})
  void aRowDoesNotDependOnTheOthers(DType dtype) {
    assumeProductsAreTheCpus();
    int k = 300;
    int n = 40;
    SplittableRandom random = new SplittableRandom(3);
    Operand x = new Operand(backend(), dtype, 1000, k, false, 0);
    Operand w = new Operand(backend(), dtype, k, n, false, 0);
    Operand y = new Operand(backend(), dtype, 1000, n, false, 0);
    Operand part = new Operand(backend(), dtype, 1000, n, false, 0);
    try (x.tensor;
        w.tensor;
        y.tensor;
        part.tensor) {
      x.random(random);
      w.random(random);
      backend().gemm(1, x.matrix(), w.matrix(), 0, y.matrix());
      for (int rows : new int[] {1, 7, 64}) {
        int from = 500 - rows / 2;
        backend()
            .gemm(
                1,
                x.matrix().part(from, 0, rows, k),
                w.matrix(),
                0,
                part.matrix().part(from, 0, rows, n));
        for (int j = 0; j < n; j++) {
          double whole = y.get(500, j);
          assertThat(part.get(500, j)).as("%d rows", rows).isEqualTo(whole);
        }
      }
    }
  }

  /** A batch is its matrices one by one; one matrix of an operand goes with all. */
  @Test
  void aBatchIsItsMatrices() {
    int batch = 5;
    int m = 20;
    int k = 30;
    int n = 40;
    SplittableRandom random = new SplittableRandom(3);
    try (Tensor a = backend().tensor(DType.F32, Shape.of(batch, m, k));
        Tensor b = backend().tensor(DType.F32, Shape.of(k, n));
        Tensor c = backend().tensor(DType.F32, Shape.of(batch, m, n));
        Tensor one = backend().tensor(DType.F32, Shape.of(m, n))) {
      for (Tensor tensor : new Tensor[] {a, b}) {
        for (long i = 0; i < tensor.shape().elements(); i++) {
          Tensors.set(tensor, i, random.nextDouble(-1, 1));
        }
      }
      backend().gemm(1, Matrix.of(a), Matrix.of(b), 0, Matrix.of(c));
      for (int i = 0; i < batch; i++) {
        Matrix own = Matrix.of(a, (long) i * m * k, m, k, k);
        backend().gemm(1, own, Matrix.of(b), 0, Matrix.of(one));
        for (int e = 0; e < m * n; e++) {
          double whole = c.get((long) i * m * n + e);
          if (productsAreTheCpus()) {
            assertThat(whole).isEqualTo(one.get(e));
          } else { // no term is more than 1
            assertThat(whole).isCloseTo(one.get(e), offset(2 * Accuracy.gemm(DType.F32, k, k)));
          }
        }
      }
    }
  }

  /** As in IEEE arithmetic, but that C is not read where beta is 0, nor A and B where alpha is. */
  @Test
  void nanSpreadsOnlyFromWhatIsRead() {
    try (Tensor a = backend().tensor(DType.F32, Shape.of(3, 2));
        Tensor b = backend().tensor(DType.F32, Shape.of(2, 3));
        Tensor c = backend().tensor(DType.F32, Shape.of(3, 3))) {
      for (int i = 0; i < 6; i++) {
        Tensors.set(a, i, i == 2 ? Double.NaN : 1); // a(1, 0)
        Tensors.set(b, i, i == 1 ? Double.POSITIVE_INFINITY : 1); // b(0, 1)
      }
      for (int i = 0; i < 9; i++) {
        Tensors.set(c, i, Double.NaN);
      }
      backend().gemm(1, Matrix.of(a), Matrix.of(b), 0, Matrix.of(c));
      double inf = Double.POSITIVE_INFINITY;
      double nan = Double.NaN;
      double[] expected = {2, inf, 2, nan, nan, nan, 2, inf, 2};
      for (int i = 0; i < 9; i++) {
        assertThat(Double.compare(c.get(i), expected[i])).as("element %d", i).isZero();
      }
      backend().gemm(0, Matrix.of(a), Matrix.of(b), 2, Matrix.of(c));
      assertThat(c.get(0)).isEqualTo(4);
      assertThat(c.get(1)).isEqualTo(inf);
      assertThat(c.get(3)).isNaN();
      backend().gemm(0, Matrix.of(a), Matrix.of(b), 0, Matrix.of(c));
      assertThat(c.get(3)).isZero();
    }
  }

  /**
   * A packed right operand gives the bits of the matrix it was packed from, whatever came after.
   */
  @ParameterizedTest
  @CsvSource({
    "0, 3, 2",
    "3, 0, 2",
    "3, 2, 0",
    "1, 1, 1",
    "1, 300, 300",
    "4, 37, 513",
    "7, 530, 20",
    "19, 1100, 260",
    "33, 31, 257",
    "200, 600, 70"
  })
  void aPackedOperandChangesNoBit(int m, int n, int k) {
    for (DType dtype : DType.values()) {
      DType sum = dtype == DType.F64 ? DType.F64 : DType.F32;
      SplittableRandom random = new SplittableRandom(m * 31 + n * 7 + k);
      for (int form = 0; form < 4; form++) {
        double beta = form == 1 ? 0 : 0.7;
        Operand a = new Operand(backend(), sum, m, k, (form & 1) != 0, 3);
        Operand b = new Operand(backend(), dtype, k, n, (form & 2) != 0, 1);
        Operand c = new Operand(backend(), sum, m, n, false, 5);
        Operand expected = new Operand(backend(), sum, m, n, false, 5);
        try (a.tensor;
            b.tensor;
            c.tensor;
            expected.tensor) {
          a.random(random);
          b.random(random);
          c.random(random);
          expected.copy(c);
          backend().gemm(0.9, a.matrix(), b.matrix(), beta, expected.matrix());
          try (PackedMatrix packed = backend().pack(b.matrix())) {
            Tensors.poison(b.tensor); // it was copied
            backend().gemm(0.9, a.matrix(), packed, beta, c.matrix());
            assertThat(packed.rows()).isEqualTo(k);
            assertThat(packed.columns()).isEqualTo(n);
            assertThat(packed.dtype()).isEqualTo(dtype);
          }
          String what = dtype + " " + m + "×" + n + "×" + k + " form " + form;
          if (productsAreTheCpus()) {
            long at = Tensors.memory(c.tensor).mismatch(Tensors.memory(expected.tensor));
            assertThat(at).as(what).isEqualTo(-1);
          } else {
            requireNear(c, expected, a, b, 0.9, beta, what);
            c.requireGuards(what);
          }
        }
      }
    }
  }

  @Test
  void aPackedOperandGoesWithEveryBatchAndNumberOfThreads() {
    int batch = 3;
    try (Backend many = open(3);
        Tensor a = many.tensor(DType.F32, Shape.of(batch, 150, 80));
        Tensor b = many.tensor(DType.F32, Shape.of(80, 900));
        Tensor c = many.tensor(DType.F32, Shape.of(batch, 150, 900));
        Tensor expected = many.tensor(DType.F32, Shape.of(batch, 150, 900))) {
      a.fill(Fill.uniform(-1, 1), KEY);
      b.fill(Fill.uniform(-1, 1), KEY.child("b"));
      many.gemm(1, Matrix.of(a), Matrix.of(b), 0, Matrix.of(expected));
      try (PackedMatrix packed = many.pack(Matrix.of(b))) {
        many.gemm(1, Matrix.of(a), packed, 0, Matrix.of(c));
      }
      assertThat(Tensors.memory(c).mismatch(Tensors.memory(expected))).isEqualTo(-1);
    }
  }

  @Test
  void aPackedMatrixHoldsMemoryUntilItIsClosed() {
    try (Backend own = open(1);
        Tensor b = own.tensor(DType.F32, Shape.of(50, 60))) {
      MemoryInfo before = own.memory();
      PackedMatrix packed = own.pack(Matrix.of(b));
      assertThat(own.memory().allocatedBytes() - before.allocatedBytes())
          .isBetween(12_000L, 24_000L);
      packed.close();
      packed.close();
      assertThat(own.memory().allocatedBytes()).isEqualTo(before.allocatedBytes());
    }
  }

  @Test
  void badArgumentsOfPackedProductsAreNamed() {
    try (Backend other = open(1);
        Tensor a = backend().tensor(DType.F32, Shape.of(8, 3));
        Tensor b = backend().tensor(DType.F32, Shape.of(3, 2));
        Tensor c = backend().tensor(DType.F32, Shape.of(8, 2));
        Tensor foreign = other.tensor(DType.F32, Shape.of(3, 2));
        Tensor f64 = backend().tensor(DType.F64, Shape.of(8, 2));
        Tensor batch = backend().tensor(DType.F32, Shape.of(2, 3, 2));
        PackedMatrix packed = backend().pack(Matrix.of(b));
        PackedMatrix others = other.pack(Matrix.of(foreign))) {
      Matrix x = Matrix.of(a);
      Matrix y = Matrix.of(c);
      assertThatThrownBy(() -> backend().pack(Matrix.of(foreign)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("pack: need a tensor of this backend, got b=");
      assertThatThrownBy(() -> backend().pack(Matrix.of(batch)))
          .hasMessage("pack: need one matrix, got b=[2, 3, 2]");
      assertThatThrownBy(() -> backend().gemm(1, x, others, 0, y))
          .hasMessageStartingWith("gemm: need tensors of this backend, got a=");
      assertThatThrownBy(() -> backend().gemm(1, x.part(0, 0, 8, 2), packed, 0, y))
          .hasMessage("gemm: need a [M, K], b [K, N], c [M, N], got a=[8, 2], b=[3, 2], c=[8, 2]");
      assertThatThrownBy(() -> backend().gemm(1, x, packed, 0, Matrix.of(f64)))
          .hasMessageStartingWith("gemm: need c f32, a and b each")
          .hasMessageEndingWith("got a=f32, b=f32, c=f64");
      assertThatThrownBy(() -> backend().gemm(1, Matrix.of(batch), packed, 0, y))
          .hasMessageStartingWith("gemm: need ");
      Matrix columns = Matrix.of(a, 0, 2, 8, 8).transposed();
      assertThatThrownBy(() -> backend().gemm(1, x, packed, 0, columns))
          .hasMessage("gemm: need rows of c that are contiguous, got c=[8, 2]");
      assertThatThrownBy(() -> backend().gemm(1, x, packed, 0, Matrix.of(a, 5, 8, 2, 2)))
          .hasMessageStartingWith("gemm: need c apart from a in memory, got a=");
      assertThatThrownBy(() -> backend().gemm(1, x, packed, Double.NaN, y))
          .hasMessage("gemm: need a finite beta, got beta=NaN");
      PackedMatrix gone = backend().pack(Matrix.of(b));
      gone.close();
      assertThatThrownBy(() -> backend().gemm(1, x, gone, 0, y))
          .isInstanceOf(ClosedException.class)
          .hasMessage("gemm: need an open packed matrix, got b=[3, 2]");
    }
  }

  /** All 65536 patterns of a 16-bit type, multiplied by 1: only a NaN's payload may change. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F16", "BF16"})
  void everyPatternIsWidenedExactly(DType dtype) {
    int rows = 256;
    try (Tensor a = backend().tensor(dtype, Shape.of(rows * 256, 1));
        Tensor b = backend().wrap(new float[] {1}, Shape.of(1, 1));
        Tensor c = backend().tensor(DType.F32, Shape.of(rows * 256, 1))) {
      MemorySegment patterns = Tensors.memory(a);
      for (int i = 0; i < rows * 256; i++) {
        patterns.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) i);
      }
      Tensors.write(a, patterns);
      backend().gemm(1, Matrix.of(a), Matrix.of(b), 0, Matrix.of(c));
      for (int i = 0; i < rows * 256; i++) {
        double expected = a.get(i) + 0.0; // the sum begins with 0, so that −0 becomes 0
        if (Double.compare(c.get(i), expected) != 0) {
          assertThat(c.get(i)).as("pattern %04x", i).isEqualTo(expected);
        }
      }
    }
  }

  /** alpha and beta are what they are in the type: here 0. */
  @Test
  void scalarsAreRoundedToTheTypeFirst() {
    try (Tensor a = backend().tensor(DType.F32, Shape.of(1, 1));
        Tensor c = backend().tensor(DType.F32, Shape.of(1, 1))) {
      Tensors.set(a, 0, Double.NaN);
      Tensors.set(c, 0, Double.NaN);
      backend().gemm(1e-60, Matrix.of(a), Matrix.of(a), -1e-60, Matrix.of(c));
      assertThat(c.get(0)).isZero();
    }
  }

  @Test
  void anEmptyBatchIsNoWork() {
    try (Tensor a = backend().tensor(DType.F32, Shape.of(0, 300, 400));
        Tensor b = backend().tensor(DType.F32, Shape.of(400, 500));
        Tensor c = backend().tensor(DType.F32, Shape.of(0, 300, 500))) {
      backend().gemm(1, Matrix.of(a), Matrix.of(b), 0, Matrix.of(c));
      assertThat(Matrix.of(c).batch()).isZero();
    }
  }

  @Test
  void badArgumentsAreNamed() {
    try (Backend other = open(1);
        Tensor a = backend().tensor(DType.F32, Shape.of(8, 3));
        Tensor b = backend().tensor(DType.F32, Shape.of(4, 2));
        Tensor c = backend().tensor(DType.F32, Shape.of(8, 2));
        Tensor foreign = other.tensor(DType.F32, Shape.of(8, 2));
        Tensor f64 = backend().tensor(DType.F64, Shape.of(8, 2));
        Tensor f16 = backend().tensor(DType.F16, Shape.of(8, 2));
        Tensor batch = backend().tensor(DType.F32, Shape.of(2, 3, 2))) {
      Matrix x = Matrix.of(a);
      Matrix w = Matrix.of(b).part(0, 0, 3, 2);
      Matrix y = Matrix.of(c);
      assertThatThrownBy(() -> backend().gemm(1, x, Matrix.of(b), 0, y))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("gemm: need a [M, K], b [K, N], c [M, N], got a=[8, 3], b=[4, 2], c=[8, 2]");
      assertThatThrownBy(() -> backend().gemm(Double.NaN, x, w, 0, y))
          .hasMessage("gemm: need a finite alpha, got alpha=NaN");
      assertThatThrownBy(() -> backend().gemm(1, x, w, Double.NEGATIVE_INFINITY, y))
          .hasMessage("gemm: need a finite beta, got beta=-Infinity");
      assertThatThrownBy(() -> backend().gemm(1e300, x, w, 0, y))
          .hasMessage("gemm: need a finite alpha, got alpha=Infinity");
      assertThatThrownBy(() -> backend().gemm(1, x, w, 0, Matrix.of(f64)))
          .hasMessage(
              "gemm: need c f32, a and b each f32, f16 or bf16, or all f64,"
                  + " got a=f32, b=f32, c=f64");
      assertThatThrownBy(() -> backend().gemm(1, x, w, 0, Matrix.of(f16)))
          .hasMessageStartingWith("gemm: need c f32, a and b each")
          .hasMessageEndingWith("got a=f32, b=f32, c=f16");
      assertThatThrownBy(() -> backend().gemm(1, Matrix.of(f16).transposed(), x, 0, Matrix.of(f64)))
          .hasMessageEndingWith("got a=f16, b=f32, c=f64");
      assertThatThrownBy(() -> backend().gemm(1, x, w, 0, Matrix.of(foreign)))
          .hasMessageStartingWith("gemm: need tensors of this backend, got a=");
      assertThatThrownBy(() -> backend().gemm(1, x, Matrix.of(batch), 0, y))
          .hasMessageStartingWith("gemm: need the batch of c, or one matrix, got a=");
      assertThatThrownBy(() -> backend().gemm(1, x, w, 0, Matrix.of(a, 5, 8, 2, 2)))
          .hasMessageStartingWith("gemm: need c apart from a and b in memory, got a=");
      float[] memory = new float[40];
      Matrix mine = Matrix.of(backend().wrap(memory, Shape.of(8, 3)));
      Matrix same = Matrix.of(backend().wrap(memory, Shape.of(8, 2)));
      assertThatThrownBy(() -> backend().gemm(1, mine, w, 0, same))
          .hasMessageStartingWith("gemm: need c apart from a and b in memory, got a=");
      assertThatThrownBy(() -> Matrix.of(a, 20, 2, 3, 3))
          .hasMessageStartingWith("matrix: need a matrix within the tensor, got offset=20");
      assertThatThrownBy(() -> Matrix.of(a, 0, Long.MAX_VALUE, 3, Long.MAX_VALUE))
          .hasMessageStartingWith("matrix: need a matrix within the tensor");
      assertThatThrownBy(() -> Matrix.of(a, 0, 2, 3, 2)).hasMessageContaining("leading=2");
      assertThatThrownBy(() -> x.part(0, 2, 8, 2))
          .hasMessageStartingWith("part: need rows and columns within the matrix");
      Tensor closed = backend().tensor(DType.F32, Shape.of(8, 2));
      Matrix gone = Matrix.of(closed);
      closed.close();
      assertThatThrownBy(() -> backend().gemm(1, x, w, 0, gone))
          .isInstanceOf(ClosedException.class)
          .hasMessageStartingWith("gemm: need an open tensor");
    }
  }

  /** A part of the caller's memory may be an operand while another part is the result. */
  @Test
  void partsOfOneTensorMayBeOperandAndResult() {
    float[] memory = new float[12];
    java.util.Arrays.fill(memory, 0, 8, 2);
    try (Tensor tensor = backend().wrap(memory, Shape.of(12))) {
      Matrix a = Matrix.of(tensor, 0, 2, 2, 2);
      Matrix b = Matrix.of(tensor, 4, 2, 2, 2);
      backend().gemm(1, a, b, 0, Matrix.of(tensor, 8, 2, 2, 2));
    }
    assertThat(memory).containsExactly(2, 2, 2, 2, 2, 2, 2, 2, 8, 8, 8, 8);
  }

  /** Memory that is closed while it is packed costs the backend nothing. */
  @Test
  void packingThatFailsLeaksNothing() throws InterruptedException {
    long before = backend().memory().allocatedBytes();
    for (int round = 0; round < 3; round++) {
      Arena arena = Arena.ofShared();
      Tensor b = backend().wrap(arena.allocate(4 * 1_000_000), DType.F32, Shape.of(1000, 1000));
      Thread closer = new Thread(() -> DenseContract.closeSoon(arena));
      closer.start();
      assertThatThrownBy(
              () -> {
                while (true) {
                  backend().pack(Matrix.of(b)).close();
                }
              })
          .isInstanceOf(IllegalStateException.class);
      Thread.interrupted(); // which closing may do to a thread that uses the memory
      closer.join();
    }
    assertThat(backend().memory().allocatedBytes()).isEqualTo(before);
  }

  /** Once compiled, a repeated product allocates nothing. */
  @Test
  void aRepeatedProductAllocatesNothing() {
    for (DType dtype : DType.values()) {
      DType result = dtype == DType.F64 ? DType.F64 : DType.F32;
      Operand a = new Operand(backend(), dtype, 150, 300, false, 0);
      Operand b = new Operand(backend(), dtype, 300, 200, false, 0);
      Operand c = new Operand(backend(), result, 150, 200, false, 0);
      try (a.tensor;
          b.tensor;
          c.tensor) {
        a.random(new SplittableRandom(1));
        b.random(new SplittableRandom(2));
        try (PackedMatrix packed = backend().pack(b.matrix())) {
          Allocations.assertNone(
              dtype + " product",
              10,
              () -> backend().gemm(1, a.matrix(), b.matrix(), 0, c.matrix()));
          Allocations.assertNone(
              dtype + " packed", 10, () -> backend().gemm(1, a.matrix(), packed, 0, c.matrix()));
        }
      }
    }
  }
}
