package dev.weft.init;

import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.random.RandomKey;

/**
 * A rule for initial weights: a function from the logical shape of a weight to a {@link Fill}. One
 * written by a user, such as {@code shape -> Fill.uniform(-limit, limit)}, runs at full speed on
 * every backend.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface Initializer {
  /**
   * The fill for a weight of this logical shape. It is asked once for the whole tensor, also when
   * only a region of it is filled.
   */
  Fill plan(Shape logical);

  /** Fills the whole of {@code out}; the same as {@code out.fill(this, key)}. */
  default void fill(Tensor out, RandomKey key) {
    out.fill(this, key);
  }
}
