package dev.weft;

import dev.weft.internal.Checks;
import dev.weft.internal.Decimals;
import java.util.Arrays;

/**
 * Dimensions of a row-major tensor: the last one varies fastest. A shape of rank 0 has one element.
 * Dimensions may be 0; there are at most {@value #MAX_RANK}, and their product is at most 2⁶³ − 1.
 *
 * @since 0.1
 */
public final class Shape {
  /** The most dimensions, as in NumPy. */
  public static final int MAX_RANK = 64;

  private final long[] dims;
  private final long elements;

  private Shape(long[] dims, long elements) {
    this.dims = dims;
    this.elements = elements;
  }

  /**
   * The shape with these dimensions.
   *
   * @throws IllegalArgumentException if a dimension is negative, the element count passes 2⁶³ − 1,
   *     or there are more than {@value #MAX_RANK} dimensions
   */
  public static Shape of(long... dims) {
    if (dims.length > MAX_RANK) {
      throw Checks.bad("shape", "need at most " + MAX_RANK + " dimensions", "rank", dims.length);
    }
    long[] copy = dims.clone();
    boolean empty = false;
    for (long dim : copy) {
      if (dim < 0) {
        throw Checks.bad("shape", "need every dimension >= 0", "shape", Arrays.toString(copy));
      }
      empty |= dim == 0;
    }
    long elements = empty ? 0 : 1;
    for (long dim : copy) {
      if (!empty && Math.multiplyHigh(elements, dim) != 0 || !empty && elements * dim < 0) {
        throw Checks.bad("shape", "need an element count < 2^63", "shape", Arrays.toString(copy));
      }
      elements *= dim;
    }
    return new Shape(copy, elements);
  }

  /**
   * The shape written as {@code 784,128}; the empty text is rank 0.
   *
   * @throws IllegalArgumentException if a part is not a decimal number of ASCII digits, or as
   *     {@link #of}
   */
  public static Shape parse(String text) {
    if (text.isBlank()) {
      return of();
    }
    String[] parts = text.split(",", -1);
    long[] dims = new long[parts.length];
    for (int i = 0; i < parts.length; i++) {
      try {
        dims[i] = Decimals.whole(parts[i].strip());
      } catch (NumberFormatException e) {
        throw Checks.bad("shape", "need decimal numbers separated by commas", "shape", text);
      }
    }
    return of(dims);
  }

  /** Number of dimensions. */
  public int rank() {
    return dims.length;
  }

  /** Dimension {@code axis}, counted from 0; a negative axis counts from the end. */
  public long dim(int axis) {
    int index = axis < 0 ? axis + dims.length : axis;
    if (index < 0 || index >= dims.length) {
      throw new IndexOutOfBoundsException(
          Checks.message("shape.dim", "need -rank <= axis < rank", "axis", axis, "shape", this));
    }
    return dims[index];
  }

  /** Product of the dimensions. */
  public long elements() {
    return elements;
  }

  /**
   * Product of the dimensions from axis {@code from} on and before axis {@code to}: exact, and 0 if
   * one of them is 0.
   *
   * @throws IllegalArgumentException {@code shape: need a product of dimensions < 2^63, got
   *     shape=…} as only a shape without elements may have one
   */
  long product(int from, int to) {
    long product = 1;
    for (int d = from; d < to; d++) {
      if (dims[d] == 0) {
        return 0;
      }
    }
    for (int d = from; d < to; d++) {
      if (product > Long.MAX_VALUE / dims[d]) {
        throw Checks.bad("shape", "need a product of dimensions < 2^63", "shape", this);
      }
      product *= dims[d];
    }
    return product;
  }

  /** A copy of the dimensions. */
  public long[] dims() {
    return dims.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape that && Arrays.equals(dims, that.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  /** For example {@code [784, 128]}. */
  @Override
  public String toString() {
    return Arrays.toString(dims);
  }
}
