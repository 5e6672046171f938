package dev.weft.cli;

/** The exit codes; scripts depend on them. */
final class Exit {
  /** Done, or the reader of standard output went away. */
  static final int OK = 0;

  /**
   * Input or output failed: no permission, disk full. Also any failure without a code of its own.
   */
  static final int FAILED = 1;

  /** Usage or bad input. */
  static final int USAGE = 2;

  /** The backend that was named cannot run here. */
  static final int UNAVAILABLE = 3;

  /** Out of memory. */
  static final int MEMORY = 4;

  /** A check found a mismatch. */
  static final int MISMATCH = 5;

  private Exit() {}
}
