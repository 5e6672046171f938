package dev.weft.nn;

import dev.weft.DType;
import dev.weft.internal.Checks;

/** The checks of {@link Optimizer}. */
final class Optimizers {
  private static final String OP = "optimizer";

  private Optimizers() {}

  static void requireFraction(String name, double value) {
    if (!(value >= 0 && value < 1)) {
      throw Checks.bad(OP, "need 0 <= " + name + " < 1", name, value);
    }
  }

  static void requireEpsilon(double epsilon) {
    if (!(epsilon > 0 && epsilon <= Double.MAX_VALUE)) {
      throw Checks.bad(OP, "need finite epsilon > 0", "epsilon", epsilon);
    }
  }

  /** Throws unless all numbers of a rule keep to their ranges when they are rounded to a type. */
  static void requireIn(Optimizer rule, DType dtype) {
    Checks.nonNegativeIn(OP, "rate", rule.rate(), dtype);
    switch (rule) {
      case Optimizer.Sgd o -> {}
      case Optimizer.Momentum o -> Checks.fractionIn(OP, "momentum", o.momentum(), dtype);
      case Optimizer.Nesterov o -> Checks.fractionIn(OP, "momentum", o.momentum(), dtype);
      case Optimizer.RmsProp o -> {
        Checks.fractionIn(OP, "rho", o.rho(), dtype);
        Checks.positiveIn(OP, "epsilon", o.epsilon(), dtype);
      }
      case Optimizer.Adam o -> requireAdam(o.rate(), o.beta1(), o.beta2(), o.epsilon(), dtype);
      case Optimizer.AdamW o -> {
        requireAdam(o.rate(), o.beta1(), o.beta2(), o.epsilon(), dtype);
        Checks.nonNegativeIn(OP, "decay", o.decay(), dtype);
        requireFinite("rate·decay", o.rate() * o.decay(), "decay", o.decay(), o.rate(), dtype);
      }
    }
  }

  private static void requireAdam(
      double rate, double beta1, double beta2, double epsilon, DType dtype) {
    Checks.fractionIn(OP, "beta1", beta1, dtype);
    Checks.fractionIn(OP, "beta2", beta2, dtype);
    Checks.positiveIn(OP, "epsilon", epsilon, dtype);
    requireFinite("rate/(1 − beta1)", rate / (1 - beta1), "beta1", beta1, rate, dtype);
  }

  /** The first step's rate and the decay are products, which may be larger than their factors. */
  private static void requireFinite(
      String formula, double value, String name, double other, double rate, DType dtype) {
    if (!(dtype.nearest(value) <= dtype.maxValue())) {
      throw Checks.bad(
          OP, "need finite " + formula + " in " + dtype.id(), "rate", rate, name, other);
    }
  }
}
