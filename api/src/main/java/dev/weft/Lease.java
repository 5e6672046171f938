package dev.weft;

/**
 * Keeps the memory of a {@linkplain Tensor#lend lent} tensor, and its backend open, until it is
 * closed: once, by any thread. A lease that is lost unclosed keeps them for ever.
 *
 * @since 0.1
 */
public final class Lease implements AutoCloseable {
  private final Tensor tensor;
  private boolean dropped; // the memory is not held any more
  private boolean closed;

  /** Of nothing until the tensor lends its memory. */
  Lease(Tensor tensor) {
    this.tensor = tensor;
  }

  /** What is lent. */
  public Tensor tensor() {
    return tensor;
  }

  /**
   * Ends the lease. A second call does nothing.
   *
   * @throws IllegalStateException {@code close: need memory that no other code is using, got …} if
   *     the tensor is closed, and other code still uses its segment, as a write to a channel does;
   *     the lease then goes on, and may be closed again
   */
  @Override
  public synchronized void close() {
    if (!dropped) {
      tensor.drop();
      dropped = true;
    }
    if (!closed) {
      tensor.backend().leave();
      closed = true;
    }
  }

  /** Ends the lease, now or when others let it. */
  void closeLater() {
    try {
      close();
    } catch (IllegalStateException e) {
      tensor.backend().later(this::closeLater);
    }
  }
}
