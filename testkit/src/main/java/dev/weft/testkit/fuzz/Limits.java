package dev.weft.testkit.fuzz;

/**
 * What one input may cost: a constant, and so much for each byte of it.
 *
 * @param bytes of the heap that its thread may allocate
 * @param bytesPerByte the same for each byte
 * @param nanos of processor time
 * @param nanosPerByte the same for each byte
 */
public record Limits(long bytes, long bytesPerByte, long nanos, long nanosPerByte) {
  /** For a parser that reads its input once: 4 MB and a second. */
  public static final Limits PARSER = new Limits(4 << 20, 1000, 1_000_000_000L, 20_000);

  /** So many times the processor time, and the input is given up while it runs. */
  private static final long HANG = 10;

  long bytesFor(int length) {
    return bytes + bytesPerByte * length;
  }

  long nanosFor(int length) {
    return nanos + nanosPerByte * length;
  }

  long hangNanosFor(int length) {
    return HANG * nanosFor(length);
  }
}
