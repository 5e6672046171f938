package dev.weft.compare;

import java.math.BigDecimal;
import java.math.MathContext;

/**
 * Powers of two that values are divided by, so that their sums, squares and fourth powers neither
 * overflow nor underflow: 1 for values of ordinary size, whose results keep their bits.
 */
public final class Scaling {
  /** Values between 2⁻²⁰⁰ and 2²⁰⁰ have fourth powers, also of their last bits. */
  private static final int ORDINARY = 200;

  /** 2¹⁰⁰⁰ is a number; the least one times it has squares. */
  private static final int LEAST = -1000;

  private Scaling() {}

  /** The exponent of the power for values of at most this size, at least 0; 0 for ordinary ones. */
  public static int exponent(double size) {
    int exponent = Math.getExponent(size);
    return size == 0 || Math.abs(exponent) <= ORDINARY ? 0 : Math.max(exponent, LEAST);
  }

  /** {@code value}·2^{@code exponent}, also where no double holds it. */
  public static BigDecimal decimal(double value, int exponent) {
    return new BigDecimal(value).multiply(new BigDecimal(2).pow(exponent, MathContext.DECIMAL64));
  }
}
