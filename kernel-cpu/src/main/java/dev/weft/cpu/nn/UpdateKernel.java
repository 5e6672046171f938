package dev.weft.cpu.nn;

import dev.weft.nn.Optimizer;

/**
 * One step of an optimizer over arrays; see {@link Optimizer} for the formulas. The compiler makes
 * vectors of these loops, with the same bits: one multiplication and addition each is fused as
 * written.
 *
 * @param <A> {@code float[]} for F32, {@code double[]} for F64
 */
public interface UpdateKernel<A> {
  /**
   * Updates {@code count} parameters w, and the slots.
   *
   * @param rates the rule's numbers of this step
   * @param scale factor of the gradients
   */
  void update(Rates rates, double scale, A w, A g, A slot1, A slot2, int count);

  /** The numbers of a step; reused from step to step. */
  final class Rates {
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

    private void adam(
        double rate, double beta1, double beta2, double epsilon, double decay, long t) {
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
    Optimizer rule() {
      return rule;
    }

    /** The learning rate; of Adam, over 1 − beta1ᵗ. */
    double step() {
      return step;
    }

    /** Momentum, beta1, or rho. */
    double keep() {
      return keep;
    }

    /** Beta2. */
    double keep2() {
      return keep2;
    }

    /** Of Adam, 1/√(1 − beta2ᵗ). */
    double unbias() {
      return unbias;
    }

    /** Of Adam and RMSProp. */
    double epsilon() {
      return epsilon;
    }

    /** Of AdamW, rate·decay. */
    double decay() {
      return decay;
    }
  }
}
