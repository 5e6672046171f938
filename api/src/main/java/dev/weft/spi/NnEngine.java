package dev.weft.spi;

import dev.weft.DType;
import dev.weft.nn.Activation;
import dev.weft.nn.Labels;
import dev.weft.nn.Loss;
import dev.weft.nn.Optimizer;
import dev.weft.nn.Write;

/**
 * The operations of layers and training. All matrices are row-major without gaps, of one type, F32
 * or F64; arguments are checked before they come here.
 */
public interface NnEngine {
  /** Length of what {@link #sumOfSquares} writes. */
  int SQUARES = 3;

  /**
   * What the elements are multiplied by in the second sum, which stands in where Σ x² overflows.
   */
  double SHRINK = 0x1p-600;

  /** The same of the third, which stands in where Σ x² is below {@link #LEAST_SQUARES}. */
  double GROW = 0x1p600;

  /** Above it no square that matters has lost bits to underflow. */
  double LEAST_SQUARES = 0x1p-900;

  /**
   * {@code y = f(x·w + b) + residual}; see {@link dev.weft.nn.Dense#forward}.
   *
   * @param x [B, I]
   * @param w [I, O]
   * @param bias [O], or null for none
   * @param z [B, O], set to {@code x·w + b}; or null. Never for a function of rows
   * @param residual [B, O], or null for none
   * @param y [B, O]; no part of another operand
   */
  void dense(
      DType dtype,
      StridedMatrix x,
      StridedMatrix w,
      Buffer bias,
      Activation f,
      StridedMatrix z,
      StridedMatrix residual,
      StridedMatrix y);

  /** {@code y = f(x)}, element by element or row by row; y may be x. */
  void activate(DType dtype, Activation f, StridedMatrix x, StridedMatrix y);

  /**
   * {@code dz = dy·f'(z)} and the sums of dz's columns; see {@link
   * dev.weft.nn.Activation#backward}. The order of a sum is that of {@link dev.weft.Backend#gemm}
   * with a row of ones.
   *
   * @param saved z, or y, as {@link dev.weft.nn.Activation.Kind#derivativeOfInput} says
   * @param dz may be dy
   * @param db [O], or null for none
   * @param write what becomes of db's old values
   */
  void activationGradient(
      DType dtype,
      Activation f,
      StridedMatrix saved,
      StridedMatrix dy,
      StridedMatrix dz,
      Buffer db,
      Write write);

  /**
   * The mean loss and its gradient; see {@link Loss}.
   *
   * @param prediction [B, C]
   * @param labels B classes, or null
   * @param target [B, C], or null: one of the two is given
   * @param gradient [B, C], may be {@code prediction}; or null for none
   * @param value F64 [1]
   */
  void loss(
      DType dtype,
      Loss loss,
      StridedMatrix prediction,
      Labels labels,
      StridedMatrix target,
      StridedMatrix gradient,
      Buffer value);

  /**
   * {@code sum[0] = Σ x²}, or that added to it, in f64; for F64 also {@code sum[1] = Σ (x·}{@link
   * #SHRINK}{@code )²} and {@code sum[2] = Σ (x·}{@link #GROW}{@code )²}, since f64 does not hold
   * the squares of all of its numbers.
   *
   * @param sum F64 [{@link #SQUARES}]; of F32 only the first is read and written
   */
  void sumOfSquares(DType dtype, long count, Buffer x, Write write, Buffer sum);

  /**
   * One step of an optimizer on {@code count} parameters; see {@link Optimizer}.
   *
   * @param step 1 for the first
   * @param slot1 the optimizer's first state, or null if it has none
   * @param slot2 its second
   * @param squares the {@link #sumOfSquares} of all gradients; null to clip nothing
   * @param clip the largest norm
   */
  void update(
      DType dtype,
      Optimizer optimizer,
      long step,
      long count,
      Buffer parameters,
      Buffer gradients,
      Buffer slot1,
      Buffer slot2,
      Buffer squares,
      double clip);

  /** What records training steps of this engine; null if it would gain nothing. */
  default StepRecorder stepRecorder() {
    return null;
  }
}
