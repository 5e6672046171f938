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
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * weft beside the others in one run, task by task.
 *
 * @param results the run
 * @param heldBack the other libraries that were not at their best in it
 */
record Contest(Results results, List<HeldBack> heldBack) {

  Contest(Results results) {
    this(results, HeldBack.in(results));
  }

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

  /**
   * Ratios of a suite, to one library or to the best of each task.
   *
   * @param least the pair with the least ratio
   */
  record Sum(double geometricMean, Pair least, int faster, int same, int slower) {
    int tasks() {
      return faster + same + slower;
    }
  }

  /** A contestant's library, without what is said of how it did its task. */
  static String peer(Measurement other) {
    return peer(other.contestant());
  }

  static String peer(String contestant) {
    return contestant.replaceFirst("( \\(|, ).*", "");
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

  /** Why another was not at its best in its task; empty if it was, or if that is not known. */
  Optional<HeldBack> heldBack(Measurement it) {
    return heldBack.stream().filter(each -> each.covers(it)).findFirst();
  }

  /** The contestant's name, with the mark if it was held back. */
  String marked(Measurement it) {
    return it.contestant() + (heldBack(it).isPresent() ? " " + HeldBack.MARK : "");
  }

  /** Those that did something of a suite which they were held back in. */
  List<HeldBack> heldBack(Suite suite) {
    return heldBack.stream()
        .filter(
            each ->
                results.measurements().stream()
                    .anyMatch(it -> it.task().suite() == suite && each.covers(it)))
        .toList();
  }

  /** Why a library was not at its best in a suite; empty if it was, or if that is not known. */
  Optional<HeldBack> heldBack(Suite suite, String peer) {
    return heldBack(suite).stream().filter(each -> each.library().equals(peer)).findFirst();
  }

  /** Those of all suites. */
  List<Pair> pairs() {
    return Arrays.stream(Suite.values()).flatMap(suite -> pairs(suite).stream()).toList();
  }

  /** Those with libraries that were not held back. */
  List<Pair> fairPairs() {
    return pairs().stream().filter(it -> heldBack(it.other()).isEmpty()).toList();
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

  /**
   * The fastest other in every task of a suite that weft did as well, whoever it is. A task in
   * which all others were held back does not count.
   */
  List<Pair> best(Suite suite) {
    return tasks(suite).values().stream().flatMap(task -> best(task).stream()).toList();
  }

  /** The same of one task, whose fastest comes first. */
  Optional<Pair> best(List<Measurement> task) {
    List<Measurement> others = task.stream().filter(it -> !it.byWeft()).toList();
    return others.stream().anyMatch(it -> heldBack(it).isEmpty())
        ? weft(task).map(weft -> new Pair(weft, others.getFirst()))
        : Optional.empty();
  }

  /** The least number of JVMs that one of weft's rates is of, where it stands beside another. */
  int jvms() {
    return pairs().stream().mapToInt(it -> it.weft().jvms()).min().orElse(0);
  }

  /** What ran, in their own words, of those whose measurements these are. */
  static String ran(Stream<Measurement> of) {
    return of.map(Measurement::ran)
        .filter(it -> !it.isEmpty())
        .distinct()
        .collect(Collectors.joining("; "));
  }

  /** What is known of every contestant's library: its version and what ran. */
  Map<String, String> libraries() {
    Map<String, String> libraries = new LinkedHashMap<>();
    results.machine().ifPresent(it -> libraries.putAll(it.libraries()));
    Map<String, List<Measurement>> measured =
        results.measurements().stream()
            .collect(
                Collectors.groupingBy(
                    it -> it.byWeft() ? "weft" : peer(it),
                    LinkedHashMap::new,
                    Collectors.toList()));
    measured.forEach(
        (library, of) -> {
          String ran = ran(of.stream());
          if (!ran.isEmpty()) {
            libraries.merge(library, "ran " + ran, (version, it) -> version + "; " + it);
          }
        });
    return libraries;
  }

  /** The other libraries, in the order in which they first appear. */
  Set<String> peers() {
    Set<String> peers = new LinkedHashSet<>();
    for (Suite suite : Suite.values()) {
      pairs(suite).forEach(pair -> peers.add(pair.peer()));
    }
    return peers;
  }

  /** Against one library; empty if it did nothing of the suite, or was held back in it. */
  Optional<Sum> sum(Suite suite, String peer) {
    return heldBack(suite, peer).isPresent()
        ? Optional.empty()
        : sum(pairs(suite).stream().filter(it -> it.peer().equals(peer)).toList());
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
            pairs.stream().min(Comparator.comparingDouble(Pair::ratio)).orElseThrow(),
            count(pairs, Verdict.FASTER),
            count(pairs, Verdict.SAME),
            count(pairs, Verdict.SLOWER)));
  }

  private static int count(List<Pair> pairs, Verdict verdict) {
    return (int) pairs.stream().filter(it -> it.verdict() == verdict).count();
  }
}
