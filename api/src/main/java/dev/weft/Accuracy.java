package dev.weft;

/**
 * The error bounds that weft states and its tests hold it to. Measured values are in {@code
 * docs/accuracy.md}.
 *
 * @since 0.1
 */
public final class Accuracy {
  /**
   * Largest error of a normal in units in the last place of its type, where |z| {@code >} {@link
   * #NORMAL_SMALL}.
   */
  public static final double NORMAL_ULPS = 4;

  /** Below this |z| the error of a normal is bounded by {@link #NORMAL_ABSOLUTE} alone. */
  public static final double NORMAL_SMALL = 0.01;

  /** Largest absolute error of an f32 normal or truncated normal for mean 0 and stddev 1. */
  public static final double NORMAL_ABSOLUTE = 1e-6;

  /** Largest absolute distance of an f32 normal to the one of cuRAND from the same words. */
  public static final double NORMAL_CURAND = 4e-6;

  /** Largest |QᵀQ − I| of an orthogonal fill in f32, for at least up to 4096 columns. */
  public static final double ORTHOGONAL_F32 = 1e-5;

  /**
   * Largest error of an activation in units in the last place of its type, and of its derivative in
   * those of the sum of its terms' magnitudes; where e^(−|x|) would be subnormal it is 0.
   */
  public static final double ACTIVATION_ULPS = 5;

  private Accuracy() {}

  /**
   * Largest distance of an element of an orthogonal fill of gain 1 from the exact Q of the fill's
   * normals: 8·(1 + κ) units in the last place of 1, where κ is the condition of their matrix; for
   * the 16-bit types before they are rounded. The CPU's and a GPU's Q are within it, and so within
   * twice of it of each other.
   *
   * <p>A computed Q is the exact one of a matrix A + E, where ‖E‖ is some units in the last place
   * of ‖A‖, and Q moves with A by at most √2·κ·‖E‖/‖A‖ to first order. The 8 is measured.
   *
   * @param dtype F64; or F32, F16 or BF16, which are computed from normals in f32
   * @see <a href="https://doi.org/10.1137/1.9780898718027">Higham 2002</a>, sections 19.3 and 19.9
   */
  public static double orthogonal(DType dtype, double condition) {
    return 8 * (1 + condition) * (dtype == DType.F64 ? 0x1p-52 : 0x1p-23);
  }

  /**
   * Largest absolute error of an element of {@code alpha·A·B + beta·C}: γ(K + 4) times the sum of
   * the magnitudes of its terms, where γ(n) = n·u / (1 − n·u) and u is half a unit in the last
   * place of 1. K for the chain of fused multiply-adds and the sum over blocks, 1 for alpha's own
   * rounding, 1 for its product, and 2 for beta's. Without overflow and underflow.
   *
   * @param dtype F32 or F64
   * @param k K, what is summed over
   * @param magnitude {@code |alpha|·Σ|a·b| + |beta·c|}
   * @see <a href="https://doi.org/10.1137/1.9780898718027">Higham 2002</a>, section 3.5
   */
  public static double gemm(DType dtype, long k, double magnitude) {
    double nu = (k + 4) * (dtype == DType.F64 ? 0x1p-53 : 0x1p-24);
    return nu / (1 - nu) * magnitude;
  }

  /**
   * The same for f32 where a {@link Precision} allows to round the operands, or where they are F16
   * or BF16 and a GPU's matrix units multiply them: products of rounded operands are exact, and
   * sums are in f32, but may be cut off instead of rounded. An operand changes by at most the last
   * of its significant bits, as it may be cut off too. Without overflow and underflow of the
   * rounded ones.
   *
   * @param precision what the operands are rounded to; F32 for not
   * @param k K, what is summed over
   * @param magnitude {@code |alpha|·Σ|a·b| + |beta·c|}
   */
  public static double gemm(Precision precision, long k, double magnitude) {
    double v =
        switch (precision) {
          case F32 -> 0;
          case TF32, F16 -> 0x1p-10;
          case BF16 -> 0x1p-7;
        };
    double nu = (k + 4) * 0x1p-23;
    return (2 * v + v * v + nu / (1 - nu) * (1 + v) * (1 + v)) * magnitude;
  }
}
