package dev.weft.nn;

import dev.weft.DType;
import dev.weft.Tensor;
import dev.weft.internal.Checks;

/** The checks and the call of {@link Loss}. */
final class Losses {
  private Losses() {}

  static void check(Tensor prediction, Tensor gradient, Tensor value) {
    Operands.requireFloat("loss", "prediction", prediction);
    if (prediction.shape().rank() == 0) {
      throw Checks.bad("loss", "need at least one dimension", "prediction", prediction.shape());
    }
    if (gradient != null) {
      Operands.requireLike("loss", "gradient", gradient, prediction);
      Operands.requireSameShape("loss", "prediction", prediction, "gradient", gradient);
      Operands.requireApartOrSame("loss", "gradient", gradient, "prediction", prediction);
    }
    Operands.requireOf("loss", "value", value, prediction.backend(), DType.F64);
    if (value.shape().elements() != 1) {
      throw Checks.bad("loss", "need a value of one element", "value", value.shape());
    }
  }

  static void run(
      Loss loss, Tensor prediction, Labels labels, Tensor target, Tensor gradient, Tensor value) {
    Operands.enter("loss", prediction, target, gradient, value);
    try {
      Operands.engine(prediction)
          .loss(
              prediction.dtype(),
              loss,
              Operands.rows(prediction),
              labels,
              Operands.rows(target),
              Operands.rows(gradient),
              Operands.buffer(value));
    } finally {
      Operands.leave(prediction, target, gradient, value);
    }
  }
}
