package dev.weft.cli;

/** A check found a mismatch; the message names the first one. */
final class MismatchException extends RuntimeException {
  private static final long serialVersionUID = 1;

  MismatchException(String message) {
    super(message);
  }
}
