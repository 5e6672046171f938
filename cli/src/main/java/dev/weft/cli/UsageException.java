package dev.weft.cli;

import dev.weft.internal.Checks;
import java.util.List;
import java.util.function.Supplier;

/** Bad usage or input: one line that names the option, the rule and the value. */
final class UsageException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** The line, without the command's name. */
  UsageException(String message) {
    super(message);
  }

  /** {@code option: rule, got name=value, …}. */
  static UsageException of(String option, String rule, Object... namesAndValues) {
    return new UsageException(Checks.message(option, rule, namesAndValues));
  }

  /** What {@code body} returns; a bad argument in it is blamed on {@code option}. */
  static <T> T blame(String option, Supplier<T> body) {
    try {
      return body.get();
    } catch (IllegalArgumentException e) {
      throw new UsageException(option + ": " + withoutOp(option, e.getMessage()));
    }
  }

  /** {@code message} without a leading {@code op:} that says no more than the option's name. */
  static String withoutOp(String option, String message) {
    String text = String.valueOf(message);
    for (String op : List.of(option.replaceFirst("^--?", ""), "open")) {
      if (text.startsWith(op + ": ")) {
        return text.substring(op.length() + 2);
      }
    }
    return text;
  }
}
