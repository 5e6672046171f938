package dev.weft.interop;

import dev.weft.internal.Checks;
import java.io.IOException;

/**
 * A file is not what its format demands; the message is {@code op: rule, got file=…, …}.
 *
 * @since 0.1
 */
public final class FormatException extends IOException {
  private static final long serialVersionUID = 1;

  FormatException(String op, String rule, Object... namesAndValues) {
    super(Checks.message(op, rule, namesAndValues));
  }
}
