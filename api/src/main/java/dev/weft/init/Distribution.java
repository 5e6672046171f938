package dev.weft.init;

/**
 * What a variance-scaling scheme draws from; each has variance s/n.
 *
 * @since 0.1
 */
public enum Distribution {
  /** N(0, σ′²) cut at ±2σ′, σ′ = √(s/n) / 0.87962566103423978. */
  TRUNCATED_NORMAL,
  /** N(0, s/n). */
  UNTRUNCATED_NORMAL,
  /** U[−L, L), L = √(3s/n). */
  UNIFORM
}
