package dev.weft.internal;

/** Forms every argument error of weft: {@code <op>: <rule>, got <name>=<value>, …}. */
public final class Checks {
  private Checks() {}

  /** The message {@code op: rule, got name=value, …} for alternating names and values. */
  public static String message(String op, String rule, Object... namesAndValues) {
    StringBuilder text = new StringBuilder(op).append(": ").append(rule);
    for (int i = 0; i < namesAndValues.length; i += 2) {
      text.append(i == 0 ? ", got " : ", ")
          .append(namesAndValues[i])
          .append('=')
          .append(namesAndValues[i + 1]);
    }
    return text.toString();
  }

  /** An {@link IllegalArgumentException} with {@link #message}. */
  public static IllegalArgumentException bad(String op, String rule, Object... namesAndValues) {
    return new IllegalArgumentException(message(op, rule, namesAndValues));
  }

  /** Throws unless {@code value} is a finite number (NaN fails). */
  public static double finite(String op, String name, double value) {
    if (!(Math.abs(value) <= Double.MAX_VALUE)) {
      throw bad(op, "need a finite " + name, name, value);
    }
    return value;
  }

  /** Throws unless {@code value} is finite and at least 0 (NaN fails). */
  public static double nonNegative(String op, String name, double value) {
    if (!(value >= 0 && value <= Double.MAX_VALUE)) {
      throw bad(op, "need finite " + name + " >= 0", name, value);
    }
    return value;
  }
}
