package dev.weft.compare.report;

import dev.weft.compare.Measurement;
import dev.weft.compare.Results;
import dev.weft.compare.Roof;
import dev.weft.compare.Suite;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Operations each second over operations for each byte. Fills compute nothing that counts, so they
 * are no points of it: their roof is in their own bars.
 */
final class RooflineCharts {
  private final Page page;

  private RooflineCharts(Page page) {
    this.page = page;
  }

  static boolean any(List<Results> files) {
    return files.stream().anyMatch(file -> !ceilings(file).isEmpty());
  }

  static void write(Page page) {
    page.paragraph(
        "Operations each second over operations for each byte that has to move at least: operands read once, results written once. The flat line is multiply-adds in registers; the slopes are plain stores into as much memory as they name, of as many threads. Operands of small products are in caches, so points may lie above the slope of the largest memory. Fills compute nothing that counts, and have their roof in their own bars.");
    page.out().open("div", "class", "charts");
    for (int f = 0; f < page.files().size(); f++) {
      for (Roof ceiling : ceilings(page.files().get(f))) {
        new RooflineCharts(page).chart(f, ceiling);
      }
    }
    page.out().close();
    if (page.files().stream().anyMatch(file -> points(file, 0, "f32").findAny().isPresent())) {
      page.paragraph("Products on a GPU are in no roofline: its multiply-adds were not measured.");
    }
  }

  /** Those that something was measured under. */
  private static List<Roof> ceilings(Results file) {
    return file.roofs().stream()
        .filter(it -> it.kind().equals("fma"))
        .filter(it -> points(file, it.threads(), it.dtype()).findAny().isPresent())
        .sorted(Comparator.comparing(Roof::dtype).thenComparing(Roof::threads))
        .toList();
  }

  private static Stream<Measurement> points(Results file, int threads, String dtype) {
    return file.measurements().stream()
        .filter(it -> it.task().suite() != Suite.FILL)
        .filter(it -> it.task().threads() == threads && it.task().dtype().equals(dtype));
  }

  private void chart(int f, Roof ceiling) {
    Results file = page.files().get(f);
    List<Measurement> points = points(file, ceiling.threads(), ceiling.dtype()).toList();
    List<Roof> stores =
        file.roofs().stream()
            .filter(it -> it.kind().equals("stores") && it.threads() == ceiling.threads())
            .sorted(Comparator.comparingLong(Roof::bytes).reversed())
            .toList();
    Optional<Roof> memory = stores.stream().findFirst();
    double[] xs = points.stream().mapToDouble(it -> it.task().intensity()).toArray();
    double[] rates = points.stream().mapToDouble(Measurement::rate).toArray();
    double fastest = stores.stream().mapToDouble(Roof::rate).max().orElse(ceiling.rate());
    double left = Math.min(Arrays.stream(xs).min().orElseThrow(), ceiling.rate() / fastest) / 4;
    double right = Arrays.stream(xs).max().orElseThrow() * 3;
    double foot = Arrays.stream(rates).min().orElseThrow() / 2;
    double top = Math.max(ceiling.rate(), Arrays.stream(rates).max().orElseThrow()) * 2.2;
    String title =
        page.prefix(f) + "Roofline, " + ceiling.dtype() + Page.threads(ceiling.threads());
    Chart chart =
        new Chart(
            title,
            320,
            new Chart.Axis("flop/byte", left, right, Scale.Kind.DECADES, Text::tick),
            new Chart.Axis("GFLOP/s", foot, top, Scale.Kind.DECADES, Text::tick),
            false);
    double drawn = 0; // slopes that are too close to one another would be one
    for (Roof it : stores) {
      if (it.rate() > 1.6 * drawn) {
        slope(chart, it, ceiling.rate(), left, right, foot, drawn == 0);
        drawn = it.rate();
      }
    }
    double knee = memory.map(it -> ceiling.rate() / it.rate()).orElse(left);
    chart.limit(
        "multiply-adds " + Text.digits(ceiling.rate()) + " GFLOP/s",
        "roofline",
        new double[] {Math.max(left, Math.min(knee, right)), right},
        new double[] {ceiling.rate(), ceiling.rate()});
    for (boolean weft : new boolean[] {false, true}) {
      points.stream()
          .filter(it -> it.byWeft() == weft)
          .forEach(
              it ->
                  chart.mark(
                      it.contestant()
                          + ", "
                          + it.task()
                          + ": "
                          + Text.digits(it.rate())
                          + " GFLOP/s",
                      weft ? "weft" : "peer",
                      it.task().suite().ordinal() - 1,
                      it.task().intensity(),
                      it.rate()));
    }
    points.stream()
        .map(it -> it.task().suite())
        .distinct()
        .forEach(
            it -> chart.key(it.title() + ": weft filled, others hollow", "weft", it.ordinal() - 1));
    Contest contest = new Contest(file);
    Rows table = new Rows("task", "who", "flop/byte", "GFLOP/s", "of the roof over it");
    for (Measurement it : points) {
      double roof =
          Math.min(
              ceiling.rate(),
              memory.map(m -> m.rate() * it.task().intensity()).orElse(ceiling.rate()));
      table.add(
          it.task().toString(),
          contest.marked(it),
          Text.digits(it.task().intensity()),
          Text.digits(it.rate()),
          Text.percent(it.rate() / roof));
    }
    page.figure(chart, title, table, false);
  }

  /** From the edge of the chart to the ceiling. */
  private static void slope(
      Chart chart,
      Roof stores,
      double ceiling,
      double left,
      double right,
      double foot,
      boolean main) {
    double from = Math.max(left, foot / stores.rate());
    double to = Math.min(right, ceiling / stores.rate());
    if (from < to) {
      chart.slope(
          Text.bytes(stores.bytes()) + ": " + Text.digits(stores.rate()) + " GB/s",
          main ? "roofline" : "roofline minor",
          new double[] {from, to},
          new double[] {from * stores.rate(), to * stores.rate()});
    }
  }
}
