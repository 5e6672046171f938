package dev.weft.compare.report;

import dev.weft.compare.Measurement;
import dev.weft.compare.Results;
import dev.weft.compare.Verdict;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What differs between two runs.
 *
 * @param changes of every task and contestant that both have, the slowest first
 */
public record Changes(List<Change> changes) {
  /**
   * One task by one contestant.
   *
   * @param before in the first run
   * @param after in the second
   */
  public record Change(Measurement before, Measurement after) {
    /** How many times as fast it is. */
    public double ratio() {
      return after.rate() / before.rate();
    }

    /** The least ratio that the intervals allow. */
    public double low() {
      return Math.max(0, after.low()) / before.high();
    }

    /** The greatest ratio that the intervals allow; infinite if that before may be 0. */
    public double high() {
      return before.low() > 0 ? after.high() / before.low() : Double.POSITIVE_INFINITY;
    }

    /** Whether it is faster or slower beyond both intervals. */
    public Verdict verdict() {
      return after.against(before);
    }
  }

  /** From one run to another. */
  public static Changes between(Results before, Results after) {
    return between(before, after.measurements());
  }

  /** From a run to what was measured since. */
  public static Changes between(Results before, List<Measurement> after) {
    List<Change> changes = new ArrayList<>();
    for (Measurement it : after) {
      before.of(it.task(), it.contestant()).ifPresent(old -> changes.add(new Change(old, it)));
    }
    changes.sort(Comparator.comparingDouble(Change::ratio));
    return new Changes(List.copyOf(changes));
  }

  /** Those that are as {@code verdict} says. */
  public List<Change> of(Verdict verdict) {
    return changes.stream().filter(it -> it.verdict() == verdict).toList();
  }
}
