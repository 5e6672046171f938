package dev.weft.bench;

import dev.weft.init.Fill;
import dev.weft.init.Initializer;
import dev.weft.init.Initializers;
import dev.weft.init.Layout;

/** Initializers as benchmark parameters write them. */
final class Distributions {
  private Distributions() {}

  /**
   * The initializer called {@code name}, with the parameters that show its usual path: U[0, 1),
   * N(0, 1), N(0, 1) cut at ±2, a constant other than 0.
   *
   * @throws IllegalArgumentException if none is called so
   */
  static Initializer named(String name) {
    return switch (name) {
      case "constant" -> Initializers.constant(0.5);
      case "bits" -> Initializers.bits();
      case "uniform" -> Initializers.uniform(0, 1);
      case "normal" -> Initializers.normal(0, 1);
      case "truncated_normal" -> Initializers.truncatedNormal(0, 1);
      case "glorot_uniform" -> Initializers.glorotUniform();
      case "he_normal" -> Initializers.heNormal();
      case "identity" -> Initializers.identity(1);
      case "sparse" -> shape -> Fill.sparse(0.5, 1);
      case "orthogonal" -> Initializers.orthogonal(1, Layout.KERAS);
      default ->
          throw new IllegalArgumentException(
              "benchmark: need constant, bits, uniform, normal, truncated_normal, glorot_uniform,"
                  + " he_normal, identity, sparse or orthogonal, got distribution="
                  + name);
    };
  }
}
