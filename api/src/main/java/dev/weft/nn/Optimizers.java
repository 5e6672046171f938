package dev.weft.nn;

import dev.weft.internal.Checks;

/** The checks of {@link Optimizer}. */
final class Optimizers {
  private Optimizers() {}

  static void requireFraction(String name, double value) {
    if (!(value >= 0 && value < 1)) {
      throw Checks.bad("optimizer", "need 0 <= " + name + " < 1", name, value);
    }
  }
}
