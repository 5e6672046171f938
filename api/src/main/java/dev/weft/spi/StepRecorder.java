package dev.weft.spi;

import dev.weft.nn.Labels;
import dev.weft.nn.Optimizer;

/**
 * Records the operations of a training step that comes again and again in the same memory, and
 * replays them: one call instead of one for every operation. One thread at a time.
 *
 * <p>What may change from step to step is where x and the target are, of which a few are kept
 * apart, the labels, and the numbers of the optimizer.
 */
public interface StepRecorder extends AutoCloseable {
  /**
   * Whether the step was recorded with these, and can be replayed.
   *
   * @param target null for labels
   */
  boolean hasRecorded(Buffer x, Buffer target);

  /**
   * Begins the step that {@link #hasRecorded} was asked for last.
   *
   * @param labels as many as when it was recorded; null for a target. They are read before this
   *     returns
   * @param rule of the kind it was recorded with
   * @param step of every update
   */
  void replay(Labels labels, Optimizer rule, long step);

  /**
   * Runs the operations, all of this engine, and may record them.
   *
   * @param labels those that the operations use; null for a target
   * @param rule the one that they use
   * @param step likewise
   */
  void run(Buffer x, Buffer target, Labels labels, Optimizer rule, long step, Runnable operations);

  /** Forgets what was recorded; the memory that it worked in may be closed from now on. */
  @Override
  void close();
}
