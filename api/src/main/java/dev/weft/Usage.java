package dev.weft;

import java.util.concurrent.atomic.AtomicInteger;

/** Counts the operations that run on something, so that it is never closed under one of them. */
final class Usage {
  private static final int CLOSED = Integer.MIN_VALUE;

  private final AtomicInteger users = new AtomicInteger();

  /** Begins an operation, which {@link #leave} ends; false if it is closed. */
  boolean enter() {
    int now;
    do {
      now = users.get();
      if (now < 0) {
        return false;
      }
    } while (!users.compareAndSet(now, now + 1));
    return true;
  }

  void leave() {
    users.decrementAndGet();
  }

  /** Closes it if no operation is running; true for the one call that did. */
  boolean close() {
    return users.compareAndSet(0, CLOSED);
  }

  boolean isClosed() {
    return users.get() < 0;
  }
}
