package dev.weft.compare.report;

import dev.weft.compare.Measurement;
import dev.weft.compare.Results;
import dev.weft.compare.Suite;
import dev.weft.compare.Task;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * Rates over sizes: what one contestant did in one way at three sizes or more. Products count as
 * sizes only where M, N and K are equal.
 *
 * @param name of the contestant, memory and threads
 * @param device whether it ran on one
 * @param sizes bytes that a fill writes, or rows of square matrices; ascending
 * @param rates at these sizes
 */
record Curves(String name, boolean device, double[] sizes, double[] rates) {
  private static final int LEAST = 3;

  /** Curves by what they are of: {@code uniform f32}, {@code gemm f32}. */
  static Map<String, List<Curves>> of(Results results, Suite suite) {
    Map<String, Map<String, List<Measurement>>> groups = new LinkedHashMap<>();
    for (Measurement it : results.measurements()) {
      Task task = it.task();
      if (task.suite() == suite && size(task) > 0) {
        groups
            .computeIfAbsent(task.operation() + " " + task.dtype(), key -> new LinkedHashMap<>())
            .computeIfAbsent(
                it.contestant() + task.curve().substring(task.curve().indexOf(", ")),
                key -> new ArrayList<>())
            .add(it);
      }
    }
    Map<String, List<Curves>> all = new LinkedHashMap<>();
    groups.forEach(
        (name, lines) -> {
          List<Curves> curves = new ArrayList<>();
          lines.forEach(
              (line, points) -> {
                if (points.size() >= LEAST) {
                  curves.add(curve(line, points));
                }
              });
          if (!curves.isEmpty()) {
            all.put(name, curves);
          }
        });
    return all;
  }

  private static Curves curve(String name, List<Measurement> points) {
    points.sort(Comparator.comparingDouble(it -> size(it.task())));
    return new Curves(
        name,
        points.getFirst().task().onDevice(),
        points.stream().mapToDouble(it -> size(it.task())).toArray(),
        points.stream().mapToDouble(Measurement::rate).toArray());
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
   * The size from which on the best device is faster than the best host, by straight lines between
   * the points; empty if there is none within what was measured.
   */
  static OptionalDouble crossover(List<Curves> curves) {
    List<Curves> devices = curves.stream().filter(Curves::device).toList();
    List<Curves> hosts = curves.stream().filter(it -> !it.device).toList();
    double[] sizes =
        Stream.concat(devices.stream(), hosts.stream())
            .flatMapToDouble(it -> java.util.Arrays.stream(it.sizes))
            .distinct()
            .sorted()
            .toArray();
    double before = Double.NaN;
    for (int i = 0; i < sizes.length; i++) {
      double lead = Math.log(best(devices, sizes[i]) / best(hosts, sizes[i]));
      if (before < 0 && lead >= 0) {
        double share = before / (before - lead);
        return OptionalDouble.of(sizes[i - 1] * Math.pow(sizes[i] / sizes[i - 1], share));
      }
      before = lead;
    }
    return OptionalDouble.empty();
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
