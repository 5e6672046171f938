package dev.weft.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.runner.options.TimeValue;

/** How long each case is measured, and how many cases there are. */
enum Effort {
  /** A figure for each contestant, soon. */
  QUICK(1, 10, 500, 5, 200),
  /** More sizes, types and threads; what is compared with later runs. */
  FULL(5, 6, 1000, 5, 1000),
  /** Figures that mean nothing, for tests. */
  SMOKE(1, 0, 1, 1, 1);

  private static final double BOOT_SECONDS =
      1.5; // the JVM, the library, the check before and after

  private final int passes;
  private final int warmUps;
  private final int warmUpMillis;
  private final int iterations;
  private final int iterationMillis;

  Effort(int passes, int warmUps, int warmUpMillis, int iterations, int iterationMillis) {
    this.passes = passes;
    this.warmUps = warmUps;
    this.warmUpMillis = warmUpMillis;
    this.iterations = iterations;
    this.iterationMillis = iterationMillis;
  }

  /** How many JVMs run each case, unless another number is asked for. */
  int passes() {
    return passes;
  }

  /**
   * Of {@code passes}, those in which a case is run. One JVM's compiler makes another loop of the
   * same text than the next one's; code that was compiled ahead has no such luck, and two processes
   * show whether the machine was quiet.
   */
  static int passes(int passes, boolean compiledAhead) {
    return compiledAhead ? Math.min(passes, 2) : passes;
  }

  /** Fewer where code is compiled ahead: then only caches and threads have to get warm. */
  int warmUps(boolean compiledAhead) {
    return compiledAhead ? (warmUps + 4) / 5 : warmUps;
  }

  TimeValue warmUpTime() {
    return new TimeValue(warmUpMillis, TimeUnit.MILLISECONDS);
  }

  int iterations() {
    return iterations;
  }

  TimeValue iterationTime() {
    return new TimeValue(iterationMillis, TimeUnit.MILLISECONDS);
  }

  /** Seconds that a case is likely to take. */
  double seconds(boolean compiledAhead) {
    return BOOT_SECONDS
        + 1e-3 * (warmUps(compiledAhead) * warmUpMillis + iterations * iterationMillis);
  }
}
