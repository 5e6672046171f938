package dev.weft.nn;

import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.internal.Checks;

/**
 * How far predictions are from their targets: a mean over the batch, and its gradient in the same
 * pass.
 *
 * <table>
 * <caption>Operands, all F32 or all F64</caption>
 * <tr><th>tensor</th><th>shape</th><th>use</th></tr>
 * <tr><td>prediction</td><td>[…, C]; B is the product of the other dimensions</td><td>read</td></tr>
 * <tr><td>target</td><td>[…, C], or {@link Labels} of B classes</td><td>read</td></tr>
 * <tr><td>gradient</td><td>[…, C]</td><td>overwritten; may be null, or prediction</td></tr>
 * </table>
 *
 * <p>The value is summed in f64 in an order that depends on the shape alone; a row of a gradient
 * depends on its own row, and B, alone. The loss of an empty batch is 0.
 *
 * <p>Infinities give limits: 0·∞ is 0 where a probability of the target is 0, so that a logit of −∞
 * costs nothing there, and ∞ where it is not. A NaN in a row gives NaN, and so does a row of logits
 * that has no softmax: one with +∞, or of −∞ alone. An infinite prediction is infinitely far from a
 * finite target; ∞ − ∞ is NaN. A logarithm is of the exponentials of differences from the largest
 * logit, so that finite logits of any size give the right loss, which is ∞ only where it is beyond
 * f64.
 *
 * @since 0.1
 */
public sealed interface Loss {
  /**
   * −Σⱼ qⱼ·ln pⱼ with p = softmax(prediction), the mean over rows: prediction holds logits. q is
   * the target, or 1 for the label and 0 for others, mixed with the uniform distribution: q·(1 − s)
   * + s/C. The gradient is (p·Σq − q)/B.
   *
   * @param smoothing s in [0, 1), also when it is rounded to the type of the prediction
   * @see <a href="https://doi.org/10.1109/CVPR.2016.308">Szegedy et al. 2016</a>, label smoothing
   */
  record SoftmaxCrossEntropy(double smoothing) implements Loss {
    /** Checks the range. */
    public SoftmaxCrossEntropy {
      if (!(smoothing >= 0 && smoothing < 1)) {
        throw Checks.bad("loss", "need 0 <= smoothing < 1", "smoothing", smoothing);
      }
    }
  }

  /**
   * −t·ln σ(x) − (1 − t)·ln(1 − σ(x)) = ln(1 + eˣ) − t·x, the mean over elements: prediction holds
   * logits. The gradient is (σ(x) − t)/(B·C). At x = ∞ and −∞ it is (1 − t)·∞ and t·∞, with 0·∞ =
   * 0.
   */
  record SigmoidCrossEntropy() implements Loss {}

  /** (x − t)², the mean over elements; gradient 2(x − t)/(B·C). */
  record MeanSquaredError() implements Loss {}

  /** |x − t|, the mean over elements; gradient sign(x − t)/(B·C), 0 for x = t. */
  record MeanAbsoluteError() implements Loss {}

  /**
   * ½(x − t)² where |x − t| ≤ delta, else delta·(|x − t| − ½·delta), the mean over elements.
   *
   * @param delta positive and finite, also when it is rounded to the type of the prediction
   */
  record Huber(double delta) implements Loss {
    /** Checks the range. */
    public Huber {
      if (!(delta > 0 && delta <= Double.MAX_VALUE)) {
        throw Checks.bad("loss", "need finite delta > 0", "delta", delta);
      }
    }
  }

  /** {@link SoftmaxCrossEntropy} without smoothing. */
  static Loss softmaxCrossEntropy() {
    return new SoftmaxCrossEntropy(0);
  }

  /** {@link SoftmaxCrossEntropy} with smoothing. */
  static Loss softmaxCrossEntropy(double smoothing) {
    return new SoftmaxCrossEntropy(smoothing);
  }

  /** {@link SigmoidCrossEntropy}. */
  static Loss sigmoidCrossEntropy() {
    return new SigmoidCrossEntropy();
  }

  /** {@link MeanSquaredError}. */
  static Loss meanSquaredError() {
    return new MeanSquaredError();
  }

  /** {@link MeanAbsoluteError}. */
  static Loss meanAbsoluteError() {
    return new MeanAbsoluteError();
  }

  /** {@link Huber}. */
  static Loss huber(double delta) {
    return new Huber(delta);
  }

  /**
   * The loss, and its gradient; see {@link #gradient(Tensor, Tensor, Tensor, Tensor)}.
   *
   * @return the value, once it is known
   */
  default double gradient(Tensor prediction, Tensor target, Tensor gradient) {
    try (Tensor value = prediction.backend().tensor(DType.F64, Shape.of(1))) {
      gradient(prediction, target, gradient, value);
      return value.get(0);
    }
  }

  /**
   * The loss, and its gradient; see {@link #gradient(Tensor, Labels, Tensor, Tensor)}.
   *
   * @return the value, once it is known
   */
  default double gradient(Tensor prediction, Labels labels, Tensor gradient) {
    try (Tensor value = prediction.backend().tensor(DType.F64, Shape.of(1))) {
      gradient(prediction, labels, gradient, value);
      return value.get(0);
    }
  }

  /**
   * The loss, written to {@code value}, F64 of one element, and its gradient.
   *
   * @throws IllegalArgumentException {@code loss: need prediction and target of one shape, got …},
   *     {@code loss: need finite delta > 0 in f32, got delta=…}, or for types or memory that do not
   *     suit
   * @throws dev.weft.ClosedException if a tensor or its backend is closed
   */
  default void gradient(Tensor prediction, Tensor target, Tensor gradient, Tensor value) {
    Losses.check(this, prediction, target, gradient, value);
    Losses.run(this, prediction, null, target, gradient, value);
  }

  /**
   * The loss of labels, for {@link SoftmaxCrossEntropy}, written to {@code value}, F64 of one
   * element, and its gradient.
   *
   * @throws IllegalArgumentException {@code loss: need labels in [0, C), got …}, {@code loss: need
   *     a label for each row, got …}, or as with a target
   * @throws dev.weft.ClosedException if a tensor, its backend or the labels' memory is closed
   * @throws WrongThreadException if memory, also the labels', belongs to another thread
   */
  default void gradient(Tensor prediction, Labels labels, Tensor gradient, Tensor value) {
    Losses.check(this, prediction, labels, gradient, value);
    Losses.run(this, prediction, labels, null, gradient, value);
  }
}
