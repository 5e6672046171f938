package dev.weft;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Measures backends in turn, so that what disturbs one of them disturbs all.
 *
 * <p>First all operations of all backends are called until none becomes faster and the JVM has
 * nothing more to compile. It does that in the background, some vector loops for a second, and what
 * is not compiled yet is up to a thousand times slower. Then everything is measured in {@value
 * #ROUNDS} rounds. Where these contradict themselves ({@link Contradictions}) all of it is repeated
 * while there is time.
 *
 * <p>The times below were chosen on two shared cores with AVX-512 (November 2026); with a shorter
 * warm-up some calibrations there had figures of code that was not compiled.
 */
final class CalibrationRounds implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger("dev.weft");

  /** For each backend: after it no warm-up goes on and nothing is repeated. */
  private static final long MOST_NANOS = 25_000_000_000L;

  /** To see whether the JVM compiles, and the time of processors beyond which it does. */
  private static final int PAUSE_MILLIS = 50;

  private static final long COMPILING_NANOS = 5_000_000;

  /** How often in succession it must not: what it has compiled may lead to more. */
  private static final int QUIET_ROUNDS = 3;

  /** Before that the JVM has not seen enough of vector loops to compile them. */
  private static final int LEAST_ROUNDS = 14;

  private static final int ROUNDS = 5;

  /** To see whether others take the processors, once in each round. */
  private static final int SPIN_MILLIS = 40;

  private final List<CalibrationRun> runs = new ArrayList<>();
  private final Stopwatch stopwatch;

  CalibrationRounds(Stopwatch stopwatch) {
    this.stopwatch = stopwatch;
  }

  /** What was measured, and what is wrong with it. */
  record Result(List<BackendCosts> costs, List<String> contradictions) {}

  /** The costs of those of {@code candidates} that open and work. */
  Result measure(List<Weft.Candidate> candidates) {
    for (Weft.Candidate each : candidates) {
      String name = each.info().name();
      attempt(
          name,
          () -> {
            Backend backend = each.open(BackendOptions.DEFAULT);
            try {
              runs.add(new CalibrationRun(name, backend, candidates.size(), stopwatch));
            } catch (RuntimeException e) {
              backend.close();
              throw e;
            }
          });
    }
    long begin = stopwatch.nanos();
    Result result = null;
    do {
      boolean settled = warm(begin);
      if (!settled && result != null) {
        return result;
      }
      Contradictions contradictions = new Contradictions();
      contradictions.warm(settled, (stopwatch.nanos() - begin) * 1e-9);
      contradictions.load(rounds());
      runs.forEach(run -> run.addTo(contradictions));
      List<BackendCosts> costs = runs.stream().map(CalibrationRun::costs).toList();
      contradictions.figures(costs);
      result = new Result(costs, contradictions.found());
    } while (!result.contradictions().isEmpty() && !isLate(begin));
    return result;
  }

  private boolean isLate(long begin) {
    return stopwatch.nanos() - begin > runs.size() * MOST_NANOS;
  }

  /** Whether everything came to rest in time. */
  private boolean warm(long begin) {
    int quiet = 0;
    // a device's code is compiled ahead
    int least = runs.stream().anyMatch(CalibrationRun::isHost) ? LEAST_ROUNDS : QUIET_ROUNDS;
    for (int round = 0; round < least || quiet < QUIET_ROUNDS; round++) {
      if (isLate(begin)) {
        return false;
      }
      List<CalibrationRun> faster = new ArrayList<>();
      each(
          run -> {
            if (run.warm()) {
              faster.add(run);
            }
          });
      quiet = isCompiling() || !faster.isEmpty() ? 0 : quiet + 1;
    }
    return true;
  }

  /** Whether this process works while this thread does not: others of it count as the compiler. */
  private boolean isCompiling() {
    long before = stopwatch.processNanos();
    stopwatch.pause(PAUSE_MILLIS);
    return stopwatch.processNanos() - before > COMPILING_NANOS;
  }

  /** Measures all; the share of the processors that there was for it. */
  private double rounds() {
    double share = 0;
    each(CalibrationRun::begin);
    for (int round = 0; round < ROUNDS; round++) {
      for (Cost cost : Cost.values()) {
        each(run -> run.round(cost));
      }
      share += stopwatch.share(SPIN_MILLIS);
    }
    return share / ROUNDS;
  }

  private void each(Consumer<CalibrationRun> step) {
    for (CalibrationRun run : List.copyOf(runs)) {
      if (!attempt(run.name(), () -> step.accept(run))) {
        runs.remove(run);
        attempt(run.name(), run::close);
      }
    }
  }

  /** Whether a backend did not fail; it is left out if it did. */
  private static boolean attempt(String name, Runnable step) {
    try {
      step.run();
      return true;
    } catch (RuntimeException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "calibrate: {0} failed, and is left out: {1}",
          name,
          e.getMessage());
      return false;
    }
  }

  @Override
  public void close() {
    runs.forEach(run -> attempt(run.name(), run::close));
  }
}
