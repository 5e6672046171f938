package dev.weft;

import java.util.List;
import java.util.Locale;

/**
 * What a work would take on each backend, by the figures of a {@link Calibration}, and which of
 * them {@code auto} takes for it.
 *
 * <p>Estimates are those of a simple model: for each operation an overhead, and a time for each
 * element, byte or floating-point operation; for products at least the time of their bytes. They
 * are good enough to tell a backend that is several times slower, and no promise.
 *
 * @param work what is to be done
 * @param estimates of every backend that was measured, the one of the highest rank first
 * @param chosen the name of the backend that {@code auto} takes: of those with room for the work
 *     the fastest, or the first whose estimate is the same but for {@link #TIE} or {@link
 *     #TIE_SECONDS}; the best by rank where the calibration contradicts itself
 * @param reason why, in words
 * @since 0.1
 */
public record Plan(Work work, List<Estimate> estimates, String chosen, String reason) {
  /** Estimates this close, as a ratio, are the same: the rank decides. */
  public static final double TIE = 1.1;

  /** Or this close, as a difference: less is not worth another backend. */
  public static final double TIE_SECONDS = 10e-6;

  /** Keeps a copy of the estimates. */
  public Plan {
    estimates = List.copyOf(estimates);
  }

  /**
   * What a work would take on one backend.
   *
   * @param backend its name
   * @param residentSeconds with operands in the backend's memory; positive
   * @param transferSeconds more where the operands are on the host: 0 for a backend that works
   *     there
   * @param hasRoom whether the operands fit within the backend's limit of memory
   */
  public record Estimate(
      String backend, double residentSeconds, double transferSeconds, boolean hasRoom) {
    /** Seconds with operands that are where {@code operands} says. */
    public double seconds(Work.Operands operands) {
      return operands == Work.Operands.HOST ? residentSeconds + transferSeconds : residentSeconds;
    }
  }

  /** The choice among {@code estimates}, which are not empty. */
  static Plan of(Work work, List<Estimate> estimates) {
    List<Estimate> roomy = estimates.stream().filter(Estimate::hasRoom).toList();
    List<Estimate> eligible = roomy.isEmpty() ? estimates : roomy;
    Estimate fastest = eligible.getFirst();
    for (Estimate each : eligible) {
      fastest = seconds(work, each) < seconds(work, fastest) ? each : fastest;
    }
    double least = seconds(work, fastest);
    double most = Math.max(TIE * least, least + TIE_SECONDS);
    Estimate chosen =
        eligible.stream().filter(each -> seconds(work, each) <= most).findFirst().orElseThrow();
    StringBuilder reason = new StringBuilder();
    if (roomy.isEmpty()) {
      reason.append("no backend has room; ");
    }
    reason.append(chosen.backend()).append(' ').append(time(seconds(work, chosen)));
    for (Estimate other : estimates) {
      if (other != chosen) {
        reason.append(", ").append(other.backend()).append(' ');
        boolean passedOver = !roomy.isEmpty() && !other.hasRoom();
        reason.append(passedOver ? "has no room" : time(seconds(work, other)));
      }
    }
    if (chosen != fastest) {
      reason.append("; a tie, which the rank decides");
    }
    return new Plan(work, estimates, chosen.backend(), reason.toString());
  }

  private static double seconds(Work work, Estimate estimate) {
    return estimate.seconds(work.operands());
  }

  /** A table of the estimates, and the choice. */
  public String explain() {
    StringBuilder text = new StringBuilder(work.toString()).append('\n');
    text.append(String.format(Locale.ROOT, "  %-10s %12s %12s\n", "", "resident", "from host"));
    for (Estimate each : estimates) {
      String note = each.hasRoom() ? "" : "  no room";
      text.append(
          String.format(
              Locale.ROOT,
              "  %-10s %12s %12s%s\n",
              each.backend(),
              time(each.residentSeconds()),
              time(each.seconds(Work.Operands.HOST)),
              each.backend().equals(chosen) ? note + "  chosen" : note));
    }
    return text.append("  ").append(reason).append('\n').toString();
  }

  /** One line: the work, the choice and the reason. */
  @Override
  public String toString() {
    return work + ": " + chosen + " (" + reason + ")";
  }

  /** Three digits and a unit: {@code 1.25 ms}. */
  static String time(double seconds) {
    double most = 1;
    String[] units = {"s", "ms", "µs", "ns"};
    int unit = 0;
    while (unit < units.length - 1 && seconds < most) {
      most /= 1000;
      unit++;
    }
    double value = seconds / most;
    int decimals = value >= 100 ? 0 : value >= 10 ? 1 : 2;
    return String.format(Locale.ROOT, "%." + decimals + "f %s", value, units[unit]);
  }
}
