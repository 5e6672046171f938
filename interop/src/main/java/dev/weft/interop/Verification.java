package dev.weft.interop;

/**
 * What {@link Verifier} found out about one tensor.
 *
 * @param tensor its name
 * @param outcome the verdict
 * @param element the first element that differs, row-major in the stored tensor; −1 if none is
 *     known
 * @param detail what differs or why nothing can be said; empty for a match
 * @since 0.1
 */
public record Verification(String tensor, Outcome outcome, long element, String detail) {
  /** The verdict on a tensor. */
  public enum Outcome {
    /** Every byte is what the receipt determines. */
    MATCH,
    /** The receipt determines other bytes, or another type or shape. */
    DIFFERENT,
    /** There is no receipt: the tensor cannot be recomputed. */
    NO_RECEIPT
  }
}
