package dev.weft.cli;

import dev.weft.internal.Checks;
import dev.weft.nn.Optimizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The optimizers of the command line, with their rates unless one is given. */
enum OptimizerRule {
  SGD(0.2),
  MOMENTUM(0.05),
  NESTEROV(0.05),
  ADAM(0.002),
  ADAMW(0.002),
  RMSPROP(0.001);

  private static final double MOMENTUM_FACTOR = 0.9;
  private static final double DECAY = 0.01;

  private final double rate;

  OptimizerRule(double rate) {
    this.rate = rate;
  }

  static OptimizerRule parse(String id) {
    List<String> ids = new ArrayList<>();
    for (OptimizerRule rule : values()) {
      if (rule.id().equals(id)) {
        return rule;
      }
      ids.add(rule.id());
    }
    throw Checks.bad("optimizer", "need one of " + String.join(", ", ids), "optimizer", id);
  }

  /** The rate unless one is given. */
  double rate() {
    return rate;
  }

  String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The optimizer of this rule; momentum is 0.9, AdamW's decay 0.01. */
  Optimizer at(double rate) {
    return switch (this) {
      case SGD -> Optimizer.sgd(rate);
      case MOMENTUM -> Optimizer.momentum(rate, MOMENTUM_FACTOR);
      case NESTEROV -> Optimizer.nesterov(rate, MOMENTUM_FACTOR);
      case ADAM -> Optimizer.adam(rate);
      case ADAMW -> Optimizer.adamW(rate, DECAY);
      case RMSPROP -> Optimizer.rmsProp(rate);
    };
  }
}
