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

  /**
   * Ends an operation. It takes no more of the stack than {@link #enter}, so that on a full one
   * what has begun also ends.
   */
  void leave() {
    int now;
    do {
      now = users.get();
    } while (!users.compareAndSet(now, now - 1));
  }

  /** Closes it unless an operation is running; whether it is closed now. */
  boolean close() {
    return users.get() < 0 || users.compareAndSet(0, CLOSED);
  }

  /** Undoes {@link #close}. */
  void reopen() {
    users.compareAndSet(CLOSED, 0);
  }
}
