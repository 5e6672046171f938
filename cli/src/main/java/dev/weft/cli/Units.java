package dev.weft.cli;

import dev.weft.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Quantities in words for people; scripts read JSON. */
final class Units {
  private static final String[] PREFIXES = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};

  private Units() {}

  /** For example {@code 1.5 MiB}. */
  static String bytes(long count) {
    int power = 0;
    double value = count;
    while (Math.abs(value) >= 1024 && power < PREFIXES.length - 1) {
      value /= 1024;
      power++;
    }
    return format(power == 0 ? "%.0f %sB" : "%.1f %sB", value, PREFIXES[power]);
  }

  /** Dimensions for JSON. */
  static List<Long> dims(Shape shape) {
    return Arrays.stream(shape.dims()).boxed().toList();
  }

  /** Seconds with three digits, for example {@code 0.012 s}. */
  static String seconds(double seconds) {
    return format("%.3f s", seconds);
  }

  /** {@link String#format} with a decimal point on every machine. */
  static String format(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
