package dev.weft.compare.report;

import dev.weft.compare.Drawn;
import dev.weft.compare.Histogram;
import dev.weft.compare.Results;
import dev.weft.compare.Signal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/** What initializers draw, and what becomes of signals in layers that begin with it. */
final class Initializers {
  private static final double MOST = Double.MAX_VALUE;

  private final Page page;

  private Initializers(Page page) {
    this.page = page;
  }

  static boolean any(List<Results> files) {
    return files.stream().anyMatch(it -> !it.drawn().isEmpty() || !it.signals().isEmpty());
  }

  /** Of the first file that has them: they are the same on every machine. */
  static void write(Page page) {
    Initializers section = new Initializers(page);
    page.files().stream()
        .map(Results::drawn)
        .filter(it -> !it.isEmpty())
        .findFirst()
        .ifPresent(section::drawn);
    page.files().stream()
        .map(Results::signals)
        .filter(it -> !it.isEmpty())
        .findFirst()
        .ifPresent(section::signals);
  }

  private void drawn(List<Drawn> all) {
    page.paragraph(
        "What each initializer drew, as steps, and the density that its formula has, as a line. Where a distribution has no density in closed form, there is no line.");
    Rows moments =
        new Rows("initializer", "shape", "mean", "expected", "variance", "expected", "of expected");
    for (Drawn it : all) {
      moments.add(
          it.initializer(),
          it.shape(),
          Text.digits(it.mean()),
          Text.digits(it.expectedMean()),
          Text.digits(it.variance()),
          Text.digits(it.expectedVariance()),
          Text.times(it.variance() / it.expectedVariance()).replace("–×", "–"));
    }
    moments.write(page.out(), "numbers");
    page.out().open("div", "class", "charts small");
    all.forEach(this::histogram);
    page.out().close();
  }

  private void histogram(Drawn drawn) {
    int bins = drawn.counts().length;
    Histogram bounds = new Histogram(drawn.low(), drawn.high(), bins); // of any numbers
    double width = bounds.width();
    double total = Arrays.stream(drawn.counts()).sum();
    double[] heights =
        Arrays.stream(drawn.counts())
            .mapToDouble(count -> Math.min(MOST, count / total / width))
            .toArray();
    double top =
        Math.max(
            Arrays.stream(heights).max().orElse(0), Arrays.stream(drawn.density()).max().orElse(0));
    double margin = width / 40 * bins;
    String title = drawn.initializer() + " " + drawn.shape();
    Chart chart =
        new Chart(
            title + ": density of what was drawn and of the formula",
            210,
            new Chart.Axis(
                "value",
                Math.max(-MOST, drawn.low() - margin),
                Math.min(MOST, drawn.high() + margin),
                Scale.Kind.LINEAR,
                Text::tick),
            new Chart.Axis("density", 0, Math.min(MOST, top * 1.08), Scale.Kind.LINEAR, Text::tick),
            false);
    chart.steps(drawn.low(), drawn.high(), heights);
    boolean known = drawn.density().length == bins + 1;
    if (known) {
      double[] edges = new double[bins + 1];
      Arrays.setAll(edges, bounds::edge);
      chart.unnamed("line expected", edges, drawn.density());
    }
    Rows table = new Rows("from", "elements", "density", "expected");
    for (int i = 0; i < bins; i++) {
      table.add(
          Text.digits(bounds.edge(i)),
          Long.toString(drawn.counts()[i]),
          Text.digits(heights[i]),
          known ? Text.digits(drawn.density()[i] / 2 + drawn.density()[i + 1] / 2) : "–");
    }
    page.figureWithBins(chart, title, table);
  }

  private void signals(List<Signal> all) {
    int layers = all.stream().mapToInt(it -> it.activations().length).max().orElseThrow() - 1;
    page.out().element("h3", "Signals through " + layers + " layers", "id", "signals");
    page.paragraph(
        "Variance of the input (0) and of the activations after each layer, and of the gradients by the same tensors. An initializer that suits its activation keeps both about level; where a line ends, the signal has left f32.");
    page.out().open("div", "class", "charts");
    chart("Variance of activations", layers, all, Signal::activations);
    chart("Variance of gradients", layers, all, Signal::gradients);
    page.out().close();
  }

  private void chart(
      String title, int layers, List<Signal> signals, Function<Signal, double[]> values) {
    double[] all =
        signals.stream()
            .flatMapToDouble(it -> Arrays.stream(values.apply(it)))
            .filter(Initializers::isShown)
            .toArray();
    Chart chart =
        new Chart(
            title + ", layer by layer",
            320,
            new Chart.Axis("layer", 0, Math.max(1, layers), Scale.Kind.LINEAR, Text::tick),
            SizeCharts.axis("variance", all, 3, Scale.Kind.DECADES, Text::tick),
            true);
    List<String> names = new ArrayList<>(List.of("layer"));
    int k = 0;
    for (Signal signal : signals) {
      double[] ys = values.apply(signal);
      int[] shown = IntStream.range(0, ys.length).filter(i -> isShown(ys[i])).toArray();
      names.add(signal.initializer() + ", " + signal.activation());
      chart.line(
          List.of(signal.initializer(), signal.activation()),
          k++,
          Arrays.stream(shown).asDoubleStream().toArray(),
          Arrays.stream(shown).mapToDouble(i -> ys[i]).toArray());
    }
    Rows table = new Rows(names);
    for (int i = 0; i <= layers; i++) {
      List<String> cells = new ArrayList<>(List.of(Integer.toString(i)));
      for (Signal signal : signals) {
        double[] ys = values.apply(signal);
        cells.add(i < ys.length ? Text.digits(ys[i]) : "–");
      }
      table.add(cells);
    }
    page.figure(chart, title, table, false);
  }

  private static boolean isShown(double value) {
    return value > 0 && Double.isFinite(value);
  }
}
