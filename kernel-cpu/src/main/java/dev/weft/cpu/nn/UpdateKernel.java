package dev.weft.cpu.nn;

import dev.weft.nn.Optimizer;
import dev.weft.spi.OptimizerRates;

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
   * @param clip scales the gradients
   */
  void update(OptimizerRates rates, Clip clip, A w, A g, A slot1, A slot2, int count);
}
