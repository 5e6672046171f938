package dev.weft;

/**
 * A tensor or backend was used after it was closed; the message names it.
 *
 * @since 0.1
 */
public final class ClosedException extends IllegalStateException {
  private static final long serialVersionUID = 1;

  /** A failure with its message. */
  public ClosedException(String message) {
    super(message);
  }
}
