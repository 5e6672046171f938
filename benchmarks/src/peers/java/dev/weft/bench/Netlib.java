package dev.weft.bench;

import dev.ludovic.netlib.blas.BLAS;
import dev.ludovic.netlib.blas.JavaBLAS;

/**
 * The products of dev.ludovic.netlib's {@code VectorBLAS}, which Spark's MLlib uses: the Vector API
 * on arrays, on one thread. It stores matrices by columns, so C = A·B of rows is Cᵀ = Bᵀ·Aᵀ, and
 * nothing is copied.
 */
final class Netlib {
  private final BLAS blas;

  private Netlib(BLAS blas) {
    this.blas = blas;
  }

  /**
   * What {@code JavaBLAS} takes where it finds the Vector API.
   *
   * @throws IllegalStateException with the reason, if that is not {@code VectorBLAS}, or if {@code
   *     threads} is not 1
   */
  static Netlib load(int threads) {
    if (threads != 1) {
      throw PeerBenchmark.refused("netlib", "threads=" + threads, "VectorBLAS has one thread");
    }
    BLAS blas;
    try {
      blas = JavaBLAS.getInstance();
    } catch (RuntimeException | LinkageError e) {
      throw PeerBenchmark.unavailable("netlib", e);
    }
    if (!blas.getClass().getSimpleName().equals("VectorBLAS")) {
      throw PeerBenchmark.unavailable(
          "netlib",
          new UnsupportedOperationException("need VectorBLAS, JavaBLAS is " + blas.getClass()));
    }
    return new Netlib(blas);
  }

  /** An array of f32. */
  static float[] narrowed(double[] values) {
    float[] narrow = new float[values.length];
    for (int i = 0; i < narrow.length; i++) {
      narrow[i] = (float) values[i];
    }
    return narrow;
  }

  /** c [m, n] = a·b of a [m, k] and b [k, n]. */
  void product(float[] a, float[] b, float[] c, int m, int n, int k) {
    blas.sgemm("N", "N", n, m, k, 1, b, n, a, k, 0, c, n);
  }

  /** {@link #product} of f64. */
  void product(double[] a, double[] b, double[] c, int m, int n, int k) {
    blas.dgemm("N", "N", n, m, k, 1, b, n, a, k, 0, c, n);
  }

  /** c [m, n] = aᵀ·b of a [k, m] and b [k, n]. */
  void leftTransposed(float[] a, float[] b, float[] c, int m, int n, int k) {
    blas.sgemm("N", "T", n, m, k, 1, b, n, a, m, 0, c, n);
  }

  /** c [m, n] = a·bᵀ of a [m, k] and b [n, k]. */
  void rightTransposed(float[] a, float[] b, float[] c, int m, int n, int k) {
    blas.sgemm("T", "N", n, m, k, 1, b, k, a, k, 0, c, n);
  }

  @Override
  public String toString() {
    return "netlib " + PeerLibraries.version(BLAS.class, "dev.ludovic.netlib/blas") + " VectorBLAS";
  }
}
