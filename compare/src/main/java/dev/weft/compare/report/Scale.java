package dev.weft.compare.report;

import java.util.ArrayList;
import java.util.List;

/**
 * Where values lie along an axis.
 *
 * @param low the value at {@code from}
 * @param high the value at {@code to}
 * @param logarithmic or linear
 */
record Scale(double low, double high, double from, double to, boolean logarithmic) {
  private static final int TICKS = 5;

  /** Where {@code value} is. */
  double at(double value) {
    double share =
        logarithmic ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    return from + share * (to - from);
  }

  /** Round values from low to high: powers of ten, or multiples of 1, 2 or 5 of one. */
  List<Double> ticks() {
    List<Double> ticks = new ArrayList<>();
    if (logarithmic) {
      int first = (int) Math.ceil(Math.log10(low) - 1e-9);
      int last = (int) Math.floor(Math.log10(high) + 1e-9);
      int step = Math.max(1, (last - first + TICKS) / TICKS);
      for (int e = first; e <= last; e += step) {
        ticks.add(Math.pow(10, e));
      }
      return ticks;
    }
    double raw = (high - low) / TICKS;
    double power = Math.pow(10, Math.floor(Math.log10(raw)));
    double digit = raw / power;
    double step = power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
    for (double tick = Math.ceil(low / step - 1e-9); tick * step <= high + 1e-9 * step; tick++) {
      ticks.add(tick * step);
    }
    return ticks;
  }
}
