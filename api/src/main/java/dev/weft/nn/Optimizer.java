package dev.weft.nn;

import dev.weft.Tensor;
import dev.weft.internal.Checks;

/**
 * A rule that moves parameters w against their gradients g, element by element in one pass. It is
 * plain data; what it remembers of a parameter is in an {@link OptimizerState}. t counts the steps
 * from 1; every operation is rounded to the parameters' type.
 *
 * <p>A rule's numbers are rounded to that type, too, and must keep to their ranges there: {@link
 * #state}, {@link OptimizerState#optimizer} and {@link Mlp.Builder#build} refuse an epsilon that is
 * 0 in f32, a rate that is infinite or a momentum that is 1. g² is of the same type: in f32 it
 * overflows beyond |g| = 1.8e19, after which Adam and RMSProp no longer move that parameter; {@link
 * Mlp.Builder#clipNorm} keeps gradients below.
 *
 * @since 0.1
 */
public sealed interface Optimizer {
  /** The learning rate. */
  double rate();

  /** How many tensors it remembers for each parameter: 0, 1 or 2. */
  int slots();

  /**
   * w −= rate·g.
   *
   * @param rate finite, at least 0
   */
  record Sgd(double rate) implements Optimizer {
    /** Checks the range. */
    public Sgd {
      Checks.nonNegative("optimizer", "rate", rate);
    }

    @Override
    public int slots() {
      return 0;
    }
  }

  /**
   * v = momentum·v + g; w −= rate·v. v is 0 at first.
   *
   * @param rate finite, at least 0
   * @param momentum in [0, 1)
   */
  record Momentum(double rate, double momentum) implements Optimizer {
    /** Checks the ranges. */
    public Momentum {
      Checks.nonNegative("optimizer", "rate", rate);
      Optimizers.requireFraction("momentum", momentum);
    }

    @Override
    public int slots() {
      return 1;
    }
  }

  /**
   * v = momentum·v + g; w −= rate·(g + momentum·v). v is 0 at first.
   *
   * @param rate finite, at least 0
   * @param momentum in [0, 1)
   * @see <a href="https://proceedings.mlr.press/v28/sutskever13.html">Sutskever et al. 2013</a>
   */
  record Nesterov(double rate, double momentum) implements Optimizer {
    /** Checks the ranges. */
    public Nesterov {
      Checks.nonNegative("optimizer", "rate", rate);
      Optimizers.requireFraction("momentum", momentum);
    }

    @Override
    public int slots() {
      return 1;
    }
  }

  /**
   * m = beta1·m + (1 − beta1)·g; v = beta2·v + (1 − beta2)·g²; w −= rate·m̂/(√v̂ + epsilon), where
   * m̂ = m/(1 − beta1ᵗ) and v̂ = v/(1 − beta2ᵗ). m and v are 0 at first.
   *
   * @param rate finite, at least 0
   * @param beta1 in [0, 1)
   * @param beta2 in [0, 1)
   * @param epsilon finite and positive: a parameter whose gradient is 0 then stays as it is
   * @see <a href="https://arxiv.org/abs/1412.6980">Kingma and Ba 2015</a>
   */
  record Adam(double rate, double beta1, double beta2, double epsilon) implements Optimizer {
    /** Checks the ranges. */
    public Adam {
      Checks.nonNegative("optimizer", "rate", rate);
      Optimizers.requireFraction("beta1", beta1);
      Optimizers.requireFraction("beta2", beta2);
      Optimizers.requireEpsilon(epsilon);
    }

    @Override
    public int slots() {
      return 2;
    }
  }

  /**
   * w −= rate·decay·w, then as {@link Adam}.
   *
   * @param rate finite, at least 0
   * @param beta1 in [0, 1)
   * @param beta2 in [0, 1)
   * @param epsilon finite and positive: a parameter whose gradient is 0 then stays as it is
   * @param decay finite, at least 0
   * @see <a href="https://arxiv.org/abs/1711.05101">Loshchilov and Hutter 2019</a>
   */
  record AdamW(double rate, double beta1, double beta2, double epsilon, double decay)
      implements Optimizer {
    /** Checks the ranges. */
    public AdamW {
      Checks.nonNegative("optimizer", "rate", rate);
      Optimizers.requireFraction("beta1", beta1);
      Optimizers.requireFraction("beta2", beta2);
      Optimizers.requireEpsilon(epsilon);
      Checks.nonNegative("optimizer", "decay", decay);
    }

    @Override
    public int slots() {
      return 2;
    }
  }

  /**
   * v = rho·v + (1 − rho)·g²; w −= rate·g/(√v + epsilon). v is 0 at first.
   *
   * @param rate finite, at least 0
   * @param rho in [0, 1)
   * @param epsilon finite and positive: a parameter whose gradient is 0 then stays as it is
   * @see <a
   *     href="https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf">Tieleman
   *     and Hinton 2012</a>, lecture 6
   */
  record RmsProp(double rate, double rho, double epsilon) implements Optimizer {
    /** Checks the ranges. */
    public RmsProp {
      Checks.nonNegative("optimizer", "rate", rate);
      Optimizers.requireFraction("rho", rho);
      Optimizers.requireEpsilon(epsilon);
    }

    @Override
    public int slots() {
      return 1;
    }
  }

  /** {@link Sgd}. */
  static Optimizer sgd(double rate) {
    return new Sgd(rate);
  }

  /** {@link Momentum}. */
  static Optimizer momentum(double rate, double momentum) {
    return new Momentum(rate, momentum);
  }

  /** {@link Nesterov}. */
  static Optimizer nesterov(double rate, double momentum) {
    return new Nesterov(rate, momentum);
  }

  /** {@link Adam} with beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8. */
  static Optimizer adam(double rate) {
    return new Adam(rate, 0.9, 0.999, 1e-8);
  }

  /** {@link AdamW} with beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8. */
  static Optimizer adamW(double rate, double decay) {
    return new AdamW(rate, 0.9, 0.999, 1e-8, decay);
  }

  /** {@link RmsProp} with rho = 0.9, epsilon = 1e-8. */
  static Optimizer rmsProp(double rate) {
    return new RmsProp(rate, 0.9, 1e-8);
  }

  /**
   * What this optimizer has to remember of {@code parameter}, which is F32 or F64.
   *
   * @throws IllegalArgumentException {@code optimizer: need f32 or f64, got parameter=…}, or {@code
   *     optimizer: need finite epsilon > 0 in f32, got epsilon=…} and the like for a number that is
   *     out of its range when it is rounded to the parameter's type
   * @throws dev.weft.MemoryLimitException if it does not fit
   */
  default OptimizerState state(Tensor parameter) {
    return new OptimizerState(this, parameter);
  }
}
