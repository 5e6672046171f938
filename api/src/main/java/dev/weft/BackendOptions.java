package dev.weft;

import dev.weft.internal.Checks;
import java.util.Objects;
import java.util.concurrent.Executor;

/**
 * How a backend is opened. Nothing here changes a result but {@code precision}.
 *
 * @param threads threads that work on one operation, the caller's among them; 0 for one per
 *     processor
 * @param executor runs the other threads' share; null for a pool of the backend's own. An executor
 *     that runs nothing, or late, costs speed alone: the caller's thread does what nobody else took
 * @param memoryLimit bytes that the backend's own tensors may take together; 0 for the default (the
 *     CPU's: nine tenths of physical memory)
 * @param vectorBits width of the CPU's vectors: 128, 256 or 512, used from the first element on; 0
 *     for the widest that there are, with scalar code until the JVM has compiled them
 * @param precision to what matrix products may round their f32 operands
 * @since 0.1
 */
public record BackendOptions(
    int threads, Executor executor, long memoryLimit, int vectorBits, Precision precision) {
  /** Every default. */
  public static final BackendOptions DEFAULT = new BackendOptions(0, null, 0, 0, Precision.F32);

  /** Checks the ranges. */
  public BackendOptions {
    if (threads < 0 || threads > 4096) {
      throw Checks.bad("open", "need 0 <= threads <= 4096", "threads", threads);
    }
    if (memoryLimit < 0) {
      throw Checks.bad("open", "need memoryLimit >= 0", "memoryLimit", memoryLimit);
    }
    if (vectorBits != 0 && vectorBits != 128 && vectorBits != 256 && vectorBits != 512) {
      throw Checks.bad("open", "need vectorBits 0, 128, 256 or 512", "vectorBits", vectorBits);
    }
    Objects.requireNonNull(precision, "precision");
  }

  /** These options with another number of threads. */
  public BackendOptions withThreads(int threads) {
    return new BackendOptions(threads, executor, memoryLimit, vectorBits, precision);
  }

  /** These options with the caller's executor. */
  public BackendOptions withExecutor(Executor executor) {
    return new BackendOptions(threads, executor, memoryLimit, vectorBits, precision);
  }

  /** These options with another limit on memory. */
  public BackendOptions withMemoryLimit(long memoryLimit) {
    return new BackendOptions(threads, executor, memoryLimit, vectorBits, precision);
  }

  /** These options with another vector width. */
  public BackendOptions withVectorBits(int vectorBits) {
    return new BackendOptions(threads, executor, memoryLimit, vectorBits, precision);
  }

  /** These options with permission to round the f32 operands of matrix products. */
  public BackendOptions withPrecision(Precision precision) {
    return new BackendOptions(threads, executor, memoryLimit, vectorBits, precision);
  }
}
