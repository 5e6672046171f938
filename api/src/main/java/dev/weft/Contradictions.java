package dev.weft;

import dev.weft.internal.Checks;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What no undisturbed calibration says of itself. Figures of which one of these rules does not hold
 * are kept nowhere, and nothing is chosen by them.
 *
 * <p>Each method adds a message {@code calibrate: need …, got …} if its rule does not hold.
 */
final class Contradictions {
  /**
   * The least share of the processors. With more, the best of several rounds is too slow by less
   * than a factor of two. A container whose quota is 1.5 processors, of which the JVM sees 2, has
   * 0.75.
   */
  static final double LEAST_SHARE = 0.6;

  /** How far two figures may be apart that should be the same, or in the other order. */
  static final double MOST_APART = 2;

  private static final String OP = "calibrate";

  private final List<String> found = new ArrayList<>();

  /** What was found. */
  List<String> found() {
    return found;
  }

  /** Others may not take the processors. */
  void load(double share) {
    if (!(share >= LEAST_SHARE)) {
      add(
          "need a share of the processors >= " + LEAST_SHARE + ", others take the rest",
          "share",
          String.format(Locale.ROOT, "%.2f", share));
    }
  }

  /** The JVM must have compiled what is measured, and nothing may have become faster lately. */
  void warm(boolean settled, double seconds) {
    if (!settled) {
      add("need a process that comes to rest", "busy", Plan.time(seconds));
    }
  }

  /**
   * The rounds of one measurement must agree: their median is at most {@value #MOST_APART} times
   * the least. Otherwise something ran beside most of them, or the loop was compiled between them.
   */
  void spread(String backend, Cost cost, String size, double[] rounds) {
    double[] sorted = rounds.clone();
    Arrays.sort(sorted);
    double least = sorted[0];
    double median = sorted[sorted.length / 2];
    if (!(median <= Math.max(MOST_APART * least, least + Plan.TIE_SECONDS))) {
      add(
          "need rounds whose median is at most " + MOST_APART + " times the least",
          "backend",
          backend,
          "cost",
          cost.id(),
          "size",
          size,
          "least",
          Plan.time(least),
          "median",
          Plan.time(median));
    }
  }

  /** What is larger takes no less time, but for a tie. */
  void sizes(String backend, Cost cost, double one, double part, double many) {
    if (!isNoMore(one, part) || !isNoMore(part, many)) {
      add(
          "need a time that grows with the size",
          "backend",
          backend,
          "cost",
          cost.id(),
          "one",
          Plan.time(one),
          "part",
          Plan.time(part),
          "many",
          Plan.time(many));
    }
  }

  /**
   * What fits a cache better is no slower by the byte, within {@value #MOST_APART}: a part of some
   * bytes takes at most twice its fraction of the time of all, but for a tie.
   */
  void memory(String backend, Cost cost, double fraction, double part, double many) {
    if (!(part <= MOST_APART * fraction * many + Plan.TIE_SECONDS)) {
      add(
          "need a part that takes at most " + MOST_APART + " times its fraction",
          "backend",
          backend,
          "cost",
          cost.id(),
          "fraction",
          fraction,
          "part",
          Plan.time(part),
          "many",
          Plan.time(many));
    }
  }

  private static boolean isNoMore(double less, double more) {
    return less <= Math.max(Plan.TIE * more, more + Plan.TIE_SECONDS);
  }

  /** The rules that figures alone can break, so that a file is held to them too. */
  void figures(List<BackendCosts> costs) {
    for (BackendCosts each : costs) {
      orders(each);
    }
    for (BackendCosts cpu : costs) {
      for (BackendCosts scalar : costs) {
        if (cpu.backend().equals("cpu") && scalar.backend().equals("scalar")) {
          vectors(cpu, scalar);
        }
      }
    }
  }

  /** An element that is computed takes no less than its bytes take, nor a normal than a uniform. */
  private void orders(BackendCosts costs) {
    Map<Cost, Cost.Line> lines = costs.lines();
    double store = Float.BYTES * lines.get(Cost.STORE).secondsPerUnit();
    double uniform = lines.get(Cost.UNIFORM).secondsPerUnit();
    double normal = lines.get(Cost.NORMAL).secondsPerUnit();
    if (!(store <= MOST_APART * uniform && uniform <= MOST_APART * normal)) {
      add(
          "need store <= uniform <= normal an element, within a factor of " + MOST_APART,
          "backend",
          costs.backend(),
          "store",
          Plan.time(store),
          "uniform",
          Plan.time(uniform),
          "normal",
          Plan.time(normal));
    }
  }

  /**
   * {@code cpu} does what {@code scalar} does, on as many threads, with vectors or the same code.
   * It is slower in nothing: by no more than a tie in what is computed, so that no plan chooses
   * {@code scalar} for it, and by {@value #MOST_APART} where memory decides.
   */
  private void vectors(BackendCosts cpu, BackendCosts scalar) {
    scalar
        .lines()
        .forEach(
            (cost, other) -> {
              double most =
                  switch (cost) {
                    case UNIFORM, NORMAL, GEMM_F32, GEMM_F64 -> Plan.TIE;
                    default -> MOST_APART;
                  };
              Cost.Line line = cpu.lines().get(cost);
              if (!(line.secondsPerUnit() <= most * other.secondsPerUnit())) {
                addVectors("a unit", cost, line.secondsPerUnit(), other.secondsPerUnit());
              }
              if (!isNoMore(line.overheadSeconds(), other.overheadSeconds())) {
                addVectors("an operation", cost, line.overheadSeconds(), other.overheadSeconds());
              }
            });
  }

  private void addVectors(String each, Cost cost, double cpu, double scalar) {
    add(
        "need cpu no slower than scalar for " + each,
        "cost",
        cost.id(),
        "cpu",
        String.format(Locale.ROOT, "%.3g s", cpu),
        "scalar",
        String.format(Locale.ROOT, "%.3g s", scalar));
  }

  private void add(String rule, Object... namesAndValues) {
    found.add(Checks.message(OP, rule, namesAndValues));
  }
}
