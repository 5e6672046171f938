package dev.weft.compare.report;

import dev.weft.compare.Measurement;
import dev.weft.compare.Results;
import dev.weft.compare.Suite;
import dev.weft.compare.Task;
import dev.weft.compare.Verdict;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * weft beside the others in one run, task by task.
 *
 * @param results the run
 */
record Contest(Results results) {

  /**
   * weft's best beside another.
   *
   * @param weft the fastest of weft's in this task
   * @param other another library in the same task
   */
  record Pair(Measurement weft, Measurement other) {
    double ratio() {
      return weft.rate() / other.rate();
    }

    double low() {
      return Math.max(0, weft.low()) / other.high();
    }

    double high() {
      return other.low() > 0 ? weft.high() / other.low() : Double.POSITIVE_INFINITY;
    }

    Verdict verdict() {
      return weft.against(other);
    }

    /** The library, without what is said of how it did it. */
    String peer() {
      return Contest.peer(other);
    }
  }

  /** Ratios of a suite against one library. */
  record Sum(double geometricMean, int faster, int same, int slower) {
    int tasks() {
      return faster + same + slower;
    }
  }

  static String peer(Measurement other) {
    return other.contestant().replaceFirst("( \\(|, ).*", "");
  }

  /** Tasks in the order in which they were measured, with all that did each. */
  Map<Task, List<Measurement>> tasks(Suite suite) {
    Map<Task, List<Measurement>> tasks = new LinkedHashMap<>();
    for (Measurement it : results.measurements()) {
      if (it.task().suite() == suite) {
        tasks.computeIfAbsent(it.task(), key -> new ArrayList<>()).add(it);
      }
    }
    tasks
        .values()
        .forEach(all -> all.sort(Comparator.comparingDouble(Measurement::rate).reversed()));
    return tasks;
  }

  /**
   * weft's best in a task. One that does less than others of its task, as its name then says behind
   * a comma ({@code loss not read}), counts only where it is alone.
   */
  static Optional<Measurement> weft(List<Measurement> task) {
    return task.stream()
        .filter(Measurement::byWeft)
        .max(
            Comparator.comparing((Measurement it) -> !it.contestant().contains(", "))
                .thenComparing(Measurement::rate));
  }

  /** Those of all suites. */
  List<Pair> pairs() {
    return Arrays.stream(Suite.values()).flatMap(suite -> pairs(suite).stream()).toList();
  }

  /** Every other library in every task of a suite that weft did as well. */
  List<Pair> pairs(Suite suite) {
    List<Pair> pairs = new ArrayList<>();
    for (List<Measurement> task : tasks(suite).values()) {
      weft(task)
          .ifPresent(
              weft ->
                  task.stream()
                      .filter(it -> !it.byWeft())
                      .forEach(other -> pairs.add(new Pair(weft, other))));
    }
    return pairs;
  }

  /** The other libraries, in the order in which they first appear. */
  Set<String> peers() {
    Set<String> peers = new LinkedHashSet<>();
    for (Suite suite : Suite.values()) {
      pairs(suite).forEach(pair -> peers.add(pair.peer()));
    }
    return peers;
  }

  /** Against one library; empty if it did nothing of the suite. */
  Optional<Sum> sum(Suite suite, String peer) {
    return sum(pairs(suite).stream().filter(it -> it.peer().equals(peer)).toList());
  }

  /** Of some tasks; empty if there are none. */
  static Optional<Sum> sum(List<Pair> pairs) {
    if (pairs.isEmpty()) {
      return Optional.empty();
    }
    double logs = pairs.stream().mapToDouble(it -> Math.log(it.ratio())).average().orElseThrow();
    return Optional.of(
        new Sum(
            Math.exp(logs),
            count(pairs, Verdict.FASTER),
            count(pairs, Verdict.SAME),
            count(pairs, Verdict.SLOWER)));
  }

  private static int count(List<Pair> pairs, Verdict verdict) {
    return (int) pairs.stream().filter(it -> it.verdict() == verdict).count();
  }
}
