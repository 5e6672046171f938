package dev.weft;

import java.lang.ref.Cleaner;

/** Finds what was lost unclosed. Its thread ends when nothing is watched any more. */
final class Cleaning {
  private Cleaner cleaner; // made when first needed

  /**
   * Runs {@code action}, which may not know {@code owner}, when the owner is lost. Null, and no
   * action, where the system has no thread for it: what is closed in time needs none.
   */
  synchronized Cleaner.Cleanable watch(Object owner, Runnable action) {
    if (cleaner == null) {
      try {
        cleaner = Cleaner.create();
      } catch (OutOfMemoryError e) {
        return null;
      }
    }
    return cleaner.register(owner, action);
  }

  /** Runs {@code action} after the next garbage collection. */
  void later(Runnable action) {
    watch(new Object(), action);
  }
}
