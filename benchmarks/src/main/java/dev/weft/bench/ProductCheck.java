package dev.weft.bench;

import dev.weft.Accuracy;
import dev.weft.DType;
import dev.weft.Precision;
import dev.weft.Tensor;

/**
 * Rows of a product, compared with plain sums in f64, for products too large to be checked as a
 * whole.
 *
 * <p>Two bounds: for each element the worst case, {@link Accuracy#gemm} and what {@link Precision}
 * lets each operand lose; and for a row as a whole, in norm, what errors of either sign add up to.
 * The second is what notices operands in f32 that were rounded though they may not be.
 */
final class ProductCheck {
  private ProductCheck() {}

  /** What an operand may lose by {@code precision}, as a share of itself, rounded or cut off. */
  static double rounding(Precision precision) {
    return switch (precision) {
      case F32 -> 0;
      case TF32, F16 -> 0x1p-10;
      case BF16 -> 0x1p-7;
    };
  }

  /**
   * Error of a product of {@code k} terms, as a share of the sum of their magnitudes; the check's
   * own included.
   */
  static double error(DType dtype, long k, Precision precision) {
    double loss = dtype == DType.F64 ? 0 : rounding(precision);
    return 2 * Accuracy.gemm(dtype, k, 1) + (2 + loss) * loss;
  }

  /**
   * Error of many products of {@code k} terms of either sign, as a share of their norm. A chain of
   * f32 errs by 0.4·√k of half a unit in the last place; sums of units for matrices, which cut
   * their results off, by k at most.
   *
   * @param exact whether sums are of f32, by themselves
   */
  static double norm(DType dtype, long k, Precision precision, boolean exact) {
    double u = DenseCheck.halfUlp(dtype);
    return exact && precision == Precision.F32 || dtype == DType.F64
        ? 2 * Math.sqrt(k) * u
        : (k + 4) * u + 2 * rounding(precision);
  }

  /**
   * Compares rows of C = A·B.
   *
   * @param name what C is called if it is wrong
   * @param a rows of A
   * @param b B, or Bᵀ if {@code transposed}
   * @param c the same rows of C, of type {@code dtype}
   * @throws IllegalStateException if one is further off than its bound
   */
  static void check(
      String name,
      double[][] a,
      Tensor b,
      boolean transposed,
      double[][] c,
      DType dtype,
      Precision precision) {
    int k = a[0].length;
    int n = c[0].length;
    double[][] sums = new double[a.length][n];
    double[][] bounds = new double[a.length][n];
    Rows rows = new Rows(b);
    for (int r = 0; r < rows.count(); r++) {
      double[] row = rows.get(r);
      for (int s = 0; s < a.length; s++) {
        if (transposed) {
          dot(a[s], row, r, sums[s], bounds[s]);
        } else {
          addScaled(a[s][r], row, sums[s], bounds[s]);
        }
      }
    }
    double error = error(dtype, k, precision);
    boolean exact = b.dtype() == dtype;
    for (int s = 0; s < a.length; s++) {
      for (int j = 0; j < n; j++) {
        bounds[s][j] *= error;
      }
      DenseCheck.requireClose(name, c[s], sums[s], bounds[s]);
    }
    DenseCheck.requireNear(
        name, Rows.joined(c), Rows.joined(sums), norm(dtype, k, precision, exact));
  }

  private static void dot(double[] a, double[] b, int at, double[] sums, double[] magnitudes) {
    double sum = 0;
    double magnitude = 0;
    for (int i = 0; i < b.length; i++) {
      double product = a[i] * b[i];
      sum += product;
      magnitude += Math.abs(product);
    }
    sums[at] = sum;
    magnitudes[at] = magnitude;
  }

  private static void addScaled(double by, double[] row, double[] sums, double[] magnitudes) {
    for (int j = 0; j < row.length; j++) {
      double product = by * row[j];
      sums[j] += product;
      magnitudes[j] += Math.abs(product);
    }
  }
}
