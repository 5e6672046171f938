package dev.weft.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleSupplier;

/**
 * Interleaved measurements: every contestant runs for a short time in every round, so that what
 * disturbs the machine disturbs them alike. A ratio is the median of the rounds' ratios.
 */
final class Rounds {
  private static final int LEAST_WARM_UP = 20;
  private static final int MOST_WARM_UP = 100;
  private static final int CALM_ROUNDS = 10;
  private static final double IMPROVEMENT = 1.05;

  private final long nanos;
  private final Map<String, DoubleSupplier> contestants = new LinkedHashMap<>();
  private final Map<String, double[]> rates = new LinkedHashMap<>();
  private final List<Runnable> checks = new ArrayList<>();

  /**
   * No contestants yet.
   *
   * @param nanos how long each runs in a round
   */
  Rounds(long nanos) {
    this.nanos = nanos;
  }

  /** Adds {@code call}, which does {@code units} units of work; its rate is units per second. */
  void add(String name, double units, Runnable call) {
    contestants.put(name, () -> units * callsPerSecond(call, nanos));
  }

  /** Adds a contestant that measures its own rate. */
  void add(String name, DoubleSupplier rate) {
    contestants.put(name, rate);
  }

  /** Adds what must hold before and after everything is timed; it throws if it does not. */
  void require(Runnable check) {
    checks.add(check);
  }

  /** Checks, warms up, measures and checks again: other code may be at work by then. */
  void run(int rounds) {
    checks.forEach(Runnable::run);
    warmUp();
    measure(rounds);
    checks.forEach(Runnable::run);
  }

  /** Runs rounds until no contestant gets faster: until all that is hot has been compiled. */
  private void warmUp() {
    Map<String, Double> best = new HashMap<>();
    int calm = 0;
    for (int r = 0; r < MOST_WARM_UP && (r < LEAST_WARM_UP || calm < CALM_ROUNDS); r++) {
      calm++;
      for (Map.Entry<String, DoubleSupplier> contestant : contestants.entrySet()) {
        double rate = contestant.getValue().getAsDouble();
        double before = best.getOrDefault(contestant.getKey(), 0.0);
        best.put(contestant.getKey(), Math.max(before, rate));
        if (rate > before * IMPROVEMENT) {
          calm = 0;
        }
      }
    }
  }

  /** Runs {@code rounds} rounds. */
  void measure(int rounds) {
    for (int r = 0; r < rounds; r++) {
      for (Map.Entry<String, DoubleSupplier> contestant : contestants.entrySet()) {
        rates.computeIfAbsent(contestant.getKey(), name -> new double[rounds])[r] =
            contestant.getValue().getAsDouble();
      }
    }
  }

  /** Whether {@code name} ran. */
  boolean has(String name) {
    return rates.containsKey(name);
  }

  /** Names in the order in which they run. */
  Iterable<String> names() {
    return rates.keySet();
  }

  /** The median rate of {@code name}. */
  double rate(String name) {
    return median(rates.get(name));
  }

  /** The highest rate of {@code name}: far above the median on a machine that is not quiet. */
  double best(String name) {
    return Arrays.stream(rates.get(name)).max().getAsDouble();
  }

  /** Half the range of the middle half of the rates, as a share of the median. */
  double spread(String name) {
    double[] sorted = rates.get(name).clone();
    Arrays.sort(sorted);
    int quarter = sorted.length / 4;
    return (sorted[sorted.length - 1 - quarter] - sorted[quarter]) / 2 / median(sorted);
  }

  /** The median over the rounds of the rate of {@code name} over that of {@code other}. */
  double ratio(String name, String other) {
    double[] a = rates.get(name);
    double[] b = rates.get(other);
    double[] ratios = new double[a.length];
    for (int r = 0; r < ratios.length; r++) {
      ratios[r] = a[r] / b[r];
    }
    return median(ratios);
  }

  /** The median of {@code values}, the mean of the middle two if they are even in number. */
  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
  }

  /** How often {@code call} runs in a second, by as many calls as take {@code nanos}. */
  static double callsPerSecond(Runnable call, long nanos) {
    long start = System.nanoTime();
    call.run();
    long first = System.nanoTime() - start;
    long batch = Math.max(1, nanos / 16 / Math.max(1, first));
    long calls = 0;
    long now;
    start = System.nanoTime();
    do {
      for (long i = 0; i < batch; i++) {
        call.run();
      }
      calls += batch;
      now = System.nanoTime();
    } while (now - start < nanos);
    return calls * 1e9 / (now - start);
  }
}
