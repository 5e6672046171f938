package dev.weft.cpu.nn;

/**
 * The pieces of a softmax over a row that comes in parts of any length, each part a multiple of
 * {@link #LANES} but the last: once in scalar code and once for every vector width, with the same
 * bits. Sums and maxima are kept in 16 lanes; element i of a part belongs to lane i mod 16. It
 * trusts its arguments and allocates nothing.
 *
 * @param <A> {@code float[]} for F32, {@code double[]} for F64
 */
public interface RowKernel<A> {
  /** Partial sums. */
  int LANES = 16;

  /** {@code lanes[i mod 16] = max(lanes[i mod 16], x[at + i])}; NaN is never taken. */
  void max(A x, int at, int count, A lanes);

  /**
   * {@code x[at + i] = exp(x[at + i] - shift)}, and adds it to {@code lanes[i mod 16]}.
   *
   * @param shift at least each {@code x[at + i]}; rounded to the type
   */
  void expSum(A x, int at, int count, double shift, A lanes);

  /** {@code x[at + i] *= factor}; the factor is rounded to the type. */
  void scale(A x, int at, int count, double factor);

  /** {@code lanes[i mod 16] = fma(x[i], y[i], lanes[i mod 16])}. */
  void dot(A x, A y, int count, A lanes);
}
