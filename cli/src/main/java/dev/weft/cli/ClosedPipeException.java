package dev.weft.cli;

/** The reader of standard output went away, as {@code head} does: nothing is left to do. */
final class ClosedPipeException extends RuntimeException {
  private static final long serialVersionUID = 1;

  ClosedPipeException(Throwable cause) {
    super(cause);
  }
}
