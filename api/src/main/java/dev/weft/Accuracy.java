package dev.weft;

/**
 * The error bounds that weft states and its tests hold it to. Measured values are in {@code
 * docs/accuracy.md}.
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

  private Accuracy() {}
}
