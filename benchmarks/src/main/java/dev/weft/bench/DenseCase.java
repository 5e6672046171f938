package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Precision;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.init.Initializers;
import dev.weft.nn.Activation;
import dev.weft.nn.Dense;
import dev.weft.nn.Write;
import dev.weft.random.RandomKey;
import java.util.Arrays;
import java.util.Set;
import java.util.function.BiFunction;

/** The layers of the benchmarks, and their checks. */
final class DenseCase {
  private static final RandomKey KEY = RandomKey.of(42);

  /** Terms of the products of a layer that is compared as a whole; some seconds of plain loops. */
  private static final long CHECKED_TERMS = 1L << 29;

  private DenseCase() {}

  /** A layer of (B, I, O), with a bias that is not 0. */
  static Dense layer(Backend backend, DType dtype, Shape sizes, Activation f, RandomKey key) {
    return Dense.of(sizes.dim(1), sizes.dim(2))
        .activation(f)
        .bias(Initializers.uniform(-0.5, 0.5))
        .dtype(dtype)
        .build(backend, key);
  }

  /** The layer in f64 at {@code x}. */
  static DenseCheck check(Dense layer, Tensor x) {
    return check(layer, x, Precision.F32, Rows.all(x));
  }

  /** The layer in f64 at these rows of {@code x}. */
  private static DenseCheck check(Dense layer, Tensor x, Precision precision, long[] rows) {
    return new DenseCheck(
        x.dtype(),
        precision,
        layer.activation(),
        rows.length,
        Rows.joined(Rows.of(x, rows)),
        Naive.read(layer.kernel()),
        Naive.read(layer.bias().orElseThrow()));
  }

  /** All rows of {@code x}, or some if a layer at all of them would take long in f64. */
  private static long[] checkedRows(Dense layer, Tensor x, long mostTerms) {
    return terms(layer, x) <= mostTerms ? Rows.all(x) : Rows.some(x.shape().dim(0), Rows.CHECKED);
  }

  /** B·I·O. */
  private static long terms(Dense layer, Tensor x) {
    return x.shape().dim(0) * layer.kernel().shape().elements();
  }

  private static Tensor random(Tensor tensor, String name) {
    tensor.fill(Fill.uniform(-1, 1), KEY.child(name));
    return tensor;
  }

  /** [B, I] of (B, I, O). */
  static Shape inputs(Shape sizes) {
    return Shape.of(sizes.dim(0), sizes.dim(1));
  }

  /** [B, O] of (B, I, O). */
  static Shape outputs(Shape sizes) {
    return Shape.of(sizes.dim(0), sizes.dim(2));
  }

  /** What goes into a layer forward, and comes out. */
  static final class Forward implements AutoCloseable {
    private final Dense layer;
    private final Precision precision;
    private final Tensor x;
    private final Tensor y;

    /**
     * A layer and random x.
     *
     * @param memory makes x and y; the layer's weights are in the backend's own
     * @param sizes B, I, O
     * @param precision what {@code backend} was opened with
     * @throws IllegalStateException if the layer is wrong
     */
    Forward(
        Backend backend,
        BiFunction<DType, Shape, Tensor> memory,
        DType dtype,
        Shape sizes,
        Activation f,
        Precision precision) {
      this.precision = precision;
      layer = layer(backend, dtype, sizes, f, KEY);
      x = random(memory.apply(dtype, inputs(sizes)), "x");
      y = memory.apply(dtype, outputs(sizes));
      check();
    }

    /** One call. */
    void forward() {
      layer.forward(x, y);
    }

    /** Floating-point operations of the product. */
    double flop() {
      return 2.0 * x.shape().elements() * layer.outputs();
    }

    /**
     * Compares the layer with f64, some rows of a large one.
     *
     * @throws IllegalStateException if it is wrong
     */
    void check() {
      check(CHECKED_TERMS);
    }

    void check(long mostTerms) {
      Agreement.poison(y);
      forward();
      long[] rows = checkedRows(layer, x, mostTerms);
      DenseCase.check(layer, x, precision, rows).forward(Rows.joined(Rows.of(y, rows)));
    }

    @Override
    public void close() {
      layer.close();
      x.close();
      y.close();
    }
  }

  /**
   * What goes into a layer backward, and comes out.
   *
   * <p>A call leaves dz where dy was. With relu and linear the next one takes it for its dy, and dz
   * stays as it is. With others dy would fall below the least normal number, where arithmetic is
   * tens of times slower, or become 0, which GPUs multiply faster; so {@link #backward} first
   * copies it back.
   */
  static final class Backward implements AutoCloseable {
    private final Dense layer;
    private final Precision precision;
    private final boolean ofInput;
    private final Tensor x;
    private final Tensor saved; // y, or z where the derivative is of it
    private final Tensor dy;
    private final Tensor dx;
    private final Dense.Gradients gradients;
    private final Tensor fresh; // null where dy need not be copied back

    /**
     * A layer that has gone forward, and random dy.
     *
     * @param memory makes x, y, dy and dx; weights and their gradients are in the backend's own
     * @param sizes B, I, O
     * @param precision what {@code backend} was opened with
     * @throws IllegalStateException if a gradient is wrong
     */
    Backward(
        Backend backend,
        BiFunction<DType, Shape, Tensor> memory,
        DType dtype,
        Shape sizes,
        Activation f,
        Precision precision) {
      this.precision = precision;
      layer = layer(backend, dtype, sizes, f, KEY);
      ofInput = f.kind().derivativeOfInput();
      x = random(memory.apply(dtype, inputs(sizes)), "x");
      dx = memory.apply(dtype, inputs(sizes));
      saved = memory.apply(dtype, outputs(sizes));
      dy = memory.apply(dtype, outputs(sizes));
      gradients = layer.gradients();
      if (ofInput) {
        layer.forwardKeeping(x, saved, dy);
      } else {
        layer.forward(x, saved);
      }
      check();
      if (Set.of(Activation.RELU, Activation.LINEAR).contains(f)) {
        fresh = null;
      } else {
        fresh = random(memory.apply(dtype, outputs(sizes)), "dy");
      }
    }

    /** One call. */
    void backward() {
      if (fresh != null) {
        copyFresh();
      }
      call();
    }

    private void copyFresh() {
      if (dy.isHost()) {
        dy.segment().copyFrom(fresh.segment());
      } else {
        Activation.LINEAR.forward(fresh, dy); // stays on the device
      }
    }

    private void call() {
      if (ofInput) {
        layer.backwardKept(x, saved, dy, dx, gradients, Write.OVERWRITE);
      } else {
        layer.backward(x, saved, dy, dx, gradients, Write.OVERWRITE);
      }
    }

    /** Floating-point operations of both products. */
    double flop() {
      return 4.0 * x.shape().elements() * layer.outputs();
    }

    /**
     * Compares the gradients with f64: all, or, of a large layer, rows of dz and dx with the layer
     * in f64, and rows of dw and all of db with sums over the dz that was found.
     *
     * @throws IllegalStateException if one is wrong
     */
    void check() {
      check(CHECKED_TERMS);
    }

    void check(long mostTerms) {
      long[] rows = checkedRows(layer, x, mostTerms);
      double[] before = Rows.joined(Rows.of(random(dy, "dy"), rows));
      Agreement.poison(dx);
      Agreement.poison(gradients.kernel());
      Agreement.poison(gradients.bias());
      call();
      DenseCheck whole = DenseCase.check(layer, x, precision, rows);
      double[] dxRows = Rows.joined(Rows.of(dx, rows));
      if (terms(layer, x) <= mostTerms) {
        whole.backward(
            before, Naive.read(gradients.kernel()), Naive.read(gradients.bias()), dxRows);
        return;
      }
      whole.backwardOfRows(before, Rows.joined(Rows.of(dy, rows)), dxRows);
      long[] inputs = Rows.some(layer.inputs(), Rows.CHECKED);
      double[][] dw = Rows.of(gradients.kernel(), inputs);
      DType dtype = x.dtype();
      ProductCheck.check("dw", Rows.ofColumns(x, inputs), dy, false, dw, dtype, precision);
      checkColumnSums("db", dy, gradients.bias());
    }

    @Override
    public void close() {
      layer.close();
      x.close();
      saved.close();
      dy.close();
      dx.close();
      gradients.close();
      if (fresh != null) {
        fresh.close();
      }
    }
  }

  /**
   * Compares the sums of the columns of {@code of} with {@code sums}.
   *
   * @throws IllegalStateException if one is further off than its bound
   */
  static void checkColumnSums(String name, Tensor of, Tensor sums) {
    double[][] ones = {new double[Math.toIntExact(of.shape().dim(0))]};
    Arrays.fill(ones[0], 1);
    double[][] found = {Naive.read(sums)};
    ProductCheck.check(name, ones, of, false, found, of.dtype(), Precision.F32);
  }
}
