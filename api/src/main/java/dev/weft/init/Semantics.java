package dev.weft.init;

/**
 * Whose definition of a named scheme holds where the peers differ.
 *
 * @since 0.1
 */
public enum Semantics {
  /** Normals are truncated at ±2σ and rescaled to the wanted variance, as in Keras and JAX. */
  KERAS,
  /** Normals are not truncated, as in PyTorch. */
  TORCH
}
