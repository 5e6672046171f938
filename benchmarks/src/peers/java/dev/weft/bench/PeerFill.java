package dev.weft.bench;

/**
 * Tensors of one library, and how it fills them.
 *
 * @param <T> the library's own tensor
 */
abstract class PeerFill<T> implements AutoCloseable {
  /** A tensor of the library's own memory, of undefined content. */
  abstract T tensor();

  /** Fills what is there. */
  abstract void fill(T x);

  /** A new tensor, filled. */
  T filled() {
    T x = tensor();
    fill(x);
    return x;
  }

  /** Makes every element NaN. */
  abstract void poison(T x);

  /** The elements, row after row. */
  abstract float[] read(T x);

  /**
   * Says what {@link DistributionCheck#independence} found, unless the library is known for it.
   *
   * @throws IllegalStateException {@code found}
   */
  void dependent(IllegalStateException found) {
    throw found;
  }

  /** Gives the memory of a tensor back. */
  abstract void release(T x);

  /** Gives all else back. */
  @Override
  public abstract void close();
}
