package dev.weft.cpu.parallel;

import java.util.function.Supplier;

/**
 * Objects that one thread at a time uses, kept for the next; so that a repeated operation allocates
 * nothing. Threads that come when all are in use get new ones.
 */
public final class Spares<T> {
  private final Object[] idle;
  private final Supplier<T> maker;
  private int count;

  /** Keeps at most {@code most} of what {@code maker} makes. */
  public Spares(int most, Supplier<T> maker) {
    this.idle = new Object[most];
    this.maker = maker;
  }

  /** One that nobody uses. */
  public T take() {
    T spare = takeIdle();
    return spare != null ? spare : maker.get();
  }

  @SuppressWarnings("unchecked") // only give puts anything there
  private synchronized T takeIdle() {
    if (count == 0) {
      return null;
    }
    count--;
    Object spare = idle[count];
    idle[count] = null;
    return (T) spare;
  }

  /** Gives back what {@link #take} gave. */
  public synchronized void give(T spare) {
    if (count < idle.length) {
      idle[count++] = spare;
    }
  }
}
