package dev.weft.nn;

import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.internal.Checks;
import dev.weft.random.RandomKey;

/**
 * A parameter and what an optimizer remembers of it, in memory of its backend. One thread at a time
 * may use it.
 *
 * @since 0.1
 */
public final class OptimizerState implements AutoCloseable {
  private static final RandomKey ANY_KEY = RandomKey.of(0);

  private final Tensor parameter;
  private final Tensor slot1;
  private final Tensor slot2;
  private Optimizer optimizer;
  private long step;

  OptimizerState(Optimizer optimizer, Tensor parameter) {
    Operands.requireFloat("optimizer", "parameter", parameter);
    Optimizers.requireIn(optimizer, parameter.dtype());
    this.optimizer = optimizer;
    this.parameter = parameter;
    slot1 = optimizer.slots() > 0 ? zeros(parameter) : null;
    try {
      slot2 = optimizer.slots() > 1 ? zeros(parameter) : null;
    } catch (Throwable e) {
      slot1.close();
      throw e;
    }
  }

  private static Tensor zeros(Tensor like) {
    Tensor tensor = like.backend().tensor(like.dtype(), like.shape());
    try {
      tensor.fill(Fill.constant(0), ANY_KEY);
    } catch (Throwable e) {
      tensor.close();
      throw e;
    }
    return tensor;
  }

  /** The parameter. */
  public Tensor parameter() {
    return parameter;
  }

  /** Steps so far. */
  public long steps() {
    return step;
  }

  /**
   * The rule of the next steps, with what is remembered as it is: another learning rate, say.
   *
   * @throws IllegalArgumentException if it is another kind of rule, or as {@link Optimizer#state}
   */
  public void optimizer(Optimizer next) {
    if (next.getClass() != optimizer.getClass()) {
      throw Checks.bad("optimizer", "need the same kind of rule", "old", optimizer, "new", next);
    }
    Optimizers.requireIn(next, parameter.dtype());
    optimizer = next;
  }

  /**
   * One step of the parameter by its gradient, which has the same shape and type.
   *
   * @throws IllegalArgumentException {@code update: need parameter and gradient of one shape, got
   *     …}, or for a type or memory that does not suit
   * @throws dev.weft.ClosedException if a tensor or its backend is closed
   */
  public void update(Tensor gradient) {
    update(gradient, null, 0);
  }

  /**
   * One step, of the gradient times min(1, clip/norm).
   *
   * @param squares what {@link dev.weft.spi.NnEngine#sumOfSquares} gave; null to clip nothing
   */
  void update(Tensor gradient, Tensor squares, double clip) {
    Operands.requireLike("update", "gradient", gradient, parameter);
    Operands.requireSameShape("update", "parameter", parameter, "gradient", gradient);
    Operands.requireApart("update", "gradient", gradient, "parameter", parameter);
    Operands.enter("update", parameter, gradient, slot1, slot2);
    try {
      Operands.enter("update", squares, null, null, null);
      try {
        Operands.engine(parameter)
            .update(
                parameter.dtype(),
                optimizer,
                step + 1,
                parameter.shape().elements(),
                Operands.buffer(parameter),
                Operands.buffer(gradient),
                Operands.buffer(slot1),
                Operands.buffer(slot2),
                Operands.buffer(squares),
                clip);
        step++;
      } finally {
        Operands.leave(squares, null, null, null);
      }
    } catch (IllegalStateException e) {
      throw Operands.cause("update", e, parameter, gradient);
    } finally {
      Operands.leave(parameter, gradient, slot1, slot2);
    }
  }

  /** The engine did the next step without {@link #update}. */
  void replayed() {
    step++;
  }

  /** The rule. */
  Optimizer optimizer() {
    return optimizer;
  }

  /** Frees what is remembered; the parameter stays. */
  @Override
  public void close() {
    Dense.closeAll(slot1, slot2);
  }
}
