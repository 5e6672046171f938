package dev.weft.interop;

/**
 * Told how far an operation on files has come; called now and then, by one thread at a time, which
 * need not be the caller's; must return soon and not throw.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface Progress {
  /** Hears nothing. */
  Progress NONE = (tensors, bytes) -> {};

  /**
   * The state of the work.
   *
   * @param tensors tensors that are done
   * @param bytes bytes that are done, of all tensors together
   */
  void update(long tensors, long bytes);
}
