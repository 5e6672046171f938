package dev.weft.compare;

/** What two measurements of one task say of each other. */
public enum Verdict {
  /** Faster beyond both intervals. */
  FASTER("faster"),
  /** The intervals touch. */
  SAME("no difference shown"),
  /** Slower beyond both intervals. */
  SLOWER("slower");

  private final String text;

  Verdict(String text) {
    this.text = text;
  }

  @Override
  public String toString() {
    return text;
  }
}
