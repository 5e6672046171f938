package dev.weft;

/**
 * To what the f32 operands of matrix products may be rounded before they are multiplied. Products
 * are summed in f32 always. A permission for backends that are faster so: the CPU and products of
 * f64 use none of it.
 *
 * @since 0.1
 */
public enum Precision {
  /** Not rounded. */
  F32,
  /** To NVIDIA's TF32: 11 significant bits, the exponents of f32. */
  TF32,
  /** To bf16: 8 significant bits, the exponents of f32. */
  BF16,
  /** To f16: 11 significant bits; beyond 65504 infinite. */
  F16
}
