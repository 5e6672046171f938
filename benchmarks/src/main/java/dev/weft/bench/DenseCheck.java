package dev.weft.bench;

import dev.weft.Accuracy;
import dev.weft.DType;
import dev.weft.nn.Activation;
import java.util.Arrays;
import java.util.Locale;

/**
 * A dense layer in f64 ({@link Naive}), from the operands of a benchmark, and comparisons with what
 * was computed from them in a type of less.
 *
 * <p>Bounds: {@link Accuracy#gemm} for products, and {@value #HALF_ULPS} halves of a unit in the
 * last place of max(1, |f|) for an activation; an error of z goes through f, and where it may
 * change the side of a kink of f', as that of relu at 0, either side is right.
 */
final class DenseCheck {
  /** Error of an activation and its derivative, in u = half a unit in the last place of 1. */
  static final double HALF_ULPS = 64;

  private static final double STEEPEST = 2; // |f'| of selu is 1.76

  private final DType dtype;
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
   * The layer's z, and how wrong a computed one may be.
   *
   * @param dtype type of what will be compared, F32 or F64
   * @param x [B, I]
   * @param w [I, O]
   * @param b [O]
   */
  DenseCheck(DType dtype, Activation f, int batch, double[] x, double[] w, double[] b) {
    this.dtype = dtype;
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
    return 2 * Accuracy.gemm(dtype, k, 1);
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
  }

  /**
   * Compares the gradients of dy [B, O] by kernel [I, O], bias [O] and x [B, I].
   *
   * @throws IllegalStateException if an element is further off than its bound
   */
  void backward(double[] dy, double[] dw, double[] db, double[] dx) {
    double[] dz = Naive.gradient(f, z, dy, outputs);
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
    double[] absolute = Naive.absolute(dz);

    requireClose(
        "dw",
        dw,
        Naive.product(Naive.transposed(x, batch, inputs), dz, inputs, batch, outputs),
        Naive.product(
            Naive.transposed(Naive.absolute(x), batch, inputs),
            sum(absolute, error(batch), bounds),
            inputs,
            batch,
            outputs));
    requireClose(
        "db",
        db,
        Naive.columnSums(dz, outputs),
        Naive.columnSums(sum(absolute, error(batch), bounds), outputs));
    requireClose(
        "dx",
        dx,
        Naive.product(dz, Naive.transposed(w, inputs, outputs), batch, outputs, inputs),
        Naive.product(
            sum(absolute, error(outputs), bounds),
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
