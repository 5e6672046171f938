package dev.weft;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Keeps the memory of a {@linkplain Tensor#lend lent} tensor, and its backend open, until it is
 * closed: once, by any thread. A lease that is lost unclosed keeps them for ever.
 *
 * @since 0.1
 */
public final class Lease implements AutoCloseable {
  private final Tensor tensor;
  private final AtomicBoolean closed = new AtomicBoolean();

  Lease(Tensor tensor) {
    this.tensor = tensor;
  }

  /** What is lent. */
  public Tensor tensor() {
    return tensor;
  }

  /** Ends the lease. A second call does nothing. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      tensor.takeBack();
    }
  }
}
