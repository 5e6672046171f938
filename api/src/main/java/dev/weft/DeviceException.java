package dev.weft;

/**
 * A device reported an error. After a fatal one its backend can do nothing more but be closed.
 *
 * @since 0.1
 */
public final class DeviceException extends WeftException {
  private static final long serialVersionUID = 1;
  private final boolean fatal;

  /** A failure with its message. */
  public DeviceException(String message, boolean fatal) {
    super(message);
    this.fatal = fatal;
  }

  /** Whether the device's memory is lost and the backend unusable. */
  public boolean isFatal() {
    return fatal;
  }
}
