package dev.weft;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;

/**
 * How fast the backends of this machine are, as measured by {@link Weft#calibrate}: what {@link
 * Weft#plan} and {@link Weft#open(Work)} go by.
 *
 * <p>It is of backends with {@link BackendOptions#DEFAULT}, and for the versions of weft and the
 * JDK, the processor and the devices that it was made with; with others it is not used.
 *
 * @since 0.1
 */
public final class Calibration {
  private final String key;
  private final Instant made;
  private final double seconds;
  private final List<BackendCosts> costs;

  /**
   * @param key for what machine and versions
   * @param costs of each backend, the one of the highest rank first; not empty
   */
  Calibration(String key, Instant made, double seconds, List<BackendCosts> costs) {
    this.key = key;
    this.made = made.truncatedTo(ChronoUnit.SECONDS);
    this.seconds = seconds;
    this.costs = List.copyOf(costs);
  }

  /** When it was measured, to the second. */
  public Instant made() {
    return made;
  }

  /** How long the measuring took. */
  public double seconds() {
    return seconds;
  }

  /**
   * The backends that were measured, the one of the highest rank first. Equal devices are measured
   * once, and stand here under the first one's name.
   */
  public List<String> backends() {
    return costs.stream().map(BackendCosts::backend).toList();
  }

  /** What {@code work} would take on each of {@link #backends}, and which is chosen. */
  public Plan plan(Work work) {
    return Plan.of(work, costs.stream().map(each -> each.estimate(work)).toList());
  }

  String key() {
    return key;
  }

  List<BackendCosts> costs() {
    return costs;
  }

  /** A table of the figures, a line for each cost and a column for each backend. */
  public String explain() {
    StringBuilder text = new StringBuilder(toString()).append('\n');
    text.append(String.format(Locale.ROOT, "  %-14s", ""));
    costs.forEach(each -> text.append(String.format(Locale.ROOT, " %22s", each.backend())));
    text.append('\n');
    for (Cost cost : Cost.values()) {
      text.append(String.format(Locale.ROOT, "  %-14s", cost.id()));
      for (BackendCosts each : costs) {
        Cost.Line line = each.lines().get(cost);
        text.append(String.format(Locale.ROOT, " %22s", line == null ? "none" : cell(cost, line)));
      }
      text.append('\n');
    }
    return text.append("  each: what one operation takes, and units a second\n").toString();
  }

  private static String cell(Cost cost, Cost.Line line) {
    String overhead = Plan.time(line.overheadSeconds());
    if (cost == Cost.SYNCHRONIZE) {
      return overhead;
    }
    String unit =
        switch (cost) {
          case STORE, PASS, UPDATE, COPY_IN, COPY_OUT -> "GB/s";
          case GEMM_F32, GEMM_F64 -> "GFLOP/s";
          case SYNCHRONIZE, UNIFORM, NORMAL -> "G/s";
        };
    return String.format(Locale.ROOT, "%s, %.3g %s", overhead, 1e-9 / line.secondsPerUnit(), unit);
  }

  /** For example {@code calibration of 2026-01-02T03:04:05Z: cpu, scalar}. */
  @Override
  public String toString() {
    return "calibration of " + made + ": " + String.join(", ", backends());
  }
}
