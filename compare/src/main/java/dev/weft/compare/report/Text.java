package dev.weft.compare.report;

import java.util.Locale;

/** Numbers in words, and text that may stand in a page. */
final class Text {
  private Text() {}

  /** Three significant digits. */
  static String digits(double value) {
    double size = Math.abs(value);
    if (size == 0 || !Double.isFinite(value)) {
      return size == 0 ? "0" : Double.toString(value);
    }
    return size >= 1e6 || size < 1e-3
        ? String.format(Locale.ROOT, "%.2e", value)
        : String.format(
            Locale.ROOT,
            size >= 99.95 ? "%.0f" : size >= 9.995 ? "%.1f" : size >= 0.9995 ? "%.2f" : "%.3f",
            value);
  }

  /** A ratio, two digits behind the point. */
  static String ratio(double value) {
    return String.format(Locale.ROOT, value < 0.095 || value >= 99.5 ? "%.2g" : "%.2f", value)
        .replaceFirst("^(\\d)\\.0e\\+02$", "$100");
  }

  /** Bytes with a unit. */
  static String bytes(double bytes) {
    String[] units = {"B", "KiB", "MiB", "GiB", "TiB"};
    int u = 0;
    double value = bytes;
    while (value >= 1024 && u < units.length - 1) {
      value /= 1024;
      u++;
    }
    return (value == Math.rint(value) ? String.format(Locale.ROOT, "%.0f", value) : digits(value))
        + " "
        + units[u];
  }

  /** Text for an element or an attribute in double quotes; control characters become spaces. */
  static String escape(String text) {
    StringBuilder out = new StringBuilder(text.length() + 16);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '&' -> out.append("&amp;");
        case '<' -> out.append("&lt;");
        case '>' -> out.append("&gt;");
        case '"' -> out.append("&quot;");
        default -> out.append(c < ' ' || Character.isSurrogate(c) || c >= '\uFFFE' ? ' ' : c);
      }
    }
    return out.toString();
  }
}
