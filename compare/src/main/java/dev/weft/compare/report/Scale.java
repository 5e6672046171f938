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

  /**
   * Makes of any ends two finite numbers, in order, and above 0 where there are logarithms.
   *
   * @param low may be NaN or infinite, as whatever was added to the least value made it
   */
  Scale {
    double least = kind == Kind.LINEAR ? -Double.MAX_VALUE : Double.MIN_VALUE;
    low = Double.isNaN(low) ? least : Math.clamp(low, least, Double.MAX_VALUE);
    high = Double.isNaN(high) ? low : Math.clamp(high, low, Double.MAX_VALUE);
  }

  /** Where {@code value} is; at the end of the axis if it lies beyond it, or is NaN. */
  double at(double value) {
    double inside = value > low ? Math.min(value, high) : low;
    double share = kind == Kind.LINEAR ? linear(inside) : logarithmic(inside);
    return from + share * (to - from);
  }

  private double linear(double value) {
    if (low == high) {
      return 0.5;
    }
    double span = high - low;
    return Double.isFinite(span)
        ? (value - low) / span
        : (value / 2 - low / 2) / (high / 2 - low / 2);
  }

  private double logarithmic(double value) {
    if (low == high) {
      return 0.5;
    }
    double span = high / low;
    return Double.isFinite(span)
        ? Math.log(value / low) / Math.log(span)
        : (Math.log(value) - Math.log(low)) / (Math.log(high) - Math.log(low));
  }

  /** Round values from low to high, ascending; a handful, whatever the ends are. */
  List<Double> ticks() {
    return switch (kind) {
      case LINEAR -> multiples();
      case DECADES -> high / low < 60 ? decimals() : powers(10);
      case OCTAVES -> powers(2);
    };
  }

  private List<Double> multiples() {
    double span = high - low;
    double raw = Double.isFinite(span) ? span / TICKS : high / TICKS - low / TICKS;
    double power = raw > 0 ? Math.pow(10, Math.floor(Math.log10(raw))) : 0;
    double digit = raw / power;
    double step = power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
    double first = Math.ceil(low / step - 1e-9);
    if (!(power > 0) || !(Math.abs(first) < 0x1p53)) { // no round number lies between the ends
      return low == high ? List.of(low) : List.of(low, high);
    }
    List<Double> ticks = new ArrayList<>();
    for (double tick = first; tick <= first + 2 * TICKS; tick++) {
      double value = tick * step + 0.0; // +0.0: no negative zero
      if (value > high + 1e-9 * step || !Double.isFinite(value)) {
        break;
      }
      ticks.add(value);
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
      double tick = Math.pow(base, e);
      if (tick > 0 && Double.isFinite(tick)) {
        ticks.add(tick);
      }
    }
    return ticks;
  }
}
