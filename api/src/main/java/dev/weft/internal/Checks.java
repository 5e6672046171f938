package dev.weft.internal;

import dev.weft.DType;

/** Forms every argument error of weft: {@code <op>: <rule>, got <name>=<value>, …}. */
public final class Checks {
  /** The most characters of a rule or a value in a message: either may come out of a file. */
  private static final int MOST = 1000;

  private Checks() {}

  /**
   * The message {@code op: rule, got name=value, …} for alternating names and values. What is
   * longer than 1000 characters is cut.
   */
  public static String message(String op, String rule, Object... namesAndValues) {
    StringBuilder text = new StringBuilder(op).append(": ").append(cut(rule, MOST));
    for (int i = 0; i < namesAndValues.length; i += 2) {
      text.append(i == 0 ? ", got " : ", ")
          .append(namesAndValues[i])
          .append('=')
          .append(cut(String.valueOf(namesAndValues[i + 1]), MOST));
    }
    return text.toString();
  }

  /** {@code text}, or its first {@code most} characters and an ellipsis; pairs stay whole. */
  public static String cut(String text, int most) {
    if (text.length() <= most) {
      return text;
    }
    int end = Character.isHighSurrogate(text.charAt(most - 1)) ? most - 1 : most;
    return text.substring(0, end) + "…";
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

  /** Throws unless {@code value}, rounded to a type, is finite and at least 0 (NaN fails). */
  public static void nonNegativeIn(String op, String name, double value, DType dtype) {
    double rounded = dtype.nearest(value);
    if (!(rounded >= 0 && rounded <= dtype.maxValue())) {
      throw bad(op, "need finite " + name + " >= 0 in " + dtype.id(), name, value);
    }
  }

  /** Throws unless {@code value}, rounded to a type, is finite and above 0 (NaN fails). */
  public static void positiveIn(String op, String name, double value, DType dtype) {
    double rounded = dtype.nearest(value);
    if (!(rounded > 0 && rounded <= dtype.maxValue())) {
      throw bad(op, "need finite " + name + " > 0 in " + dtype.id(), name, value);
    }
  }

  /** Throws unless {@code value}, rounded to a type, is at least 0 and below 1 (NaN fails). */
  public static void fractionIn(String op, String name, double value, DType dtype) {
    double rounded = dtype.nearest(value);
    if (!(rounded >= 0 && rounded < 1)) {
      throw bad(op, "need 0 <= " + name + " < 1 in " + dtype.id(), name, value);
    }
  }
}
