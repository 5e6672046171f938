package dev.weft.spi;

import dev.weft.nn.Labels;
import dev.weft.nn.Optimizer;

/**
 * Records the operations of a training step that comes again and again in the same memory, and
 * replays them: one call instead of one for every operation. One thread at a time.
 *
 * <p>What may change from step to step is where x and the target are, of which a few are kept
 * apart, the labels, and the numbers of the optimizer. An x in the host's memory may be copied to
 * the device while the step before runs.
 */
public interface StepRecorder extends AutoCloseable {
  /**
   * Whether the step was recorded with these, and can be replayed.
   *
   * @param target null for labels
   */
  boolean hasRecorded(StridedMatrix x, Buffer target);

  /**
   * Begins the step that {@link #hasRecorded} was asked for last.
   *
   * @param x the same; the host's is read before this returns, as labels are
   * @param labels as many as when it was recorded; null for a target
   * @param rule of the kind it was recorded with
   * @param step of every update
   */
  void replay(StridedMatrix x, Labels labels, Optimizer rule, long step);

  /**
   * Runs the operations, all of this engine, and may record them; {@link #hasRecorded} was asked
   * for the same step before.
   *
   * @param labels those that the operations use; null for a target
   * @param rule the one that they use
   * @param step likewise
   */
  void run(
      StridedMatrix x,
      Buffer target,
      Labels labels,
      Optimizer rule,
      long step,
      Runnable operations);

  /** Forgets what was recorded; the memory that it worked in may be closed from now on. */
  @Override
  void close();
}
