package dev.weft;

import dev.weft.internal.Checks;

/**
 * A tensor does not fit in the backend's memory or its limit.
 *
 * @since 0.1
 */
public final class MemoryLimitException extends WeftException {
  private static final long serialVersionUID = 1;
  private final long requestedBytes;
  private final long freeBytes;

  /** {@code op: rule, got requestedBytes=…, freeBytes=…}. */
  public MemoryLimitException(String op, String rule, long requestedBytes, long freeBytes) {
    super(Checks.message(op, rule, "requestedBytes", requestedBytes, "freeBytes", freeBytes));
    this.requestedBytes = requestedBytes;
    this.freeBytes = freeBytes;
  }

  /** Bytes asked for. */
  public long requestedBytes() {
    return requestedBytes;
  }

  /** Bytes that were free. */
  public long freeBytes() {
    return freeBytes;
  }
}
