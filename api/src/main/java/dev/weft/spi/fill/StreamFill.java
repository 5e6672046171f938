package dev.weft.spi.fill;

import dev.weft.DType;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;

/**
 * A fill from the random stream with everything that its kernels need, computed once: element i
 * depends on this and i alone.
 *
 * <p>For F32, F16 and BF16 the value is computed in f32, {@code fma(z, (float) scale, (float)
 * shift)}, then kept within [{@code least}, {@code most}] (both values of the target type) and, for
 * the 16-bit types, rounded once; for F64 the same in f64. z is k·2⁻²⁴ (2⁻⁵³), the normal, or the
 * truncated normal of the element's words.
 *
 * @param kind what z is
 * @param dtype type written
 * @param seed the Philox key, low word first
 * @param subsequenceBits 16 in CURAND order, 0 in SEQUENTIAL order
 * @param scale factor of z
 * @param shift addend
 * @param least no element lies below it
 * @param most no element lies above it
 * @param truncated32 constants of a truncated z in f32; null for other kinds and for F64
 * @param truncated64 constants of a truncated z in f64; null for other kinds and types
 */
public record StreamFill(
    Kind kind,
    DType dtype,
    long seed,
    int subsequenceBits,
    double scale,
    double shift,
    double least,
    double most,
    TruncatedNormalPlanF32 truncated32,
    TruncatedNormalPlanF64 truncated64) {

  /** What an element's words become before scale and shift. */
  public enum Kind {
    /**
     * The words themselves: word i, the upper half of word i (16 bits), words 2i and 2i + 1 (64
     * bits).
     */
    BITS,
    /** k·2⁻²⁴ of word i, or k·2⁻⁵³ of words 2i and 2i + 1. */
    UNIFORM,
    /** Box–Muller on the word pair of elements 2j and 2j + 1. */
    NORMAL,
    /** Inverse distribution function of word i, or of words 2i and 2i + 1. */
    TRUNCATED_NORMAL
  }

  /**
   * The plan of the random part of any fill; null if there is none or if it is not drawn element by
   * element. A custom fill's part is its words, that of a sparse one the normal under its zeros.
   */
  public static StreamFill of(Fill fill, DType dtype, RandomKey key) {
    return switch (fill) {
      case Fill.Bits f -> bits(dtype, key);
      case Fill.Custom f -> bits(DType.F32, key);
      case Fill.Uniform f -> of(f, dtype, key);
      case Fill.Normal f -> of(f, dtype, key);
      case Fill.TruncatedNormal f -> of(f, dtype, key);
      case Fill.Sparse f -> of(new Fill.Normal(0, f.stddev()), dtype, key);
      case Fill.Constant f -> null;
      case Fill.Identity f -> null;
      case Fill.Dirac f -> null;
      case Fill.Orthogonal f -> null;
      case Fill.DeltaOrthogonal f -> null;
    };
  }

  /** The plan of {@link Fill.Bits}. */
  public static StreamFill bits(DType dtype, RandomKey key) {
    return of(Kind.BITS, dtype, key, 1, 0, -dtype.maxValue(), dtype.maxValue());
  }

  /** The plan of a uniform fill. */
  public static StreamFill of(Fill.Uniform fill, DType dtype, RandomKey key) {
    return of(
        Kind.UNIFORM,
        dtype,
        key,
        fill.hi() - fill.lo(),
        fill.lo(),
        dtype.ceil(fill.lo()),
        dtype.below(fill.hi()));
  }

  /** The plan of a normal fill. */
  public static StreamFill of(Fill.Normal fill, DType dtype, RandomKey key) {
    return of(
        Kind.NORMAL, dtype, key, fill.stddev(), fill.mean(), -dtype.maxValue(), dtype.maxValue());
  }

  /** The plan of a truncated normal fill. */
  public static StreamFill of(Fill.TruncatedNormal fill, DType dtype, RandomKey key) {
    return new StreamFill(
        Kind.TRUNCATED_NORMAL,
        dtype,
        key.seed(),
        key.order().subsequenceBits(),
        fill.stddev(),
        fill.mean(),
        Math.max(dtype.ceil(fill.min()), -dtype.maxValue()),
        Math.min(dtype.floor(fill.max()), dtype.maxValue()),
        dtype == DType.F64 ? null : TruncatedNormalPlanF32.of(fill.lowerSigma(), fill.upperSigma()),
        dtype == DType.F64
            ? TruncatedNormalPlanF64.of(fill.lowerSigma(), fill.upperSigma())
            : null);
  }

  private static StreamFill of(
      Kind kind,
      DType dtype,
      RandomKey key,
      double scale,
      double shift,
      double least,
      double most) {
    return new StreamFill(
        kind,
        dtype,
        key.seed(),
        key.order().subsequenceBits(),
        scale,
        shift,
        least,
        most,
        null,
        null);
  }
}
