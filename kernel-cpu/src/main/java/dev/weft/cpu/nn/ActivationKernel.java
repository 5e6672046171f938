package dev.weft.cpu.nn;

/**
 * One activation of elements, and its derivative, over arrays: once in scalar code and once for
 * every vector width, with the same bits. It trusts its arguments and allocates nothing.
 *
 * @param <A> {@code float[]} for F32, {@code double[]} for F64
 */
public interface ActivationKernel<A> {
  /** Arrays have room for a multiple of so many elements; what is beyond a count is overwritten. */
  int ROOM = 16;

  /** {@code x[i] = f(x[i])}, {@code at <= i < at + count}; alpha is rounded to the type. */
  void forward(A x, int at, int count, double alpha);

  /**
   * {@code d[i] = d[i]·f'(z)}, {@code 0 <= i < count}, where {@code saved[i]} is z if {@link
   * dev.weft.nn.Activation.Kind#derivativeOfInput} and f(z) if not.
   */
  void backward(A saved, A d, int count, double alpha);
}
