package dev.weft.bench;

import dev.weft.DType;
import dev.weft.Precision;
import dev.weft.nn.Activation;
import java.util.Arrays;
import java.util.Locale;

/**
 * A dense layer in f64 ({@link Naive}), from the operands of a benchmark, and comparisons with what
 * was computed from them in a type of less.
 *
 * <p>Bounds: {@link ProductCheck#error} for products, and {@value #HALF_ULPS} halves of a unit in
 * the last place of max(1, |f|) for an activation; an error of z goes through f, and where it may
 * change the side of a kink of f', as that of relu at 0, either side is right.
 */
final class DenseCheck {
  /** Error of an activation and its derivative, in u = half a unit in the last place of 1. */
  static final double HALF_ULPS = 64;

  private static final double STEEPEST = 2; // |f'| of selu is 1.76

  private final DType dtype;
  private final Precision precision;
  private final Activation f;
  private final int batch;
  private final int inputs;
  private final int outputs;
  private final double[] x;
  private final double[] w;
  private final double[] z;
  private final double[] errors; // of z
  private final double u;

  /**
   * The layer's z, and how wrong one may be that was computed without rounding operands.
   *
   * @param dtype type of what will be compared, F32 or F64
   * @param x [B, I]
   * @param w [I, O]
   * @param b [O]
   */
  DenseCheck(DType dtype, Activation f, int batch, double[] x, double[] w, double[] b) {
    this(dtype, Precision.F32, f, batch, x, w, b);
  }

  /** The same, where products may round their f32 operands. */
  DenseCheck(
      DType dtype,
      Precision precision,
      Activation f,
      int batch,
      double[] x,
      double[] w,
      double[] b) {
    this.dtype = dtype;
    this.precision = precision;
    this.f = f;
    this.batch = batch;
    this.inputs = x.length / batch;
    this.outputs = b.length;
    this.x = x;
    this.w = w;
    this.u = halfUlp(dtype);
    z = Naive.product(x, w, batch, inputs, outputs);
    Naive.addRow(z, b);
    errors = Naive.product(Naive.absolute(x), Naive.absolute(w), batch, inputs, outputs);
    Naive.addRow(errors, Naive.absolute(b));
    scale(errors, error(inputs));
    if (f.kind().ofRow()) {
      spreadOverRows(errors);
    }
  }

  static double halfUlp(DType dtype) {
    return dtype == DType.F64 ? 0x1p-53 : 0x1p-24;
  }

  /** Error of a product of {@code k} terms, of their magnitude; the check's own included. */
  private double error(int k) {
    return ProductCheck.error(dtype, k, precision);
  }

  private static void scale(double[] a, double by) {
    for (int i = 0; i < a.length; i++) {
      a[i] *= by;
    }
  }

  private void spreadOverRows(double[] a) {
    for (int from = 0; from < a.length; from += outputs) {
      double most = 0;
      for (int i = from; i < from + outputs; i++) {
        most = Math.max(most, a[i]);
      }
      Arrays.fill(a, from, from + outputs, most);
    }
  }

  /**
   * Compares y [B, O].
   *
   * @throws IllegalStateException if an element is further off than its bound
   */
  void forward(double[] y) {
    double[] expected = Naive.activate(f, z, outputs);
    double[] bounds = new double[y.length];
    for (int i = 0; i < y.length; i++) {
      bounds[i] = STEEPEST * errors[i] + HALF_ULPS * u * Math.max(1, Math.abs(expected[i]));
    }
    requireClose("y", y, expected, bounds);
    double share = ProductCheck.norm(dtype, inputs, precision, true);
    requireNear("y", y, expected, 2 * STEEPEST * share + HALF_ULPS * u);
  }

  /**
   * Compares the gradients of dy [B, O] by kernel [I, O], bias [O] and x [B, I].
   *
   * @throws IllegalStateException if an element is further off than its bound
   */
  void backward(double[] dy, double[] dw, double[] db, double[] dx) {
    double[] dz = Naive.gradient(f, z, dy, outputs);
    double[] errors = errorsOfGradient(dz, dy);
    compareKernel(dz, errors, dw);
    compareBias(dz, errors, db);
    compareInput(dz, errors, dx);
  }

  /**
   * Compares what depends on each row alone: the gradients of dy [B, O] by z [B, O] and x [B, I].
   *
   * @throws IllegalStateException if an element is further off than its bound
   */
  void backwardOfRows(double[] dy, double[] dz, double[] dx) {
    double[] expected = Naive.gradient(f, z, dy, outputs);
    double[] errors = errorsOfGradient(expected, dy);
    requireClose("dz", dz, expected, errors);
    compareInput(expected, errors, dx);
  }

  /** How wrong dz may be. */
  private double[] errorsOfGradient(double[] dz, double[] dy) {
    double[] bounds = new double[dz.length];
    double[] magnitudes = Naive.absolute(dy);
    if (f.kind().ofRow()) {
      spreadOverRows(magnitudes);
    }
    for (int i = 0; i < dz.length; i++) {
      double change =
          f.kind().ofRow()
              ? 2 * STEEPEST * errors[i]
              : Math.abs(
                  Naive.derivative(f, z[i] + errors[i]) - Naive.derivative(f, z[i] - errors[i]));
      bounds[i] = magnitudes[i] * (change + STEEPEST * HALF_ULPS * u);
    }
    return bounds;
  }

  private void compareKernel(double[] dz, double[] errorsOfDz, double[] dw) {
    requireClose(
        "dw",
        dw,
        Naive.product(Naive.transposed(x, batch, inputs), dz, inputs, batch, outputs),
        Naive.product(
            Naive.transposed(Naive.absolute(x), batch, inputs),
            sum(Naive.absolute(dz), error(batch), errorsOfDz),
            inputs,
            batch,
            outputs));
  }

  private void compareBias(double[] dz, double[] errorsOfDz, double[] db) {
    double error = ProductCheck.error(dtype, batch, Precision.F32);
    requireClose(
        "db",
        db,
        Naive.columnSums(dz, outputs),
        Naive.columnSums(sum(Naive.absolute(dz), error, errorsOfDz), outputs));
  }

  private void compareInput(double[] dz, double[] errorsOfDz, double[] dx) {
    requireClose(
        "dx",
        dx,
        Naive.product(dz, Naive.transposed(w, inputs, outputs), batch, outputs, inputs),
        Naive.product(
            sum(Naive.absolute(dz), error(outputs), errorsOfDz),
            Naive.transposed(Naive.absolute(w), inputs, outputs),
            batch,
            outputs,
            inputs));
  }

  /** a·by + b. */
  private static double[] sum(double[] a, double by, double[] b) {
    double[] sums = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      sums[i] = a[i] * by + b[i];
    }
    return sums;
  }

  /** Throws unless every element of {@code actual} is as close to {@code expected} as its bound. */
  static void requireClose(String name, double[] actual, double[] expected, double[] bounds) {
    if (actual.length != expected.length) {
      throw new IllegalStateException(
          "benchmark: need " + expected.length + " elements of " + name + ", got " + actual.length);
    }
    for (int i = 0; i < actual.length; i++) {
      double error = Math.abs(actual[i] - expected[i]);
      if (!(error <= bounds[i])) {
        throw new IllegalStateException(
            String.format(
                Locale.ROOT,
                "benchmark: need an error of at most %g, got error=%g, %s[%d]=%g, expected=%g",
                bounds[i],
                error,
                name,
                i,
                actual[i],
                expected[i]));
      }
    }
  }

  /** Throws unless |actual − expected| is at most {@code share} of |expected|, Euclidean norms. */
  static void requireNear(String name, double[] actual, double[] expected, double share) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
      norm += expected[i] * expected[i];
    }
    if (!(Math.sqrt(difference) <= share * Math.sqrt(norm))) {
      throw new IllegalStateException(
          "benchmark: need an error of at most "
              + share
              + " of the norm of "
              + name
              + ", got error="
              + Math.sqrt(difference)
              + ", norm="
              + Math.sqrt(norm));
    }
  }
}
