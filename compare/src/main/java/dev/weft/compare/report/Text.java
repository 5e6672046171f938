package dev.weft.compare.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;

/** Numbers in words. */
final class Text {
  private static final MathContext THREE = new MathContext(3, RoundingMode.HALF_EVEN);
  private static final String NARROW = "\u202F"; // a space that does not break

  private Text() {}

  /** Three significant digits. */
  static String digits(double value) {
    if (!Double.isFinite(value)) {
      return Double.isNaN(value) ? "–" : value < 0 ? "−∞" : "∞";
    }
    if (value == 0) {
      return "0";
    }
    double size = Math.abs(value);
    if (size >= 1e6 || size < 1e-3) {
      String[] parts = String.format(Locale.ROOT, "%.2e", value).split("e");
      return parts[0].replace('-', '−') + "·10" + raised(Integer.parseInt(parts[1]));
    }
    BigDecimal rounded = new BigDecimal(value).round(THREE);
    int scale = Math.max(0, THREE.getPrecision() - rounded.precision() + rounded.scale());
    return grouped(rounded.setScale(scale, RoundingMode.UNNECESSARY).toPlainString());
  }

  /** A value that is round: no more digits than it has. */
  static String tick(double value) {
    double size = Math.abs(value);
    if (size >= 1e4 || size > 0 && size < 1e-3) {
      int exponent = (int) Math.floor(Math.log10(size) + 1e-9);
      double scaled = // 10 to the power of the exponent of the least numbers is 0
          exponent < -300
              ? value * 1e300 / Math.pow(10, exponent + 300)
              : value / Math.pow(10, exponent);
      String digit = plain(scaled);
      return (digit.equals("1") ? "" : digit + "·") + "10" + raised(exponent);
    }
    return grouped(plain(value));
  }

  /** Bytes with a binary unit. */
  static String bytes(double bytes) {
    String[] units = {"B", "KiB", "MiB", "GiB", "TiB"};
    int u = 0;
    double value = bytes;
    while (value >= 1024 && u < units.length - 1) {
      value /= 1024;
      u++;
    }
    return (value == Math.rint(value) ? String.format(Locale.ROOT, "%.0f", value) : digits(value))
        + NARROW
        + units[u];
  }

  /** How many times as much. */
  static String times(double ratio) {
    return digits(ratio) + "×";
  }

  /** A part of a whole. */
  static String percent(double share) {
    return digits(100 * share) + NARROW + "%";
  }

  /** An interval; rates are not negative, whatever Student's distribution says. */
  static String interval(double low, double high) {
    return digits(Math.max(0, low)) + "–" + digits(high);
  }

  /** Several of what {@code one} is. */
  static String count(long n, String one) {
    return n + " " + one + (n == 1 ? "" : "s");
  }

  private static String plain(double value) {
    return new BigDecimal(value)
        .round(THREE)
        .stripTrailingZeros()
        .toPlainString()
        .replace('-', '−');
  }

  private static String grouped(String digits) {
    String text = digits.replace('-', '−');
    return text.matches("−?\\d{5,}") ? text.replaceFirst("(\\d{3})$", NARROW + "$1") : text;
  }

  private static String raised(int exponent) {
    StringBuilder text = new StringBuilder();
    for (char c : Integer.toString(exponent).toCharArray()) {
      text.append(c == '-' ? '⁻' : "⁰¹²³⁴⁵⁶⁷⁸⁹".charAt(c - '0'));
    }
    return text.toString();
  }
}
