package dev.weft.init;

import dev.weft.Shape;
import dev.weft.internal.Checks;
import java.util.Objects;

/**
 * Weights of variance gain²·s/n, where n is a fan of the weight: Glorot, He, LeCun and their kin.
 *
 * <ul>
 *   <li>uniform: U[−L, L), L = gain·√(3s/n)
 *   <li>untruncated normal: σ = gain·√(s/n)
 *   <li>truncated normal: N(0, σ′²) cut at ±2σ′, σ′ = gain·√(s/n) / 0.87962566103423978
 * </ul>
 *
 * @param scale s, finite and {@code > 0}
 * @param mode which fan n is
 * @param distribution what is drawn
 * @param layout where the fans are in the shape
 * @param gain factor on the standard deviation, finite and {@code > 0}
 * @see <a href="https://proceedings.mlr.press/v9/glorot10a.html">Glorot and Bengio 2010</a>
 * @see <a href="https://arxiv.org/abs/1502.01852">He, Zhang, Ren, Sun 2015</a>
 * @since 0.1
 */
public record VarianceScaling(
    double scale, FanMode mode, Distribution distribution, Layout layout, double gain)
    implements Initializer {
  /** Standard deviation of N(0, 1) cut at ±2. */
  public static final double TRUNCATED_STDDEV = 0.87962566103423978;

  /** Checks the parameters. */
  public VarianceScaling {
    if (!(scale > 0 && scale <= Double.MAX_VALUE)) {
      throw Checks.bad("variance_scaling", "need finite scale > 0", "scale", scale);
    }
    if (!(gain > 0 && gain <= Double.MAX_VALUE)) {
      throw Checks.bad("variance_scaling", "need finite gain > 0", "gain", gain);
    }
    Objects.requireNonNull(mode, "mode");
    Objects.requireNonNull(distribution, "distribution");
    Objects.requireNonNull(layout, "layout");
  }

  /** This scheme for weights of another layout. */
  public VarianceScaling withLayout(Layout layout) {
    return new VarianceScaling(scale, mode, distribution, layout, gain);
  }

  /** This scheme with another fan. */
  public VarianceScaling withMode(FanMode mode) {
    return new VarianceScaling(scale, mode, distribution, layout, gain);
  }

  /** This scheme with another gain. */
  public VarianceScaling withGain(double gain) {
    return new VarianceScaling(scale, mode, distribution, layout, gain);
  }

  /** This scheme with its normals truncated (KERAS) or not (TORCH); a uniform stays as it is. */
  public VarianceScaling withSemantics(Semantics semantics) {
    if (distribution == Distribution.UNIFORM) {
      return this;
    }
    Distribution normal =
        semantics == Semantics.KERAS
            ? Distribution.TRUNCATED_NORMAL
            : Distribution.UNTRUNCATED_NORMAL;
    return new VarianceScaling(scale, mode, normal, layout, gain);
  }

  @Override
  public Fill plan(Shape logical) {
    double n = Fans.of(logical, layout).divisor(mode);
    return switch (distribution) {
      case UNIFORM -> {
        double limit = gain * root(3, scale, n);
        yield Fill.uniform(-limit, limit);
      }
      case UNTRUNCATED_NORMAL -> Fill.normal(0, gain * root(1, scale, n));
      case TRUNCATED_NORMAL ->
          Fill.truncatedNormalSigma(0, gain * root(1, scale, n) / TRUNCATED_STDDEV, -2, 2);
    };
  }

  /** √(factor·scale/n), also where the quotient overflows or underflows. */
  private static double root(double factor, double scale, double n) {
    double quotient = factor * scale / n;
    return quotient >= Double.MIN_NORMAL && quotient <= Double.MAX_VALUE
        ? Math.sqrt(quotient)
        : Math.sqrt(factor) * (Math.sqrt(scale) / Math.sqrt(n));
  }
}
