package dev.weft.compare;

/**
 * How the results of one technique agree with those of scalar code on one thread, in all cases of
 * one operation and type.
 *
 * @param operation for example {@code uniform}, {@code gemm}, {@code dense relu}
 * @param dtype of the elements
 * @param technique for example {@code cpu-512 × 2} or {@code gpu}
 * @param cases how many were compared
 * @param equalBits whether every bit is the same
 * @param errorOverBound the largest difference over the bound that {@link dev.weft.Accuracy} states
 *     for it: 0 where every bit is the same, above 1 (or infinite, where equal bits are promised)
 *     for a mismatch
 * @param detail the first mismatch, in words; empty if there is none
 */
public record Agreement(
    String operation,
    String dtype,
    String technique,
    int cases,
    boolean equalBits,
    double errorOverBound,
    String detail) {

  /** Whether it is as promised. */
  public boolean holds() {
    return errorOverBound <= 1;
  }
}
