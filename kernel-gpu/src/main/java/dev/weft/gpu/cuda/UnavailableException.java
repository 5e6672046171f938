package dev.weft.gpu.cuda;

/** CUDA cannot be used here: why, and what to do about it. */
public final class UnavailableException extends RuntimeException {
  private static final long serialVersionUID = 1;
  private final String remedy;

  /** A reason and what to do about it. */
  public UnavailableException(String reason, String remedy) {
    super(reason);
    this.remedy = remedy;
  }

  /** What to do. */
  public String remedy() {
    return remedy;
  }
}
