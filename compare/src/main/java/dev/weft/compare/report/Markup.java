package dev.weft.compare.report;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;

/**
 * Writes elements that HTML and XML read alike: every element is closed, and all text and every
 * attribute is escaped.
 */
final class Markup {
  private final StringBuilder out = new StringBuilder(1 << 16);
  private final Deque<String> open = new ArrayDeque<>();

  /**
   * Begins an element.
   *
   * @param attributes names and values in turn; a value that is null leaves its attribute out, and
   *     a Double is written as a coordinate, to a tenth
   */
  Markup open(String tag, Object... attributes) {
    start(tag, attributes);
    out.append('>');
    open.push(tag);
    return this;
  }

  /** Ends what was begun last. */
  Markup close() {
    String tag = open.pop();
    out.append("</").append(tag).append('>');
    if (!tag.matches("a|b|small|strong|code|t[dh]|text|span")) {
      out.append('\n');
    }
    return this;
  }

  /** An element that holds nothing, as {@code meta} and those of SVG. */
  Markup empty(String tag, Object... attributes) {
    start(tag, attributes);
    out.append("/>");
    return this;
  }

  /** An element that holds text. */
  Markup element(String tag, String text, Object... attributes) {
    return open(tag, attributes).text(text).close();
  }

  Markup text(String text) {
    escape(text);
    return this;
  }

  /** What is markup already. */
  Markup raw(CharSequence markup) {
    out.append(markup);
    return this;
  }

  @Override
  public String toString() {
    if (!open.isEmpty()) {
      throw new IllegalStateException("markup: need every element closed, got open " + open);
    }
    return out.toString();
  }

  private void start(String tag, Object... attributes) {
    out.append('<').append(tag);
    for (int i = 0; i < attributes.length; i += 2) {
      if (attributes[i + 1] != null) {
        out.append(' ').append(attributes[i]).append("=\"");
        escape(
            attributes[i + 1] instanceof Double value
                ? coordinate(value)
                : attributes[i + 1].toString());
        out.append('"');
      }
    }
  }

  /** At most one decimal: a tenth of a pixel is not seen, and a page has thousands of them. */
  static String coordinate(double value) {
    return String.format(Locale.ROOT, "%.1f", value).replaceFirst("\\.0$", "");
  }

  /** Characters that XML has no place for become U+FFFD. */
  private void escape(String text) {
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '&' -> out.append("&amp;");
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '"' -> out.append("&quot;");
                case '\n', '\r', '\t' -> out.append(' ');
                default -> out.appendCodePoint(isText(c) ? c : 0xFFFD);
              }
            });
  }

  private static boolean isText(int c) {
    return c >= ' '
        && !(c >= 0x7F && c < 0xA0)
        && !(c >= 0xD800 && c < 0xE000)
        && (c & 0xFFFE) != 0xFFFE;
  }
}
