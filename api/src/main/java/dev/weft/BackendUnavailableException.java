package dev.weft;

/**
 * A backend that was named cannot run here; the message holds the reason and the remedy.
 *
 * @since 0.1
 */
public final class BackendUnavailableException extends WeftException {
  private static final long serialVersionUID = 1;

  /** A failure with its message. */
  public BackendUnavailableException(String message) {
    super(message);
  }

  /** A failure with its message and cause. */
  public BackendUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
