package dev.weft.internal;

/** Steps that are all to be taken, whichever of them fail: to close several things, for example. */
public final class Failures {
  private Throwable first;

  /** Nothing has failed so far. */
  public Failures() {}

  /** One step. */
  @FunctionalInterface
  public interface Step {
    /** Takes it. */
    void take() throws Exception;
  }

  /** Takes a step; what it throws is kept for {@link #raise()}. */
  public Failures attempt(Step step) {
    try {
      step.take();
    } catch (Throwable e) {
      if (first == null) {
        first = e;
      } else if (first != e) {
        first.addSuppressed(e);
      }
    }
    return this;
  }

  /** What failed first, with the others suppressed; null if nothing did. */
  public Throwable first() {
    return first;
  }

  /** Throws {@link #first}, if there is one. */
  public void raise() {
    if (first != null) {
      raise(first);
    }
  }

  /**
   * Throws {@code e}, whatever it is: code of other languages throws checked exceptions that no
   * method declares.
   */
  public static void raise(Throwable e) {
    Failures.<RuntimeException>as(e);
  }

  @SuppressWarnings("unchecked") // T is only what the compiler believes
  private static <T extends Throwable> void as(Throwable e) throws T {
    throw (T) e;
  }
}
