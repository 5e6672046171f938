package dev.weft;

/**
 * Base of the failures that are not a caller's bad argument: backends, memory, devices.
 *
 * @since 0.1
 */
public class WeftException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** A failure with its message. */
  public WeftException(String message) {
    super(message);
  }

  /** A failure with its message and cause. */
  public WeftException(String message, Throwable cause) {
    super(message, cause);
  }
}
