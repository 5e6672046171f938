package dev.weft.compare.report;

import dev.weft.compare.Verdict;
import java.util.ArrayList;
import java.util.List;

/**
 * Rows that are a chart and its table at once: a name, a drawing whose widths are shares of the
 * column, and the figures that it shows.
 */
final class Plot {
  private static final int TALL = 24;
  private static final double GREATEST = 16; // ratio at the edge of a drawing, at most

  private final Markup out;

  private Plot(Markup out) {
    this.out = out;
  }

  /** Begins a table. */
  static Plot open(Markup out, String css) {
    out.open("table", "class", "plot " + css);
    return new Plot(out);
  }

  /** The row of names, with ticks or a limit's name over the drawings. */
  void head(String who, Runnable drawing, String... names) {
    out.open("thead").open("tr").element("th", who, "scope", "col", "class", "who");
    out.open("th", "scope", "col", "class", "graph");
    drawing.run();
    out.close();
    String[] css = {"value", "span", "note"};
    for (int i = 0; i < names.length; i++) {
      out.element("th", names[i], "scope", "col", "class", css[i]);
    }
    out.close().close().open("tbody");
  }

  void close() {
    out.close().close();
  }

  /** A bar from 0 with its interval and the limit over it, as shares of the column. */
  void bar(double rate, double low, double high, double roof) {
    drawing();
    out.empty("rect", "class", "bar", "y", 5, "width", share(rate), "height", TALL - 10);
    whisker(share(low), share(high));
    if (roof > 0) {
      out.empty("line", "class", "roof", "x1", share(roof), "x2", share(roof), "y1", 0, "y2", TALL);
    }
    out.close();
  }

  /** A ratio and its interval on a logarithmic axis with 1 in the middle. */
  void ratio(double ratio, double low, double high, double greatest, Verdict verdict) {
    drawing();
    for (double tick : ratioTicks(greatest)) {
      String at = share(place(tick, greatest));
      String css = tick == 1 ? "one" : "grid";
      out.empty("line", "class", css, "x1", at, "x2", at, "y1", 0, "y2", TALL);
    }
    if (ratio > greatest || ratio < 1 / greatest) { // beyond the edge
      boolean beyond = ratio > 1;
      out.element(
              "text",
              beyond ? "▶" : "◀",
              "class",
              "dot",
              "x",
              beyond ? "100%" : "0",
              "y",
              TALL / 2 + 4,
              "text-anchor",
              beyond ? "end" : "start")
          .close();
      return;
    }
    whisker(share(place(low, greatest)), share(place(high, greatest)));
    String at = share(place(ratio, greatest));
    switch (verdict) { // shapes: not told by colour alone
      case FASTER, SLOWER -> out.empty("circle", "class", "dot", "cx", at, "cy", TALL / 2, "r", 5);
      case SAME -> out.empty("circle", "class", "dot open", "cx", at, "cy", TALL / 2, "r", 4.5);
    }
    out.close();
  }

  private static List<Double> ratioTicks(double greatest) {
    if (greatest == 2) {
      return List.of(1 / 1.6, 1 / 1.25, 1.0, 1.25, 1.6);
    }
    List<Double> ticks = new ArrayList<>();
    for (double tick = 2 / greatest; tick < greatest; tick *= 2) {
      ticks.add(tick);
    }
    return ticks;
  }

  /** Over ratios: powers of two. */
  void ratioNames(double greatest) {
    drawing();
    for (double tick : ratioTicks(greatest)) {
      out.element(
          "text",
          Text.tick(tick),
          "x",
          share(place(tick, greatest)),
          "y",
          TALL - 6,
          "text-anchor",
          "middle");
    }
    out.close();
  }

  /** Over bars: the name of the limit at its place. */
  void roofName(String name, double at) {
    drawing();
    if (at > 0) {
      out.element(
          "text",
          name,
          "class",
          "roofname",
          "x",
          share(at),
          "dx",
          at > 0.5 ? 1 : -1,
          "y",
          TALL - 5,
          "text-anchor",
          at > 0.5 ? "end" : "start");
    }
    out.close();
  }

  /** The least end of an axis of ratios that shows all of these, but no more than it can. */
  static double greatest(List<Double> ratios) {
    double widest = ratios.stream().mapToDouble(it -> Math.max(it, 1 / it)).max().orElse(1) * 1.15;
    double greatest = 2;
    while (greatest < widest && greatest < GREATEST) {
      greatest *= 2;
    }
    return greatest;
  }

  private void drawing() {
    out.open("svg", "height", TALL, "aria-hidden", "true");
  }

  private void whisker(String low, String high) {
    int middle = TALL / 2;
    out.empty("line", "class", "error", "x1", low, "x2", high, "y1", middle, "y2", middle)
        .empty("line", "class", "error", "x1", low, "x2", low, "y1", middle - 4, "y2", middle + 4)
        .empty(
            "line", "class", "error", "x1", high, "x2", high, "y1", middle - 4, "y2", middle + 4);
  }

  /** From 0, at 1/greatest, to 1. */
  private static double place(double ratio, double greatest) {
    return 0.5 + 0.5 * Math.log(Math.max(ratio, 1e-9)) / Math.log(greatest);
  }

  private static String share(double share) {
    return Markup.coordinate(100 * Math.clamp(share, -0.1, 1.1)) + "%";
  }
}
