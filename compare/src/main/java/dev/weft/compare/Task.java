package dev.weft.compare;

/**
 * What is done, whoever does it: rates of equal tasks may be compared.
 *
 * @param suite the group that it belongs to
 * @param operation for example {@code uniform}, {@code gemm}, {@code forward relu}, {@code step
 *     adam}
 * @param size as benchmarks write it: {@code 64MiB}, {@code 512x512x512} (M, N, K), {@code
 *     128x784x512} (B, I, O), {@code 784-128-10 B=128}
 * @param dtype of the elements, for example {@code f32}; with the precision of the products where
 *     it is another: {@code f32 by tf32}
 * @param memory {@code reused} or {@code fresh} on the host; on a device {@code kernel}, {@code
 *     resident} or {@code end to end}
 * @param threads of one operation; 0 on a device
 * @param flop floating-point operations that count; 0 for a fill, but for one that is computed by
 *     products
 * @param bytes that it has to write, and for products to read
 * @param elements that it computes
 */
public record Task(
    Suite suite,
    String operation,
    String size,
    String dtype,
    String memory,
    int threads,
    double flop,
    double bytes,
    double elements) {

  /** Work in 10⁹ of the numerator of {@link Suite#unit}. */
  public double work() {
    return (suite == Suite.FILL ? bytes : flop) * 1e-9;
  }

  /** Whether it runs on a device. */
  public boolean onDevice() {
    return threads == 0;
  }

  /** Operations for each byte that has to move. */
  public double intensity() {
    return flop / bytes;
  }

  /** All but the size and its consequences: the curve that a size is a point of. */
  public String curve() {
    return operation
        + " "
        + dtype
        + ", "
        + memory
        + (threads == 0 ? "" : threads == 1 ? ", 1 thread" : ", " + threads + " threads");
  }

  @Override
  public String toString() {
    return operation + " " + size + " " + curve().substring(operation.length() + 1);
  }
}
