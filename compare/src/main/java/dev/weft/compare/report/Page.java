package dev.weft.compare.report;

import dev.weft.compare.Measurement;
import dev.weft.compare.Results;
import dev.weft.compare.Roof;
import dev.weft.compare.Suite;
import dev.weft.compare.Task;
import dev.weft.compare.Verdict;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What the sections of a page have in common: its files, and how it says things.
 *
 * @param files the first is what the others are compared with
 * @param out what is written
 */
record Page(List<Results> files, Markup out) {

  boolean several() {
    return files.size() > 1;
  }

  /** What stands for a file: A, B … */
  static String letter(int file) {
    return file < 26 ? String.valueOf((char) ('A' + file)) : "F" + (file + 1);
  }

  /** A file's letter in front of a name, where there are several. */
  Page letterOf(int file) {
    if (several()) {
      out.element("b", letter(file), "class", "file f" + Math.min(file, 3)).text(" ");
    }
    return this;
  }

  /** {@code A: } where there are several files. */
  String prefix(int file) {
    return several() ? letter(file) + ": " : "";
  }

  /** A heading with the file's letter and name, where there are several. */
  void fileHeading(int file) {
    if (several()) {
      out.open("h3");
      letterOf(file);
      out.text(files.get(file).name()).close();
    }
  }

  Page paragraph(String text) {
    out.element("p", text);
    return this;
  }

  /** A mark that says on being pointed at why a library was held back. */
  Page mark(Optional<HeldBack> heldBack) {
    heldBack.ifPresent(
        it ->
            out.text(" ")
                .element("span", HeldBack.MARK, "class", "held", "title", "held back: " + it));
    return this;
  }

  /** What the marks mean, library by library. */
  void reasons(List<HeldBack> heldBack) {
    if (!heldBack.isEmpty()) {
      out.open("div", "class", "reasons")
          .open("p")
          .element("span", HeldBack.MARK, "class", "held")
          .text(" " + HeldBack.meaning() + ".")
          .close()
          .open("ul");
      heldBack.forEach(it -> out.element("li", it.toString()));
      out.close().close();
    }
  }

  /** Tasks of a suite in any file, in the order in which they were measured. */
  Set<Task> tasks(Suite suite) {
    Set<Task> tasks = new LinkedHashSet<>();
    files.forEach(file -> tasks.addAll(new Contest(file).tasks(suite).keySet()));
    return tasks;
  }

  /** All that did a task, the fastest first, with each contestant's files next to each other. */
  List<Entry> entries(Task task) {
    List<Entry> entries = new ArrayList<>();
    for (int f = 0; f < files.size(); f++) {
      for (Measurement it :
          new Contest(files.get(f)).tasks(task.suite()).getOrDefault(task, List.of())) {
        entries.add(new Entry(f, it, files.get(f)));
      }
    }
    Map<String, Double> best = new HashMap<>();
    entries.forEach(it -> best.merge(it.of.contestant(), it.of.rate(), Math::max));
    entries.sort(
        (a, b) -> {
          int byRate = Double.compare(best.get(b.of.contestant()), best.get(a.of.contestant()));
          int byName = a.of.contestant().compareTo(b.of.contestant());
          return byRate != 0 ? byRate : byName != 0 ? byName : Integer.compare(a.file, b.file);
        });
    return entries;
  }

  /**
   * A measurement of a file.
   *
   * @param file its index
   * @param in the file
   */
  record Entry(int file, Measurement of, Results in) {}

  /** A chart with its caption and its table, which is open on paper at least. */
  void figure(Chart chart, String caption, Rows table, boolean open) {
    figure(chart, caption, table, "paper", open);
  }

  /** A chart whose table is long, and of use to a program rather than to a reader of paper. */
  void figureWithBins(Chart chart, String caption, Rows table) {
    figure(chart, caption, table, "bins", false);
  }

  private void figure(Chart chart, String caption, Rows table, String css, boolean open) {
    out.open("figure")
        .raw(chart.svg())
        .element("figcaption", caption)
        .open("details", "class", css, "open", open ? "open" : null)
        .element("summary", "table");
    table.write(out, "numbers");
    out.close().close();
  }

  /** The exact numbers of a measurement, as attributes. */
  static Object[] data(Entry it, String css) {
    return new Object[] {
      "class", css,
      "data-file", letter(it.file),
      "data-suite", it.of.task().suite().id(),
      "data-task", it.of.task().toString(),
      "data-contestant", it.of.contestant(),
      "data-rate", Double.toString(it.of.rate()),
      "data-low", Double.toString(it.of.low()),
      "data-high", Double.toString(it.of.high())
    };
  }

  /** What a roof is. */
  static String name(Roof roof) {
    String what =
        switch (roof.kind()) {
          case "stores" -> "plain stores";
          case "fma" -> "multiply-adds " + roof.dtype();
          default -> roof.kind();
        };
    return what + threads(roof.threads());
  }

  /** A task in fewer words: memory that is there is not mentioned. */
  static String brief(Task task) {
    return task.toString().replace(", reused", "");
  }

  static String threads(int threads) {
    return threads == 0 ? "" : ", " + Text.count(threads, "thread");
  }

  static String css(Verdict verdict) {
    return switch (verdict) {
      case FASTER -> "faster";
      case SAME -> "same";
      case SLOWER -> "slower";
    };
  }

  /** Of a mean: it has a colour only where a task of it is decided. */
  static String css(Contest.Sum sum) {
    return sum.same() == sum.tasks() ? "level" : sum.geometricMean() >= 1 ? "ahead" : "behind";
  }

  /** With a sign, so that it is not told by colour alone. */
  static String word(Verdict verdict) {
    return switch (verdict) {
      case FASTER -> "▲ faster";
      case SAME -> "= undecided";
      case SLOWER -> "▼ slower";
    };
  }
}
