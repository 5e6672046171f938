package dev.weft.cli;

import dev.weft.internal.Checks;
import dev.weft.internal.Decimals;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Sizes of a perceptron, inputs first and classes last.
 *
 * @param sizes at least two, each at least 1
 */
record Layers(List<Integer> sizes) {
  static Layers parse(String text) {
    List<Integer> sizes = new ArrayList<>();
    try {
      for (String part : text.split(",", -1)) {
        sizes.add(Math.toIntExact(Decimals.whole(part)));
      }
    } catch (NumberFormatException | ArithmeticException e) {
      sizes.clear();
    }
    if (sizes.size() < 2 || sizes.stream().anyMatch(size -> size < 1)) {
      throw Checks.bad(
          "layers", "need two or more sizes from 1 to 2^31 - 1, I,…,C", "layers", text);
    }
    return new Layers(sizes);
  }

  int inputs() {
    return sizes.getFirst();
  }

  int classes() {
    return sizes.getLast();
  }

  /** For example {@code 64,128,10}. */
  @Override
  public String toString() {
    return sizes.stream().map(String::valueOf).collect(Collectors.joining(","));
  }
}
