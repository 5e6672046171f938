package dev.weft.compare.report;

import java.util.ArrayList;
import java.util.List;

/**
 * Where values lie along an axis.
 *
 * @param low the value at {@code from}
 * @param high the value at {@code to}
 */
record Scale(double low, double high, double from, double to, Kind kind) {
  /** How values are spaced, and which of them are round. */
  enum Kind {
    LINEAR,
    /** Logarithmic, with powers of ten and, on short axes, 2 and 5 of them. */
    DECADES,
    /** Logarithmic, with powers of two. */
    OCTAVES
  }

  private static final int TICKS = 5;

  /** Where {@code value} is. */
  double at(double value) {
    double share =
        kind == Kind.LINEAR
            ? (value - low) / (high - low)
            : Math.log(value / low) / Math.log(high / low);
    return from + share * (to - from);
  }

  /** Round values from low to high. */
  List<Double> ticks() {
    return switch (kind) {
      case LINEAR -> multiples();
      case DECADES -> high / low < 60 ? decimals() : powers(10);
      case OCTAVES -> powers(2);
    };
  }

  private List<Double> multiples() {
    List<Double> ticks = new ArrayList<>();
    double raw = (high - low) / TICKS;
    double power = Math.pow(10, Math.floor(Math.log10(raw)));
    double digit = raw / power;
    double step = power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
    for (double tick = Math.ceil(low / step - 1e-9); tick * step <= high + 1e-9 * step; tick++) {
      ticks.add(tick * step + 0.0); // +0.0: no negative zero
    }
    return ticks;
  }

  private List<Double> decimals() {
    List<Double> ticks = new ArrayList<>();
    for (int e = (int) Math.floor(Math.log10(low)); e <= Math.log10(high); e++) {
      for (int digit : new int[] {1, 2, 5}) {
        double tick = digit * Math.pow(10, e);
        if (tick >= low && tick <= high) {
          ticks.add(tick);
        }
      }
    }
    return ticks;
  }

  private List<Double> powers(int base) {
    List<Double> ticks = new ArrayList<>();
    double unit = Math.log(base);
    int first = (int) Math.ceil(Math.log(low) / unit - 1e-9);
    int last = (int) Math.floor(Math.log(high) / unit + 1e-9);
    int step = Math.max(1, (last - first + TICKS) / TICKS);
    for (int e = Math.ceilDiv(first, step) * step; e <= last; e += step) {
      ticks.add(Math.pow(base, e));
    }
    return ticks;
  }
}
