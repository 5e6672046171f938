package dev.weft.compare.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;

/**
 * A chart of lines, points and bars over two axes, as SVG. It is drawn as wide as a telephone is,
 * and is stretched where there is more room.
 */
final class Chart {
  static final int WIDTH = 360;
  private static final int LEFT = 44;
  private static final int RIGHT = 10;
  private static final int TOP = 14;
  private static final int BOTTOM = 34;
  private static final int LEGEND = 15;
  static final int COLOURS = 8;

  private final String title;
  private final int height;
  private final Scale x;
  private final Scale y;
  private final StringBuilder body = new StringBuilder();
  private final List<String> legend = new ArrayList<>();

  /**
   * Empty axes.
   *
   * @param title what a reader who cannot see it is told
   */
  Chart(String title, int height, double[] xs, boolean logX, double[] ys, boolean logY) {
    this.title = title;
    this.height = height;
    x = new Scale(xs[0], xs[1], LEFT, WIDTH - RIGHT, logX);
    y = new Scale(ys[0], ys[1], height - BOTTOM, TOP, logY);
  }

  /** Labels and lines of both axes, which come first. */
  Chart axes(
      String nameX, DoubleFunction<String> labelX, String nameY, DoubleFunction<String> labelY) {
    for (double tick : x.ticks()) {
      add(
          "<line class=\"grid\" x1=\"%1$.1f\" x2=\"%1$.1f\" y1=\"%2$d\" y2=\"%3$d\"/>",
          x.at(tick), TOP, height - BOTTOM);
      add(
          "<text class=\"tick\" text-anchor=\"middle\" x=\"%.1f\" y=\"%d\">%s</text>",
          x.at(tick), height - BOTTOM + 13, Text.escape(labelX.apply(tick)));
    }
    for (double tick : y.ticks()) {
      add(
          "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%3$.1f\" y2=\"%3$.1f\"/>",
          LEFT, WIDTH - RIGHT, y.at(tick));
      add(
          "<text class=\"tick\" text-anchor=\"end\" x=\"%d\" y=\"%.1f\">%s</text>",
          LEFT - 4, y.at(tick) + 3.5, Text.escape(labelY.apply(tick)));
    }
    add(
        "<text class=\"axis\" text-anchor=\"middle\" x=\"%d\" y=\"%d\">%s</text>",
        (LEFT + WIDTH - RIGHT) / 2, height - BOTTOM + 27, Text.escape(nameX));
    add("<text class=\"axis\" x=\"2\" y=\"9\">%s</text>", Text.escape(nameY));
    return this;
  }

  /** A line through points, named in the legend; with a mark at each if {@code marks}. */
  void line(String name, int colour, double[] xs, double[] ys, boolean marks) {
    StringBuilder points = new StringBuilder();
    for (int i = 0; i < xs.length; i++) {
      points.append(String.format(Locale.ROOT, "%.1f,%.1f ", x.at(xs[i]), y.at(ys[i])));
    }
    add(
        "<polyline class=\"line s%d\" points=\"%s\"/>",
        colour % COLOURS, points.toString().strip());
    for (int i = 0; marks && i < xs.length; i++) {
      mark(colour, xs[i], ys[i], name + ": " + Text.digits(ys[i]));
    }
    legend.add(
        String.format(
                Locale.ROOT,
                "<line class=\"line s%d\" x1=\"%%1$d\" x2=\"%%2$d\" y1=\"%%3$d\" y2=\"%%3$d\"/>",
                colour % COLOURS)
            + "\u0000"
            + name);
  }

  /** A point, told when it is pointed at. */
  void mark(int colour, double atX, double atY, String what) {
    int shape = colour % 3;
    double cx = x.at(atX);
    double cy = y.at(atY);
    String hint = "<title>" + Text.escape(what) + "</title>";
    switch (shape) {
      case 0 ->
          add(
              "<circle class=\"mark s%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\">%s</circle>",
              colour % COLOURS, cx, cy, hint);
      case 1 ->
          add(
              "<rect class=\"mark s%d\" x=\"%.1f\" y=\"%.1f\" width=\"5.4\" height=\"5.4\">%s</rect>",
              colour % COLOURS, cx - 2.7, cy - 2.7, hint);
      default ->
          add(
              "<path class=\"mark s%d\" d=\"M%.1f %.1f l3.6 6 h-7.2 z\">%s</path>",
              colour % COLOURS, cx, cy - 4, hint);
    }
  }

  /** Names a colour that only points have. */
  void name(String name, int colour) {
    legend.add(
        String.format(
                Locale.ROOT,
                "<circle class=\"mark s%d\" cx=\"%%4$d\" cy=\"%%3$d\" r=\"3.4\"/>",
                colour % COLOURS)
            + "\u0000"
            + name);
  }

  /** A dashed limit through points, with its name beside its highest point. */
  void limit(String name, double[] xs, double[] ys) {
    StringBuilder points = new StringBuilder();
    for (int i = 0; i < xs.length; i++) {
      points.append(String.format(Locale.ROOT, "%.1f,%.1f ", x.at(xs[i]), y.at(ys[i])));
    }
    add("<polyline class=\"roofline\" points=\"%s\"/>", points.toString().strip());
    int last = xs.length - 1;
    add(
        "<text class=\"rooftext\" text-anchor=\"end\" x=\"%.1f\" y=\"%.1f\">%s</text>",
        x.at(xs[last]), y.at(ys[last]) - 4, Text.escape(name));
  }

  /** An upright line at a value of x, with its name. */
  void upright(String name, double value) {
    add(
        "<line class=\"roofline\" x1=\"%1$.1f\" x2=\"%1$.1f\" y1=\"%2$d\" y2=\"%3$d\"/>",
        x.at(value), TOP, height - BOTTOM);
    add(
        "<text class=\"rooftext\" text-anchor=\"%s\" x=\"%.1f\" y=\"%d\">%s</text>",
        x.at(value) > WIDTH / 2.0 ? "end" : "start",
        x.at(value) + (x.at(value) > WIDTH / 2.0 ? -4 : 4),
        TOP + 9,
        Text.escape(name));
  }

  /** Bars of heights over [low, high] of equal widths, as one shape. */
  void steps(double low, double high, double[] heights) {
    double width = (high - low) / heights.length;
    StringBuilder path = new StringBuilder();
    path.append(String.format(Locale.ROOT, "M%.1f %.1f", x.at(low), y.at(0)));
    for (int i = 0; i < heights.length; i++) {
      path.append(
          String.format(Locale.ROOT, "V%.1fH%.1f", y.at(heights[i]), x.at(low + (i + 1) * width)));
    }
    add("<path class=\"steps\" d=\"%sV%.1fZ\"/>", path, y.at(0));
  }

  private void add(String format, Object... values) {
    body.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  /** The element. */
  String svg() {
    StringBuilder rows = new StringBuilder();
    int k = 0;
    for (String entry : legend) {
      String[] parts = entry.split("\u0000");
      int top = height + LEGEND * k + 6;
      rows.append(String.format(Locale.ROOT, parts[0], LEFT, LEFT + 18, top, LEFT + 9));
      rows.append(
          String.format(
              Locale.ROOT,
              "<text class=\"tick\" x=\"%d\" y=\"%d\">%s</text>%n",
              LEFT + 24,
              top + 4,
              Text.escape(parts[1])));
      k++;
    }
    return String.format(
        Locale.ROOT,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"%s\" viewBox=\"0 0 %d %d\">%n%s%s</svg>%n",
        Text.escape(title),
        WIDTH,
        height + LEGEND * k + (k > 0 ? 6 : 0),
        body,
        rows);
  }
}
