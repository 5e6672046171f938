package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.internal.Access;
import dev.weft.nn.Activation;
import dev.weft.nn.Write;
import dev.weft.random.RandomKey;
import dev.weft.spi.Engine;
import dev.weft.spi.StridedMatrix;

/** An activation's operands, and its check. */
final class ActivationCase implements AutoCloseable {
  private static final RandomKey KEY = RandomKey.of(42);

  /** Elements of a tensor that is compared as a whole. */
  private static final long CHECKED_ELEMENTS = 1 << 20;

  private final Activation f;
  private final Tensor x;
  private final Tensor y;
  private final Tensor saved;
  private final Tensor dy;
  private final Tensor dz;
  private final Tensor db;
  private final Engine engine;
  private final StridedMatrix savedRows;
  private final StridedMatrix dyRows;
  private final StridedMatrix dzRows;
  private final StridedMatrix dbRow;

  /**
   * Random operands [rows, columns].
   *
   * @throws IllegalStateException if f or its gradient is wrong
   */
  ActivationCase(Backend backend, Activation f, DType dtype, Shape shape) {
    this.f = f;
    x = backend.tensor(dtype, shape);
    x.fill(Fill.uniform(-8, 8), KEY.child("x"));
    y = backend.tensor(dtype, shape);
    dy = backend.tensor(dtype, shape);
    dy.fill(Fill.uniform(-1, 1), KEY.child("dy"));
    dz = backend.tensor(dtype, shape);
    db = backend.tensor(dtype, Shape.of(shape.dim(1)));
    saved = f.kind().derivativeOfInput() ? x : y;
    Access access = Access.get();
    engine = access.engine(backend);
    savedRows = access.rows(saved);
    dyRows = access.rows(dy);
    dzRows = access.rows(dz);
    dbRow = access.rows(db);
    check();
  }

  /** y = f(x). */
  void forward() {
    f.forward(x, y);
  }

  /** dz = dy·f'. */
  void backward() {
    f.backward(saved, dy, dz);
  }

  /** The same, and the sums of its columns in db, as a layer does it before its products. */
  void backwardWithBias() {
    engine.activationGradient(
        x.dtype(), f, savedRows, dyRows, dzRows, dbRow.buffer(), Write.OVERWRITE);
  }

  /** Elements of each tensor. */
  long elements() {
    return x.shape().elements();
  }

  /** Bytes of each tensor. */
  long byteSize() {
    return x.byteSize();
  }

  Tensor x() {
    return x;
  }

  Tensor y() {
    return y;
  }

  /**
   * Compares f and its gradient with f64, some rows of large ones, and db with the sums of the dz
   * that was found.
   *
   * @throws IllegalStateException if an element is wrong
   */
  void check() {
    check(CHECKED_ELEMENTS);
  }

  void check(long mostElements) {
    Agreement.poison(y);
    forward();
    Agreement.poison(dz);
    backward();
    compare(mostElements);
    Agreement.poison(dz);
    Agreement.poison(db);
    backwardWithBias();
    compare(mostElements);
    DenseCase.checkColumnSums("db", dz, db);
  }

  private void compare(long mostElements) {
    int columns = Math.toIntExact(x.shape().dim(1));
    long[] rows =
        elements() <= mostElements ? Rows.all(x) : Rows.some(x.shape().dim(0), Rows.CHECKED);
    double error = DenseCheck.HALF_ULPS * DenseCheck.halfUlp(x.dtype());
    double[] z = Rows.joined(Rows.of(x, rows));
    double[] value = Naive.activate(f, z, columns);
    double[] gradient = Naive.gradient(f, z, Rows.joined(Rows.of(dy, rows)), columns);
    double[] bounds = new double[z.length];
    double[] gradientBounds = new double[z.length];
    for (int i = 0; i < z.length; i++) {
      bounds[i] = error * Math.max(1, Math.abs(value[i]));
      gradientBounds[i] = 2 * error; // |dy| <= 1
    }
    DenseCheck.requireClose("y", Rows.joined(Rows.of(y, rows)), value, bounds);
    DenseCheck.requireClose("dz", Rows.joined(Rows.of(dz, rows)), gradient, gradientBounds);
  }

  @Override
  public void close() {
    x.close();
    y.close();
    dy.close();
    dz.close();
    db.close();
  }
}
