package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Matrix;
import dev.weft.Precision;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.util.function.BiFunction;

/** The operands of a product C = A·B, and its check. */
final class GemmCase implements AutoCloseable {
  private static final RandomKey KEY = RandomKey.of(42);

  /** {@code backend.gemm}, whose calls come one after the other. */
  static final Multiplication BY_BACKEND =
      new Multiplication() {
        @Override
        public void multiply(GemmCase operands) {
          operands.backend.gemm(1, operands.a, operands.b, 0, operands.c);
        }

        @Override
        public void await() {}
      };

  private final Backend backend;
  private final Multiplication multiplication;
  private final Precision precision;
  private final boolean leftTransposed;
  private final boolean rightTransposed;
  private final Tensor left;
  private final Tensor right;
  private final Tensor result;
  private final Matrix a;
  private final Matrix b;
  private final Matrix c;

  /** How C = A·B is computed. */
  interface Multiplication {
    /** Computes it, or has a device do so. */
    void multiply(GemmCase operands);

    /** Waits for what the device was told. */
    void await();
  }

  /** Random A and B, and C with their product by {@code backend.gemm}. */
  GemmCase(
      Backend backend,
      BiFunction<DType, Shape, Tensor> memory,
      String mnk,
      String transposes,
      DType dtype,
      Precision precision) {
    this(backend, memory, mnk, transposes, dtype, precision, BY_BACKEND);
  }

  /**
   * Random A and B, and C with their product.
   *
   * @param memory makes tensors of {@code backend}
   * @param mnk for example {@code 64x32x16}
   * @param transposes N or T for each of A and B
   * @param dtype type of A and B; C is F64 if they are, else F32
   * @param precision to what operands of F32 may be rounded
   * @param multiplication computes the product
   * @throws IllegalStateException if the product is wrong
   */
  GemmCase(
      Backend backend,
      BiFunction<DType, Shape, Tensor> memory,
      String mnk,
      String transposes,
      DType dtype,
      Precision precision,
      Multiplication multiplication) {
    this.backend = backend;
    this.multiplication = multiplication;
    this.precision = precision;
    leftTransposed = transposes.charAt(0) == 'T';
    rightTransposed = transposes.charAt(1) == 'T';
    Shape sizes = Shape.parse(mnk.replace('x', ','));
    long m = sizes.dim(0);
    long n = sizes.dim(1);
    long k = sizes.dim(2);
    left = memory.apply(dtype, leftTransposed ? Shape.of(k, m) : Shape.of(m, k));
    left.fill(Fill.uniform(-1, 1), KEY.child("a"));
    right = memory.apply(dtype, rightTransposed ? Shape.of(n, k) : Shape.of(k, n));
    right.fill(Fill.uniform(-1, 1), KEY.child("b"));
    result = memory.apply(dtype == DType.F64 ? DType.F64 : DType.F32, Shape.of(m, n));
    a = leftTransposed ? Matrix.of(left).transposed() : Matrix.of(left);
    b = rightTransposed ? Matrix.of(right).transposed() : Matrix.of(right);
    c = Matrix.of(result);
    check();
  }

  /** The product. */
  void multiply() {
    multiplication.multiply(this);
  }

  /** A as it lies in memory. */
  Tensor left() {
    return left;
  }

  /** B as it lies in memory. */
  Tensor right() {
    return right;
  }

  /** C. */
  Tensor result() {
    return result;
  }

  boolean leftTransposed() {
    return leftTransposed;
  }

  boolean rightTransposed() {
    return rightTransposed;
  }

  /** Floating-point operations of it. */
  double flop() {
    return 2.0 * c.rows() * c.columns() * a.columns();
  }

  /**
   * Multiplies, and compares some rows with sums in f64.
   *
   * @throws IllegalStateException if an element is wrong
   */
  void check() {
    Agreement.poison(result);
    backend.synchronize();
    multiply();
    multiplication.await();
    long[] rows = Rows.some(c.rows(), Rows.CHECKED);
    ProductCheck.check(
        "c",
        leftTransposed ? Rows.ofColumns(left, rows) : Rows.of(left, rows),
        right,
        rightTransposed,
        Rows.of(result, rows),
        result.dtype(),
        precision);
  }

  @Override
  public void close() {
    left.close();
    right.close();
    result.close();
  }
}
