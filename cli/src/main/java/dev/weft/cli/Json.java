package dev.weft.cli;

import java.util.List;
import java.util.Map;

/** Writes JSON from maps, lists, texts, numbers and truth values, indented by two spaces. */
final class Json {
  private Json() {}

  /** {@code value} as JSON with a line end; NaN and infinities, which JSON lacks, become texts. */
  static String write(Object value) {
    StringBuilder out = new StringBuilder();
    append(out, value, "\n");
    return out.append('\n').toString();
  }

  private static void append(StringBuilder out, Object value, String newline) {
    switch (value) {
      case null -> out.append("null");
      case Map<?, ?> map -> {
        out.append('{');
        String separator = "";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          out.append(separator).append(newline).append("  ");
          quote(out, entry.getKey().toString());
          out.append(": ");
          append(out, entry.getValue(), newline + "  ");
          separator = ",";
        }
        out.append(map.isEmpty() ? "" : newline).append('}');
      }
      case List<?> list -> {
        boolean flat = list.stream().allMatch(item -> item instanceof Number);
        String between = flat ? "" : newline + "  ";
        out.append('[');
        String separator = "";
        for (Object item : list) {
          out.append(separator).append(between);
          append(out, item, newline + "  ");
          separator = flat ? ", " : ",";
        }
        out.append(flat ? "" : newline).append(']');
      }
      case Double number when !Double.isFinite(number) -> quote(out, number.toString());
      case Number number -> out.append(number);
      case Boolean truth -> out.append(truth);
      default -> quote(out, value.toString());
    }
  }

  private static void quote(StringBuilder out, String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"', '\\' -> out.append('\\').append(c);
        case '\n' -> out.append("\\n");
        default -> {
          if (c < ' ') {
            out.append(String.format("\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
