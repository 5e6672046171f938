package dev.weft.compare.report;

import dev.weft.compare.Measurement;
import dev.weft.compare.Results;
import dev.weft.compare.Suite;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.DoubleFunction;
import java.util.stream.Collectors;

/** Rates over sizes on logarithmic axes, with the size from which on a device is faster. */
final class SizeCharts {
  private SizeCharts() {}

  static void write(Page page, Suite suite) {
    long count = page.files().stream().mapToLong(it -> Curves.of(it, suite).size()).sum();
    if (count == 0) {
      return;
    }
    page.out().open("div", "class", count == 1 ? "charts single" : "charts");
    for (int f = 0; f < page.files().size(); f++) {
      int file = f;
      Results results = page.files().get(f);
      Curves.of(results, suite).forEach((name, curves) -> chart(page, file, suite, name, curves));
    }
    page.out().close();
  }

  private static void chart(Page page, int file, Suite suite, String name, List<Curves> curves) {
    boolean fills = suite == Suite.FILL;
    DoubleFunction<String> write = fills ? Text::bytes : n -> "n = " + whole(n);
    double[] sizes = curves.stream().flatMapToDouble(it -> Arrays.stream(it.sizes())).toArray();
    double[] rates = curves.stream().flatMapToDouble(it -> Arrays.stream(it.rates())).toArray();
    String usual = usualWay(curves);
    Contest contest = new Contest(page.files().get(file));
    String title = page.prefix(file) + name + ", by " + (fills ? "bytes" : "size");
    Chart chart =
        new Chart(
            title + ", " + suite.unit(),
            300,
            axis(
                fills ? "bytes written" : "n (n × n × n)",
                sizes,
                1.15,
                Scale.Kind.OCTAVES,
                fills ? Text::bytes : SizeCharts::whole),
            axis(suite.unit(), rates, 1.5, Scale.Kind.DECADES, Text::tick),
            true);
    for (int k = 0; k < curves.size(); k++) {
      Curves curve = curves.get(k);
      chart.line(name(curve, usual, contest), k, curve.sizes(), curve.rates());
      for (int i = 0; i < curve.points().size(); i++) {
        Measurement it = curve.points().get(i);
        String what =
            it.contestant() + ", " + it.task() + ": " + Text.digits(it.rate()) + " " + suite.unit();
        chart.point(what, k, curve.sizes()[i], it.rate(), it.low(), it.high());
      }
    }
    List<Curves.Crossover> crossovers = Curves.crossovers(curves);
    int row = 0;
    for (Curves.Crossover it : crossovers) {
      if (it.size().isPresent()) {
        double at = it.size().getAsDouble();
        chart.upright(it.memory() + ": " + write.apply(at), at, row++);
      }
    }
    String words =
        crossovers.isEmpty()
            ? "No GPU was measured, so there is no crossover."
            : crossovers.stream().map(it -> it.words(write)).collect(Collectors.joining(" "));
    page.figure(
        chart,
        title + ", " + suite.unit() + ". " + words,
        table(fills, sizes, curves, usual, contest),
        true);
  }

  private static Rows table(
      boolean fills, double[] sizes, List<Curves> curves, String usual, Contest contest) {
    List<String> names = new ArrayList<>(List.of(fills ? "size" : "n"));
    curves.forEach(it -> names.add(String.join(", ", name(it, usual, contest))));
    Rows table = new Rows(names);
    for (double size : Arrays.stream(sizes).distinct().sorted().toArray()) {
      List<String> cells = new ArrayList<>();
      cells.add(fills ? Text.bytes(size) : whole(size));
      for (Curves curve : curves) {
        int at = Arrays.binarySearch(curve.sizes(), size);
        cells.add(at < 0 ? "–" : Text.digits(curve.rates()[at]));
      }
      table.add(cells);
    }
    return table;
  }

  private static String whole(double n) {
    return Long.toString(Math.round(n));
  }

  /** What tells a curve from the others, and the mark of a library that was held back. */
  private static List<String> name(Curves curve, String usual, Contest contest) {
    String name = contest.marked(curve.points().getFirst());
    return curve.way().equals(usual) ? List.of(name) : List.of(name, curve.way());
  }

  /** The memory and threads of most curves, which need not be said of each. */
  private static String usualWay(List<Curves> curves) {
    return curves.stream()
        .map(Curves::way)
        .max(
            Comparator.comparingLong(
                way -> curves.stream().filter(it -> it.way().equals(way)).count()))
        .orElseThrow();
  }

  /** From the least to the greatest that has a logarithm, widened by a factor. */
  static Chart.Axis axis(
      String name, double[] values, double factor, Scale.Kind kind, DoubleFunction<String> label) {
    double[] shown = Arrays.stream(values).filter(it -> it > 0 && Double.isFinite(it)).toArray();
    double low = Arrays.stream(shown).min().orElse(1);
    double high = Arrays.stream(shown).max().orElse(1);
    return new Chart.Axis(name, low / factor, high * factor, kind, label);
  }
}
