package dev.weft.adapters;

/** Argument errors in weft's form: {@code <op>: <rule>, got <name>=<value>, …}. */
final class Refusals {
  private Refusals() {}

  /** An exception with that message, for alternating names and values. */
  static IllegalArgumentException bad(String op, String rule, Object... namesAndValues) {
    StringBuilder text = new StringBuilder(op).append(": ").append(rule);
    for (int i = 0; i < namesAndValues.length; i += 2) {
      text.append(i == 0 ? ", got " : ", ")
          .append(namesAndValues[i])
          .append('=')
          .append(namesAndValues[i + 1]);
    }
    return new IllegalArgumentException(text.toString());
  }
}
