package dev.weft.spi;

import dev.weft.nn.Optimizer;

/** The numbers of an optimizer's step, the same for every backend; reused from step to step. */
public final class OptimizerRates {
  private Optimizer rule;
  private double step;
  private double keep;
  private double keep2;
  private double unbias;
  private double epsilon;
  private double decay;

  /** Sets those of step {@code t} of a rule, 1 for the first. */
  public void set(Optimizer rule, long t) {
    this.rule = rule;
    switch (rule) {
      case Optimizer.Sgd o -> set(o.rate(), 0, 0);
      case Optimizer.Momentum o -> set(o.rate(), o.momentum(), 0);
      case Optimizer.Nesterov o -> set(o.rate(), o.momentum(), 0);
      case Optimizer.RmsProp o -> set(o.rate(), o.rho(), o.epsilon());
      case Optimizer.Adam o -> adam(o.rate(), o.beta1(), o.beta2(), o.epsilon(), 0, t);
      case Optimizer.AdamW o ->
          adam(o.rate(), o.beta1(), o.beta2(), o.epsilon(), o.rate() * o.decay(), t);
    }
  }

  private void set(double step, double keep, double epsilon) {
    this.step = step;
    this.keep = keep;
    this.epsilon = epsilon;
  }

  private void adam(double rate, double beta1, double beta2, double epsilon, double decay, long t) {
    set(rate / (1 - power(beta1, t)), beta1, epsilon);
    keep2 = beta2;
    unbias = 1 / Math.sqrt(1 - power(beta2, t));
    this.decay = decay;
  }

  /** xᵗ by squaring: the same bits everywhere. */
  private static double power(double x, long t) {
    double power = 1;
    for (long rest = t; rest > 0; rest >>= 1) {
      power *= (rest & 1) != 0 ? x : 1;
      x *= x;
    }
    return power;
  }

  /** Whose numbers they are. */
  public Optimizer rule() {
    return rule;
  }

  /** The learning rate; of Adam, over 1 − beta1ᵗ. */
  public double step() {
    return step;
  }

  /** Momentum, beta1, or rho. */
  public double keep() {
    return keep;
  }

  /** Beta2. */
  public double keep2() {
    return keep2;
  }

  /** Of Adam, 1/√(1 − beta2ᵗ). */
  public double unbias() {
    return unbias;
  }

  /** Of Adam and RMSProp. */
  public double epsilon() {
    return epsilon;
  }

  /** Of AdamW, rate·decay. */
  public double decay() {
    return decay;
  }
}
