package dev.weft.compare.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.DoubleFunction;

/**
 * Lines, points and steps over two axes, as SVG. It is drawn about as wide as a telephone is, and
 * is made a little larger where there is more room: its text is legible on both. Colours are
 * classes, which the page's style gives for light, dark and paper; each has a mark and a dash of
 * its own.
 */
final class Chart {
  /** How many colours there are. */
  static final int COLOURS = 8;

  private static final int WIDTH = 420;
  private static final int LEFT = 52;
  private static final int TOP = 26;
  private static final int BOTTOM = 40;
  private static final int NAMES = 124;
  private static final int MARGIN = 20;
  private static final int LINE = 15; // of text

  private final String title;
  private final int height;
  private final int right;
  private final Scale x;
  private final Scale y;
  private final Markup body = new Markup();
  private final List<Name> names = new ArrayList<>();
  private final List<Key> keys = new ArrayList<>();

  /** What a line is called, in a row or two, and where it ends. */
  private record Name(List<String> rows, int colour, double endX, double endY) {
    int height() {
      return rows.size() * LINE;
    }
  }

  /** What a mark means. */
  private record Key(String text, String css, int shape) {}

  /**
   * An axis.
   *
   * @param name with its unit
   * @param label of a round value
   */
  record Axis(
      String name, double low, double high, Scale.Kind kind, DoubleFunction<String> label) {}

  /**
   * Empty axes.
   *
   * @param title what a reader who cannot see it is told
   * @param named whether its lines are named beside their ends, which takes room
   */
  Chart(String title, int height, Axis across, Axis up, boolean named) {
    this.title = title;
    this.height = height;
    right = WIDTH - (named ? NAMES : MARGIN);
    x = new Scale(across.low, across.high, LEFT, right, across.kind);
    y = new Scale(up.low, up.high, height - BOTTOM, TOP, up.kind);
    for (double tick : x.ticks()) {
      double at = x.at(tick);
      body.empty("line", "class", "grid", "x1", at, "x2", at, "y1", TOP, "y2", height - BOTTOM)
          .element(
              "text",
              across.label.apply(tick),
              "text-anchor",
              "middle",
              "x",
              at,
              "y",
              height - BOTTOM + 16);
    }
    for (double tick : y.ticks()) {
      double at = y.at(tick);
      body.empty("line", "class", "grid", "x1", LEFT, "x2", right, "y1", at, "y2", at)
          .element(
              "text", up.label.apply(tick), "text-anchor", "end", "x", LEFT - 5, "y", at + 4.5);
    }
    body.element(
        "text",
        across.name,
        "class",
        "axis",
        "text-anchor",
        "middle",
        "x",
        (LEFT + right) / 2,
        "y",
        height - 6);
    body.element("text", up.name, "class", "axis", "x", 2, "y", 13);
  }

  /** A line through points, named beside its end in as many rows as the name has parts. */
  void line(List<String> name, int colour, double[] xs, double[] ys) {
    if (xs.length == 0) {
      return;
    }
    body.empty("polyline", "class", "line c" + colour % COLOURS, "points", points(xs, ys));
    int last = xs.length - 1;
    names.add(new Name(name, colour % COLOURS, x.at(xs[last]), y.at(ys[last])));
  }

  /** A line without a name. */
  void unnamed(String css, double[] xs, double[] ys) {
    body.empty("polyline", "class", css, "points", points(xs, ys));
  }

  /** A point of a line with its interval, told when it is pointed at. */
  void point(String what, int colour, double atX, double atY, double low, double high) {
    double top = y.at(Math.min(high, y.high()));
    double foot = y.at(Math.max(low, y.low()));
    if (foot - top > 3) {
      double at = x.at(atX);
      body.empty(
          "line", "class", "error c" + colour % COLOURS, "x1", at, "x2", at, "y1", top, "y2", foot);
    }
    mark(what, "c" + colour % COLOURS, colour, atX, atY);
  }

  /** A mark, told when it is pointed at. */
  void mark(String what, String css, int shape, double atX, double atY) {
    shape(body, what, css, shape, x.at(atX), y.at(atY));
  }

  /** What a mark means, under the chart. */
  void key(String text, String css, int shape) {
    keys.add(new Key(text, css, shape));
  }

  /** A limit, with its name over its last point. */
  void limit(String name, String css, double[] xs, double[] ys) {
    body.empty("polyline", "class", css, "points", points(xs, ys));
    body.element(
        "text",
        name,
        "class",
        "roofname",
        "text-anchor",
        "end",
        "x",
        right - 2,
        "y",
        y.at(ys[ys.length - 1]) - 5);
  }

  /** A sloping limit, with its name along it. */
  void slope(String name, String css, double[] xs, double[] ys) {
    body.empty("polyline", "class", css, "points", points(xs, ys));
    double dx = x.at(xs[1]) - x.at(xs[0]);
    double dy = y.at(ys[1]) - y.at(ys[0]);
    double atX = x.at(xs[0]) + 0.04 * dx;
    double atY = y.at(ys[0]) + 0.04 * dy;
    String turn = Markup.coordinate(Math.toDegrees(Math.atan2(dy, dx)));
    body.element(
        "text",
        name,
        "class",
        "roofname",
        "transform",
        "translate("
            + Markup.coordinate(atX)
            + " "
            + Markup.coordinate(atY)
            + ") rotate("
            + turn
            + ")",
        "y",
        -4);
  }

  /** An upright line at a value of x, with its name in the {@code row}th row from the top. */
  void upright(String name, double value, int row) {
    double at = x.at(value);
    boolean before = at > (LEFT + right) / 2.0;
    body.empty("line", "class", "cross", "x1", at, "x2", at, "y1", TOP, "y2", height - BOTTOM)
        .element(
            "text",
            name,
            "class",
            "crossname",
            "text-anchor",
            before ? "end" : "start",
            "x",
            at + (before ? -4 : 4),
            "y",
            TOP + 11 + LINE * row);
  }

  /** Bars of heights over [low, high], of equal widths, as one shape. */
  void steps(double low, double high, double[] heights) {
    double width = (high - low) / heights.length;
    StringBuilder path = new StringBuilder("M");
    path.append(Markup.coordinate(x.at(low))).append(' ').append(Markup.coordinate(y.at(0)));
    for (int i = 0; i < heights.length; i++) {
      path.append('V')
          .append(Markup.coordinate(y.at(heights[i])))
          .append('H')
          .append(Markup.coordinate(x.at(low + (i + 1) * width)));
    }
    path.append('V').append(Markup.coordinate(y.at(0))).append('Z');
    body.empty("path", "class", "steps", "d", path);
  }

  /** The element. */
  String svg() {
    Markup under = new Markup();
    int room = height - TOP - BOTTOM;
    int tall = names.stream().mapToInt(Name::height).sum();
    int rows = 0;
    if (tall <= room) {
      nameBeside();
    } else {
      for (Name it : names) {
        rows = keyRow(under, rows, new Key(String.join(", ", it.rows), "c" + it.colour, it.colour));
      }
    }
    for (Key it : keys) {
      rows = keyRow(under, rows, it);
    }
    int total = height + rows * (LINE + 2) + (rows > 0 ? 4 : 0);
    return new Markup()
        .open(
            "svg",
            "xmlns",
            "http://www.w3.org/2000/svg",
            "class",
            "chart",
            "role",
            "img",
            "aria-label",
            title,
            "viewBox",
            "0 0 " + WIDTH + " " + total)
        .raw(body.toString())
        .raw(under.toString())
        .close()
        .toString();
  }

  private int keyRow(Markup under, int row, Key key) {
    int top = height + row * (LINE + 2) + 6;
    shape(under, null, key.css, key.shape, LEFT + 6, top);
    under.element("text", key.text, "x", LEFT + 18, "y", top + 4.5);
    return row + 1;
  }

  /** Names at the right of the lines, moved apart where they would cover one another. */
  private void nameBeside() {
    List<Name> sorted = new ArrayList<>(names);
    sorted.sort(Comparator.comparingDouble(Name::endY));
    double[] tops = new double[sorted.size()];
    double free = TOP;
    for (int i = 0; i < tops.length; i++) {
      tops[i] = Math.max(free, sorted.get(i).endY - sorted.get(i).height() / 2.0);
      free = tops[i] + sorted.get(i).height();
    }
    double limit = height - BOTTOM + 4;
    for (int i = tops.length - 1; i >= 0; i--) {
      tops[i] = Math.min(tops[i], limit - sorted.get(i).height());
      limit = tops[i];
    }
    for (int i = 0; i < tops.length; i++) {
      Name it = sorted.get(i);
      double middle = tops[i] + it.height() / 2.0;
      body.empty(
          "polyline",
          "class",
          "leader",
          "points",
          Markup.coordinate(it.endX + 4)
              + ","
              + Markup.coordinate(it.endY)
              + " "
              + Markup.coordinate(Math.max(it.endX + 4, right + 2))
              + ","
              + Markup.coordinate(middle)
              + " "
              + (right + 7)
              + ","
              + Markup.coordinate(middle));
      for (int k = 0; k < it.rows.size(); k++) {
        body.element(
            "text",
            it.rows.get(k),
            "class",
            "name c" + it.colour,
            "x",
            right + 10,
            "y",
            tops[i] + 11.5 + k * LINE);
      }
    }
  }

  private String points(double[] xs, double[] ys) {
    StringBuilder points = new StringBuilder();
    for (int i = 0; i < xs.length; i++) {
      points
          .append(i == 0 ? "" : " ")
          .append(Markup.coordinate(x.at(xs[i])))
          .append(',')
          .append(Markup.coordinate(y.at(ys[i])));
    }
    return points.toString();
  }

  private static void shape(Markup to, String what, String css, int shape, double cx, double cy) {
    String mark = "mark " + css;
    switch (shape % 4) {
      case 0 -> to.open("circle", "class", mark, "cx", cx, "cy", cy, "r", 4);
      case 1 ->
          to.open("rect", "class", mark, "x", cx - 3.5, "y", cy - 3.5, "width", 7, "height", 7);
      case 2 -> to.open("path", "class", mark, "d", "M" + pair(cx, cy - 4.8) + "l4.6 8h-9.2z");
      default -> to.open("path", "class", mark, "d", "M" + pair(cx, cy - 5) + "l5 5l-5 5l-5-5z");
    }
    if (what != null) {
      to.element("title", what);
    }
    to.close();
  }

  private static String pair(double x, double y) {
    return Markup.coordinate(x) + " " + Markup.coordinate(y);
  }
}
