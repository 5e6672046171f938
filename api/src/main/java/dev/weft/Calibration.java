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
  private final List<String> contradictions;

  /**
   * @param key for what machine and versions
   * @param costs of each backend, the one of the highest rank first; not empty
   */
  Calibration(String key, Instant made, double seconds, List<BackendCosts> costs) {
    this(key, made, seconds, costs, contradictionsOf(costs));
  }

  private static List<String> contradictionsOf(List<BackendCosts> costs) {
    Contradictions contradictions = new Contradictions();
    contradictions.figures(costs);
    return contradictions.found();
  }

  /** The same, where measuring has shown {@code contradictions}. */
  Calibration(
      String key,
      Instant made,
      double seconds,
      List<BackendCosts> costs,
      List<String> contradictions) {
    this.key = key;
    this.made = made.truncatedTo(ChronoUnit.SECONDS);
    this.seconds = seconds;
    this.costs = List.copyOf(costs);
    this.contradictions = List.copyOf(contradictions);
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

  /**
   * What these figures contradict themselves in, each {@code calibrate: need …, got …}: mostly
   * since other programs took the processors while they were measured. Empty if they are sound.
   * Others are not kept, nothing is chosen by them, and a later {@link Weft#plan} measures again.
   */
  public List<String> contradictions() {
    return contradictions;
  }

  /**
   * What {@code work} would take on each of {@link #backends}, and which is chosen: the best by
   * rank if there are {@link #contradictions}.
   */
  public Plan plan(Work work) {
    List<Plan.Estimate> estimates = costs.stream().map(each -> each.estimate(work)).toList();
    return contradictions.isEmpty()
        ? Plan.of(work, estimates)
        : new Plan(
            work,
            estimates,
            estimates.getFirst().backend(),
            estimates.getFirst().backend() + ", the best by rank; " + refusal());
  }

  /** That and why this is not kept: one line for each contradiction. */
  String refusal() {
    return "this calibration contradicts itself, is not kept and is measured again later:\n    "
        + String.join("\n    ", contradictions);
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
    text.append("  each: what one operation takes, and units a second\n");
    return contradictions.isEmpty() ? text.toString() : text + "  " + refusal() + "\n";
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
