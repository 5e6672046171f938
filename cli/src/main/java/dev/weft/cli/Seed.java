package dev.weft.cli;

import dev.weft.internal.Checks;
import java.util.regex.Pattern;

/**
 * A 64-bit seed: a decimal number, signed or unsigned, or {@code 0x} and hexadecimal digits.
 *
 * @param value its 64 bits
 */
record Seed(long value) {
  /** ASCII digits: Java's parsers also take those of other scripts, and a plus. */
  private static final Pattern FORM = Pattern.compile("-?[0-9]++|0[xX][0-9a-fA-F]++");

  static Seed parse(String text) {
    try {
      if (!FORM.matcher(text).matches()) {
        throw new NumberFormatException("neither decimal nor hexadecimal");
      }
      if (text.startsWith("0x") || text.startsWith("0X")) {
        return new Seed(Long.parseUnsignedLong(text.substring(2), 16));
      }
      return new Seed(text.startsWith("-") ? Long.parseLong(text) : Long.parseUnsignedLong(text));
    } catch (NumberFormatException e) {
      throw Checks.bad("seed", "need a whole number of 64 bits, decimal or 0x…", "seed", text);
    }
  }
}
