package dev.weft.compare.report;

import dev.weft.compare.Measurement;
import dev.weft.compare.Results;
import dev.weft.compare.Suite;
import dev.weft.compare.Task;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.DoubleFunction;
import java.util.stream.Stream;

/**
 * A rate over sizes: what one contestant did in one way at three sizes or more. Products count as
 * sizes only where M, N and K are equal.
 *
 * @param name of the contestant
 * @param way its memory and threads
 * @param points by size, ascending
 */
record Curves(String name, String way, List<Measurement> points) {
  private static final int LEAST = 3;

  /**
   * Curves by what they are of: {@code uniform f32, 2 threads}. Those of a device are with those of
   * the host that has the most threads, for that is what they have to beat.
   */
  static Map<String, List<Curves>> of(Results results, Suite suite) {
    Map<String, Map<String, List<Measurement>>> lines = new LinkedHashMap<>();
    for (Measurement it : results.measurements()) {
      Task task = it.task();
      if (task.suite() == suite && size(task) > 0) {
        lines
            .computeIfAbsent(task.operation() + " " + task.dtype(), key -> new LinkedHashMap<>())
            .computeIfAbsent(it.contestant() + ", " + way(task), key -> new ArrayList<>())
            .add(it);
      }
    }
    Map<String, List<Curves>> all = new LinkedHashMap<>();
    lines.forEach((name, points) -> add(name, curves(points), all));
    return all;
  }

  private static List<Curves> curves(Map<String, List<Measurement>> lines) {
    List<Curves> curves = new ArrayList<>();
    for (List<Measurement> points : lines.values()) {
      points.sort(Comparator.comparingDouble(it -> size(it.task())));
      Measurement first = points.getFirst();
      Curves curve = new Curves(first.contestant(), way(first.task()), points);
      if (Arrays.stream(curve.sizes()).distinct().count() >= LEAST) {
        curves.add(curve);
      }
    }
    return curves;
  }

  private static void add(String name, List<Curves> curves, Map<String, List<Curves>> to) {
    int most = curves.stream().mapToInt(Curves::threads).max().orElse(0);
    for (Curves it : curves) {
      int threads = it.onDevice() ? most : it.threads();
      String group = name + (threads == 0 ? " on a GPU" : Page.threads(threads));
      to.computeIfAbsent(group, key -> new ArrayList<>()).add(it);
    }
  }

  /** Where a device is as fast as the host. */
  record Crossover(String memory, OptionalDouble size, boolean deviceAtOnce, boolean deviceAtLast) {
    /** With a function that writes sizes. */
    String words(DoubleFunction<String> write) {
      String who = "GPU, " + memory + ": ";
      return who
          + (size.isPresent()
              ? "faster than the host from " + write.apply(size.getAsDouble()) + " on."
              : deviceAtOnce && deviceAtLast
                  ? "faster than the host at every size that both were measured at."
                  : deviceAtOnce
                      ? "faster than the host at small sizes, slower at the largest."
                      : "slower than the host at every size that both were measured at.");
    }
  }

  /** {@code reused, 2 threads}. */
  private static String way(Task task) {
    return task.curve().substring((task.operation() + " " + task.dtype() + ", ").length());
  }

  private int threads() {
    return points.getFirst().task().threads();
  }

  boolean onDevice() {
    return points.getFirst().task().onDevice();
  }

  String memory() {
    return points.getFirst().task().memory();
  }

  /** Bytes that a fill writes, or rows of square matrices; ascending. */
  double[] sizes() {
    return points.stream().mapToDouble(it -> size(it.task())).toArray();
  }

  double[] rates() {
    return points.stream().mapToDouble(Measurement::rate).toArray();
  }

  /** What the size is along the axis; 0 if it is on none. */
  private static double size(Task task) {
    if (task.suite() == Suite.FILL) {
      return task.bytes();
    }
    double n = Math.cbrt(task.flop() / 2);
    return task.suite() == Suite.GEMM && Math.abs(n * n - task.elements()) < 0.5 ? Math.rint(n) : 0;
  }

  /**
   * For each memory that a device was measured with, the size from which on the best device is
   * faster than the best host, by power laws between the points. Sizes that only one of them was
   * measured at say nothing.
   */
  static List<Crossover> crossovers(List<Curves> curves) {
    List<Curves> hosts = curves.stream().filter(it -> !it.onDevice()).toList();
    List<Crossover> all = new ArrayList<>();
    curves.stream()
        .filter(Curves::onDevice)
        .map(Curves::memory)
        .distinct()
        .forEach(
            memory -> {
              List<Curves> devices =
                  curves.stream()
                      .filter(it -> it.onDevice() && it.memory().equals(memory))
                      .toList();
              crossover(memory, devices, hosts, all);
            });
    return all;
  }

  private static void crossover(
      String memory, List<Curves> devices, List<Curves> hosts, List<Crossover> to) {
    double[] sizes =
        Stream.concat(devices.stream(), hosts.stream())
            .flatMapToDouble(it -> Arrays.stream(it.sizes()))
            .distinct()
            .sorted()
            .filter(size -> best(devices, size) > 0 && best(hosts, size) > 0)
            .toArray();
    if (sizes.length == 0) {
      return;
    }
    double[] leads =
        Arrays.stream(sizes)
            .map(size -> Math.log(best(devices, size) / best(hosts, size)))
            .toArray();
    OptionalDouble at = OptionalDouble.empty();
    for (int i = 1; i < sizes.length && at.isEmpty(); i++) {
      if (leads[i - 1] < 0 && leads[i] >= 0) {
        double share = leads[i - 1] / (leads[i - 1] - leads[i]);
        at = OptionalDouble.of(sizes[i - 1] * Math.pow(sizes[i] / sizes[i - 1], share));
      }
    }
    to.add(new Crossover(memory, at, leads[0] >= 0, leads[leads.length - 1] >= 0));
  }

  private static double best(List<Curves> curves, double size) {
    return curves.stream()
        .mapToDouble(it -> it.at(size))
        .filter(rate -> rate > 0)
        .max()
        .orElse(Double.NaN);
  }

  /** The rate at a size, by a power law between points; NaN outside of them. */
  private double at(double size) {
    double[] sizes = sizes();
    double[] rates = rates();
    for (int i = 0; i < sizes.length; i++) {
      if (sizes[i] == size) {
        return rates[i];
      }
      if (i > 0 && sizes[i - 1] < size && size < sizes[i]) {
        double share = Math.log(size / sizes[i - 1]) / Math.log(sizes[i] / sizes[i - 1]);
        return rates[i - 1] * Math.pow(rates[i] / rates[i - 1], share);
      }
    }
    return Double.NaN;
  }
}
