package dev.weft.gpu.blas;

import dev.weft.gpu.kernels.OrthogonalLaunch;

/**
 * Replaces a matrix A [m, n], m {@code >=} n, f64 by rows, by the Q of A = Q·R whose R has a
 * positive diagonal: Cholesky QR twice. G = AᵀA = L·Lᵀ, A becomes A·L⁻ᵀ, and all again, because QᵀQ
 * − I after the first time is as large as u·κ², u = 2⁻⁵³, κ the condition of A; after the second it
 * is some u. A positive diagonal makes Q unique, so it is that of Householder's QR, whose columns
 * the CPU multiplies by the signs of R's diagonal.
 *
 * <p>It fails, and says so, where κ is 1/√u ≈ 10⁸ or nearly so: a pivot of G is not positive, or an
 * element of QᵀQ − I after the first time passes 1/(2n). Below that ‖QᵀQ − I‖₂ {@code <=} 1/2, so
 * that the second time begins with a condition of at most √3 and cannot fail.
 *
 * <p>To cuBLAS, which stores by columns, A is Aᵀ [n, m] with leading dimension n. The Cholesky
 * factorization goes by blocks of {@link OrthogonalLaunch#BLOCK} columns: the block on the diagonal
 * by a kernel of weft's own, the rows below it and the rest by cuBLAS.
 *
 * <p>Costs 4·m·n² + 2/3·n³ flop in f64. Takes n² elements for G.
 *
 * @see <a href="https://doi.org/10.1109/ScalA.2014.11">Fukaya et al. 2014</a>, CholeskyQR2
 * @see "Yamamoto, Nakatsukasa, Yanagisawa, Fukaya: Roundoff error analysis of the CholeskyQR2
 *     algorithm, ETNA 44 (2015)"
 */
public final class CholeskyQr {
  private static final int BYTES = Double.BYTES;

  private final Blas blas;
  private final OrthogonalLaunch launch;

  /** Factorizations by way of {@code blas} and {@code launch}, for one thread at a time. */
  public CholeskyQr(Blas blas, OrthogonalLaunch launch) {
    this.blas = blas;
    this.launch = launch;
  }

  /**
   * Begins to replace A by Q.
   *
   * @param a its address, read and overwritten
   * @param gram memory for n² doubles, overwritten
   * @param failed a 32-bit word that becomes 1 if it fails; else it stays
   */
  public void orthonormalize(long a, long m, long n, long gram, long failed) {
    blas.product(n, m, a, n, gram, n);
    factor(gram, n, failed);
    blas.solve(n, m, gram, n, a, n);

    blas.product(n, m, a, n, gram, n);
    launch.check(gram, n, 0.5 / n, failed);
    factor(gram, n, failed);
    blas.solve(n, m, gram, n, a, n);
  }

  /** The lower triangle of G [n, n] becomes L, G = L·Lᵀ. */
  private void factor(long gram, long n, long failed) {
    for (long j = 0; j < n; j += OrthogonalLaunch.BLOCK) {
      long width = Math.min(OrthogonalLaunch.BLOCK, n - j);
      long rest = n - j - width;
      long diagonal = gram + (j + j * n) * BYTES;
      launch.cholesky(diagonal, n, width, failed);
      if (rest > 0) {
        long below = diagonal + width * BYTES;
        blas.solveTransposed(rest, width, diagonal, n, below, n);
        blas.subtractProduct(rest, width, below, n, below + width * n * BYTES, n);
      }
    }
  }
}
