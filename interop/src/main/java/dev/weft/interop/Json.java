package dev.weft.interop;

import dev.weft.internal.Checks;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * JSON (RFC 8259), strictly: every key once, no unpaired surrogates, no number outside its type, a
 * bounded depth and a bounded number of values.
 *
 * <p>Values are {@link Map} (in the order of the text), {@link List}, {@link String}, {@link Long}
 * (a number without fraction and exponent), {@link Double}, {@link Boolean} and null.
 *
 * @since 0.1
 */
public final class Json {
  private static final int MAX_DEPTH = 32;
  private static final int MAX_VALUES = 4_000_000;

  private final String source;
  private final String text;
  private final List<Object> path = new ArrayList<>();
  private int at;
  private int values;

  private Json(String source, String text) {
    this.source = source;
    this.text = text;
  }

  /**
   * The value that {@code text} is.
   *
   * @param source where the text is from, for messages
   * @throws FormatException {@code json: need …, got file=…, path=…, at=…}
   */
  public static Object parse(String source, String text) throws FormatException {
    Json json = new Json(source, text);
    Object value = json.value();
    json.skipSpace();
    if (json.at != text.length()) {
      throw json.bad("the end after the value");
    }
    return value;
  }

  /**
   * The value that UTF-8 {@code bytes} are, with or without a byte order mark.
   *
   * @throws FormatException as {@link #parse(String, String)}, and unless the bytes are UTF-8
   */
  public static Object parse(String source, byte[] bytes) throws FormatException {
    if (isUtf16(bytes)) {
      throw new FormatException("json", "need UTF-8, and this is UTF-16 or UTF-32", "file", source);
    }
    boolean marked =
        bytes.length >= 3
            && bytes[0] == (byte) 0xEF
            && bytes[1] == (byte) 0xBB
            && bytes[2] == (byte) 0xBF;
    int start = marked ? 3 : 0;
    String text;
    try {
      text =
          StandardCharsets.UTF_8
              .newDecoder()
              .decode(ByteBuffer.wrap(bytes, start, bytes.length - start))
              .toString();
    } catch (CharacterCodingException e) {
      throw new FormatException("json", "need UTF-8", "file", source);
    }
    return parse(source, text);
  }

  /** JSON begins with two characters of ASCII, unless it is one; UTF-16 has a 0 in one of them. */
  private static boolean isUtf16(byte[] bytes) {
    if (bytes.length < 2) {
      return false;
    }
    int first = (bytes[0] & 0xFF) << 8 | bytes[1] & 0xFF;
    return first == 0xFEFF || first == 0xFFFE || bytes[0] == 0 || bytes[1] == 0;
  }

  /**
   * The text of {@code value} in one line, which {@link #parse} reads back.
   *
   * @throws IllegalArgumentException for a value of another type, or a number that JSON has not
   */
  public static String write(Object value) {
    StringBuilder out = new StringBuilder();
    write(value, out, null, 0);
    return out.toString();
  }

  /**
   * The text of {@code value} for human eyes: two spaces a level, lists of plain values in a line.
   */
  public static String writePretty(Object value) {
    StringBuilder out = new StringBuilder();
    write(value, out, "  ", 0);
    return out.append('\n').toString();
  }

  private static void write(Object value, StringBuilder out, String indent, int depth) {
    switch (value) {
      case null -> out.append("null");
      case String string -> quote(string, out);
      case Boolean bool -> out.append(bool);
      case Integer number -> out.append(number);
      case Long number -> out.append(number);
      case Double number when Double.isFinite(number) -> out.append(number);
      case Map<?, ?> map -> {
        out.append('{');
        Iterator<? extends Map.Entry<?, ?>> entries = map.entrySet().iterator();
        while (entries.hasNext()) {
          Map.Entry<?, ?> entry = entries.next();
          newLine(out, indent, depth + 1);
          quote((String) entry.getKey(), out);
          out.append(indent == null ? ":" : ": ");
          write(entry.getValue(), out, indent, depth + 1);
          out.append(entries.hasNext() ? "," : "");
        }
        if (!map.isEmpty()) {
          newLine(out, indent, depth);
        }
        out.append('}');
      }
      case List<?> list -> {
        boolean lines = list.stream().anyMatch(e -> e instanceof Map || e instanceof List);
        out.append('[');
        for (int i = 0; i < list.size(); i++) {
          out.append(i == 0 ? "" : indent == null || lines ? "," : ", ");
          if (lines) {
            newLine(out, indent, depth + 1);
          }
          write(list.get(i), out, indent, depth + 1);
        }
        if (lines) {
          newLine(out, indent, depth);
        }
        out.append(']');
      }
      default -> throw Checks.bad("json", "need a value that JSON has", "value", value);
    }
  }

  private static void newLine(StringBuilder out, String indent, int depth) {
    if (indent != null) {
      out.append('\n').append(indent.repeat(depth));
    }
  }

  private static void quote(String string, StringBuilder out) {
    out.append('"');
    for (int i = 0; i < string.length(); i++) {
      char c = string.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < 0x20 || c == 0x7F || Character.isSurrogate(c) && !isPaired(string, i)) {
            out.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }

  private static boolean isPaired(String string, int i) {
    return Character.isHighSurrogate(string.charAt(i))
        ? i + 1 < string.length() && Character.isLowSurrogate(string.charAt(i + 1))
        : i > 0 && Character.isHighSurrogate(string.charAt(i - 1));
  }

  private Object value() throws FormatException {
    if (++values > MAX_VALUES) {
      throw bad("at most " + MAX_VALUES + " values");
    }
    skipSpace();
    if (at == text.length()) {
      throw bad("a value");
    }
    char c = text.charAt(at);
    return switch (c) {
      case '{' -> object();
      case '[' -> array();
      case '"' -> string();
      case 't' -> word("true", Boolean.TRUE);
      case 'f' -> word("false", Boolean.FALSE);
      case 'n' -> word("null", null);
      default -> {
        if (c == '-' || isDigit(c)) {
          yield number();
        }
        throw bad("a value");
      }
    };
  }

  private Map<String, Object> object() throws FormatException {
    Map<String, Object> map = new LinkedHashMap<>();
    enter();
    at++;
    skipSpace();
    if (peek('}')) {
      at++;
    } else {
      do {
        skipSpace();
        if (!peek('"')) {
          throw bad("a key in quotes");
        }
        String key = string();
        path.set(path.size() - 1, key);
        if (map.containsKey(key)) {
          throw bad("every key once");
        }
        skipSpace();
        expect(':');
        map.put(key, value());
        skipSpace();
      } while (more('}'));
    }
    path.removeLast();
    return map;
  }

  private List<Object> array() throws FormatException {
    List<Object> list = new ArrayList<>(2);
    enter();
    at++;
    skipSpace();
    if (peek(']')) {
      at++;
    } else {
      do {
        path.set(path.size() - 1, list.size());
        list.add(value());
        skipSpace();
      } while (more(']'));
    }
    path.removeLast();
    return list;
  }

  private void enter() throws FormatException {
    if (path.size() == MAX_DEPTH) {
      throw bad("at most " + MAX_DEPTH + " levels");
    }
    path.add("");
  }

  /** Reads a comma (more follows) or {@code close}. */
  private boolean more(char close) throws FormatException {
    if (peek(',')) {
      at++;
      return true;
    }
    expect(close);
    return false;
  }

  private String string() throws FormatException {
    int start = ++at;
    while (at < text.length() && text.charAt(at) != '"' && text.charAt(at) != '\\') {
      if (text.charAt(at) < 0x20) {
        throw bad("no control character in a string");
      }
      at++;
    }
    if (peek('"')) {
      return text.substring(start, at++);
    }
    StringBuilder out = new StringBuilder().append(text, start, at);
    while (!peek('"')) {
      if (at == text.length()) {
        throw bad("a closing quote");
      }
      char c = text.charAt(at++);
      if (c < 0x20) {
        throw bad("no control character in a string");
      }
      out.append(c == '\\' ? escape() : c);
    }
    at++;
    String string = out.toString();
    for (int i = 0; i < string.length(); i++) {
      if (Character.isSurrogate(string.charAt(i)) && !isPaired(string, i)) {
        throw bad("paired surrogates");
      }
    }
    return string;
  }

  private char escape() throws FormatException {
    char c = at < text.length() ? text.charAt(at++) : ' ';
    return switch (c) {
      case '"', '\\', '/' -> c;
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> {
        int code = 0;
        for (int i = 0; i < 4; i++) {
          char hex = at < text.length() ? text.charAt(at++) : ' ';
          int digit = hex < 128 ? Character.digit(hex, 16) : -1;
          if (digit < 0) {
            throw bad("four hexadecimal digits after \\u");
          }
          code = code << 4 | digit;
        }
        yield (char) code;
      }
      default -> throw bad("an escape of JSON");
    };
  }

  private Object number() throws FormatException {
    int start = at;
    boolean whole = true;
    if (peek('-')) {
      at++;
    }
    if (peek('0')) {
      at++;
    } else {
      digits();
    }
    if (peek('.')) {
      whole = false;
      at++;
      digits();
    }
    if (peek('e') || peek('E')) {
      whole = false;
      at++;
      if (peek('+') || peek('-')) {
        at++;
      }
      digits();
    }
    String number = text.substring(start, at);
    if (number.length() > 400) {
      throw bad("a number of at most 400 characters");
    }
    if (!whole) {
      double value = Double.parseDouble(number);
      if (Double.isInfinite(value)) {
        throw bad("a number within ±" + Double.MAX_VALUE);
      }
      return value;
    }
    try {
      return new BigDecimal(number).longValueExact();
    } catch (ArithmeticException e) {
      throw bad("a whole number within ±2^63");
    }
  }

  private void digits() throws FormatException {
    if (at == text.length() || !isDigit(text.charAt(at))) {
      throw bad("a digit");
    }
    while (at < text.length() && isDigit(text.charAt(at))) {
      at++;
    }
  }

  private Object word(String word, Object value) throws FormatException {
    if (!text.startsWith(word, at)) {
      throw bad("a value");
    }
    at += word.length();
    return value;
  }

  private void expect(char c) throws FormatException {
    if (!peek(c)) {
      throw bad("'" + c + "'");
    }
    at++;
  }

  private boolean peek(char c) {
    return at < text.length() && text.charAt(at) == c;
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private void skipSpace() {
    while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  private FormatException bad(String what) {
    return new FormatException(
        "json", "need " + what, "file", source, "path", path(path), "at", at);
  }

  private static String path(List<Object> path) {
    StringBuilder out = new StringBuilder("$");
    for (Object part : path) {
      if (part instanceof Integer index) {
        out.append('[').append(index).append(']');
      } else if (!part.equals("")) {
        out.append('.').append(Texts.shorten((String) part));
      }
    }
    return out.toString();
  }
}
