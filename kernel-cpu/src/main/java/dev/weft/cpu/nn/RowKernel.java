package dev.weft.cpu.nn;

/**
 * The loops of softmax over parts of a row, once in scalar code and once for every vector width,
 * with the same bits: sums run in {@link #LANES} lanes, whatever the width. It trusts its arguments
 * and allocates nothing.
 *
 * @param <A> {@code float[]} for F32, {@code double[]} for F64
 */
public interface RowKernel<A> {
  /** Partial sums; a part of a row begins at a multiple of it. */
  int LANES = 16;

  /** {@code lanes[l] = max(lanes[l], x[at + i])}, i ≡ l (mod LANES); NaN is passed over. */
  void max(A x, int at, int count, A lanes);

  /**
   * {@code x[at + i] = exp(x[at + i] − shift)} for arguments ≤ 0, and {@code lanes[l] += x[at +
   * i]}, i ≡ l (mod LANES).
   */
  void expSum(A x, int at, int count, double shift, A lanes);

  /** {@code x[at + i] *= factor}, rounded to the type first. */
  void scale(A x, int at, int count, double factor);

  /** {@code lanes[l] = fma(x[i], y[i], lanes[l])}, i ≡ l (mod LANES). */
  void dot(A x, A y, int count, A lanes);
}
