package dev.weft.nn;

import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Tensor;
import dev.weft.internal.Checks;
import dev.weft.spi.StridedMatrix;

/** The checks and the call of {@link Loss}. */
final class Losses {
  private Losses() {}

  /** Throws unless the numbers of a loss keep to their ranges when they are rounded to a type. */
  static void requireIn(Loss loss, DType dtype) {
    switch (loss) {
      case Loss.SoftmaxCrossEntropy l ->
          Checks.fractionIn("loss", "smoothing", l.smoothing(), dtype);
      case Loss.Huber l -> Checks.positiveIn("loss", "delta", l.delta(), dtype);
      case Loss.SigmoidCrossEntropy l -> {}
      case Loss.MeanSquaredError l -> {}
      case Loss.MeanAbsoluteError l -> {}
    }
  }

  /** All checks of a loss of targets. */
  static void check(Loss loss, Tensor prediction, Tensor target, Tensor gradient, Tensor value) {
    check(loss, prediction, gradient, value);
    Operands.requireLike("loss", "target", target, prediction);
    Operands.requireSameShape("loss", "prediction", prediction, "target", target);
    Operands.requireApart("loss", "gradient", gradient, "target", target);
    Operands.requireApart("loss", "value", value, "target", target);
  }

  /** All checks of a loss of labels. */
  static void check(Loss loss, Tensor prediction, Labels labels, Tensor gradient, Tensor value) {
    check(loss, prediction, gradient, value);
    if (!(loss instanceof Loss.SoftmaxCrossEntropy)) {
      throw Checks.bad("loss", "need a softmax cross-entropy for labels", "loss", loss);
    }
    check(labels, Operands.rows(prediction), prediction);
    Operands.requireApart("loss", "gradient", gradient, labels);
    Operands.requireApart("loss", "value", value, labels);
  }

  private static void check(Loss loss, Tensor prediction, Tensor gradient, Tensor value) {
    Operands.requireFloat("loss", "prediction", prediction);
    requireIn(loss, prediction.dtype());
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
    Operands.requireApart("loss", "value", value, "prediction", prediction);
    Operands.requireApart("loss", "value", value, "gradient", gradient);
  }

  /** The further checks of labels, which must be one for each of {@code rows}. */
  static void check(Labels labels, StridedMatrix rows, Tensor prediction) {
    if (labels.count() != rows.rows()) {
      throw Checks.bad(
          "loss",
          "need a label for each row",
          "labels",
          labels.count(),
          "prediction",
          prediction.shape());
    }
    if (!labels.segment().scope().isAlive()) {
      throw new ClosedException(
          Checks.message("loss", "need labels in memory that is alive", "labels", labels.count()));
    }
    if (!labels.segment().isAccessibleBy(Thread.currentThread())) {
      throw new WrongThreadException(
          Checks.message(
              "loss",
              "need labels in memory of this thread",
              "thread",
              Thread.currentThread().getName()));
    }
    for (long i = 0; i < labels.count(); i++) {
      if (labels.get(i) < 0 || labels.get(i) >= rows.columns()) {
        throw Checks.bad(
            "loss",
            "need labels in [0, C)",
            "label[" + i + "]",
            labels.get(i),
            "C",
            rows.columns());
      }
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
    } catch (IllegalStateException e) {
      if (labels != null && !labels.segment().scope().isAlive()) {
        ClosedException closed =
            new ClosedException(
                Checks.message(
                    "loss", "need labels that are alive to the end", "labels", labels.count()));
        closed.initCause(e);
        throw closed;
      }
      throw Operands.cause("loss", e, prediction, target, gradient, value);
    } finally {
      Operands.leave(prediction, target, gradient, value);
    }
  }
}
