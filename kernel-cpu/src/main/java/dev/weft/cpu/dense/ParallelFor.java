package dev.weft.cpu.dense;

import java.util.function.LongConsumer;

/** Runs the independent parts of an operation, on several threads or on one. */
@FunctionalInterface
public interface ParallelFor {
  /** Calls {@code body} once for every {@code 0 <= i < count} and returns when all are done. */
  void run(long count, LongConsumer body);
}
