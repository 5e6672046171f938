package dev.weft.cpu.parallel;

import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Supplier;

/**
 * Objects that one thread at a time uses, kept for the next; so that a repeated operation allocates
 * nothing. Threads that come when all are in use get new ones.
 */
public final class Spares<T> {
  private final AtomicReferenceArray<T> idle;
  private final Supplier<T> maker;

  /** Keeps at most {@code most} of what {@code maker} makes. */
  public Spares(int most, Supplier<T> maker) {
    this.idle = new AtomicReferenceArray<>(most);
    this.maker = maker;
  }

  /** One that nobody uses. */
  public T take() {
    for (int i = 0; i < idle.length(); i++) {
      T spare = idle.getAndSet(i, null);
      if (spare != null) {
        return spare;
      }
    }
    return maker.get();
  }

  /** Gives back what {@link #take} gave. */
  public void give(T spare) {
    for (int i = 0; i < idle.length(); i++) {
      if (idle.compareAndSet(i, null, spare)) {
        return;
      }
    }
  }
}
