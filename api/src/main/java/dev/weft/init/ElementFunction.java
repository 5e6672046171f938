package dev.weft.init;

/**
 * The value of one element from its index and its random word. Called from several threads at once
 * and in any order: it must depend on its arguments alone, or the fill loses weft's guarantees.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface ElementFunction {
  /**
   * The value of element {@code index}, rounded once to the tensor's type.
   *
   * @param index row-major index in the logical tensor
   * @param word word {@code index} of the stream; 32 uniform bits
   */
  double apply(long index, int word);
}
