package dev.weft.cli;

import dev.weft.internal.Checks;
import dev.weft.internal.Decimals;

/**
 * A range of row-major elements, written {@code FROM:TO}.
 *
 * @param from the first element
 * @param to the element after the last
 */
record Slice(long from, long to) {
  static Slice parse(String text) {
    int colon = text.indexOf(':');
    try {
      return new Slice(
          Decimals.whole(text.substring(0, Math.max(0, colon)).strip()),
          Decimals.whole(text.substring(colon + 1).strip()));
    } catch (NumberFormatException e) {
      throw Checks.bad("slice", "need FROM:TO, two whole numbers", "slice", text);
    }
  }
}
