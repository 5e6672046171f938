package dev.weft.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * How something that a process holds went over a run. The first quarter is left out: classes are
 * loaded and code is compiled in it. What it grew is the median of the last quarter less that of
 * the second, so that single samples do not count.
 *
 * @param name of what was sampled, with its unit
 * @param samples in the order of time
 * @param tolerance the most that it may grow and be flat
 */
record Trend(String name, double[] samples, double tolerance) {
  private static final int FEWEST = 4;

  /** Checks that there are samples, and copies them. */
  Trend {
    if (samples.length == 0) {
      throw new IllegalArgumentException("trend: need samples, got name=" + name);
    }
    samples = samples.clone();
  }

  /** What it was before. */
  double before() {
    int count = samples.length;
    return count < FEWEST ? samples[0] : median(count / 4, Math.max(count / 2, count / 4 + 1));
  }

  /** What it was in the end. */
  double after() {
    int count = samples.length;
    return count < FEWEST ? samples[count - 1] : median(count * 3 / 4, count);
  }

  double most() {
    return Arrays.stream(samples).max().orElseThrow();
  }

  /** Whether it did not grow by more than the tolerance; NaN is not flat. */
  boolean isFlat() {
    return after() - before() <= tolerance;
  }

  private double median(int from, int to) {
    double[] sorted = Arrays.copyOfRange(samples, from, to);
    Arrays.sort(sorted);
    int half = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }

  /** A line for each of them. */
  static String table(List<Trend> trends) {
    StringBuilder table =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                "%-28s %10s %10s %10s %10s %10s  %s%n",
                "held",
                "first",
                "2nd qtr",
                "last qtr",
                "most",
                "may grow",
                "flat"));
    for (Trend trend : trends) {
      table.append(
          String.format(
              Locale.ROOT,
              "%-28s %10.1f %10.1f %10.1f %10.1f %10.1f  %s%n",
              trend.name,
              trend.samples[0],
              trend.before(),
              trend.after(),
              trend.most(),
              trend.tolerance,
              trend.isFlat() ? "yes" : "NO"));
    }
    return table.toString();
  }
}
