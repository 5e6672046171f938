package dev.weft.cli;

import java.util.Locale;

/**
 * Text that a terminal shows and does not obey, whatever names and files hold. Control characters
 * (C0, DEL, C1), invisible ones (bidirectional overrides and the rest of Unicode's category Cf),
 * Unicode's own line and paragraph separators and lone surrogates become the escapes of JSON, so
 * that a text of JSON keeps its meaning.
 */
final class Printable {
  private Printable() {}

  /** {@code text} with escapes; only its newlines stay. */
  static String text(String text) {
    return escape(text, true);
  }

  /** {@code text} with escapes, as a part of a line: a newline in it is one, too. */
  static String line(String text) {
    return escape(text, false);
  }

  private static String escape(String text, boolean newlines) {
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0, count; i < text.length(); i += count) {
      int c = text.codePointAt(i);
      count = Character.charCount(c);
      if (c == '\n') {
        out.append(newlines ? "\n" : "\\n");
      } else if (isShown(c)) {
        out.appendCodePoint(c);
      } else {
        for (char each : Character.toChars(c)) {
          out.append(String.format(Locale.ROOT, "\\u%04x", (int) each));
        }
      }
    }
    return out.toString();
  }

  private static boolean isShown(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE ->
          false;
      default -> true;
    };
  }
}
