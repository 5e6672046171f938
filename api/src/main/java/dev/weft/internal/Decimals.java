package dev.weft.internal;

import java.util.regex.Pattern;

/**
 * Reads the numbers of the command line, of specifications and of shapes: ASCII digits in decimal.
 * Java's own parsers also take digits of other scripts, a leading plus, hexadecimal, the suffixes d
 * and f, and words.
 */
public final class Decimals {
  private static final Pattern WHOLE = Pattern.compile("-?[0-9]++");
  private static final Pattern REAL =
      Pattern.compile("-?(?:[0-9]++(?:\\.[0-9]*+)?+|\\.[0-9]++)(?:[eE][-+]?[0-9]++)?+");

  private Decimals() {}

  /**
   * The number that {@code text} is: {@code 42}, {@code -7}.
   *
   * @throws NumberFormatException for any other text, and beyond 64 bits
   */
  public static long whole(String text) {
    if (!WHOLE.matcher(text).matches()) {
      throw new NumberFormatException("need a whole number in decimal, got " + text);
    }
    return Long.parseLong(text);
  }

  /**
   * The double that is nearest to {@code text}: {@code 0.1}, {@code -3}, {@code 2e-5}.
   *
   * @throws NumberFormatException for any other text, and for a number that rounds to infinity
   */
  public static double real(String text) {
    if (REAL.matcher(text).matches()) {
      double value = Double.parseDouble(text);
      if (Double.isFinite(value)) {
        return value;
      }
    }
    throw new NumberFormatException("need a number in decimal, got " + text);
  }
}
