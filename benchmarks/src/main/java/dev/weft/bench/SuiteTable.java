package dev.weft.bench;

import dev.weft.compare.Measurement;
import dev.weft.compare.Results;
import dev.weft.compare.Roof;
import dev.weft.compare.report.Changes;
import dev.weft.compare.report.HeldBack;
import dev.weft.compare.report.MarkdownReport;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Results as tables of text, which are Markdown as well. */
final class SuiteTable {
  private SuiteTable() {}

  /**
   * Every rate, its interval and its share of the roof; below it the means over other libraries, if
   * there are any, and what the mark behind the name of some means.
   */
  static String rates(Results results) {
    List<HeldBack> heldBack = HeldBack.in(results);
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("task", "contestant", "rate", "from", "to", "unit", "of roof"));
    for (Measurement it : results.measurements()) {
      Optional<Roof> roof = results.roof(it.task());
      rows.add(
          List.of(
              it.task().toString(),
              it.contestant()
                  + (heldBack.stream().anyMatch(each -> each.covers(it))
                      ? " " + HeldBack.MARK
                      : ""),
              digits(it.rate()),
              digits(it.low()),
              digits(it.high()),
              it.task().suite().unit(),
              roof.map(limit -> digits(it.rate() / limit.rate())).orElse("")));
    }
    String means = MarkdownReport.headline(results);
    return table(rows) + (means.isEmpty() ? "" : "\n" + means);
  }

  /** What is in both: rates before and now, their ratio, and whether it says anything. */
  static String changes(Results before, Results now) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("task", "contestant", "before", "now", "ratio", "verdict"));
    for (Changes.Change it : Changes.between(before, now).changes()) {
      rows.add(
          List.of(
              it.after().task().toString(),
              it.after().contestant(),
              digits(it.before().rate()),
              digits(it.after().rate()),
              digits(it.ratio()),
              it.verdict().toString()));
    }
    rows.addAll(roofs(before, now));
    return table(rows);
  }

  /** The limits of the machine then and now: whether it is the machine that changed. */
  private static List<List<String>> roofs(Results before, Results now) {
    List<List<String>> rows = new ArrayList<>();
    for (Roof it : now.roofs()) {
      before.roofs().stream()
          .filter(
              old ->
                  old.kind().equals(it.kind())
                      && old.dtype().equals(it.dtype())
                      && old.threads() == it.threads()
                      && old.bytes() == it.bytes())
          .findFirst()
          .ifPresent(
              old ->
                  rows.add(
                      List.of(
                          String.format(
                              Locale.ROOT,
                              "roof: %s%s, %d threads%s",
                              it.kind(),
                              it.dtype().isEmpty() ? "" : " " + it.dtype(),
                              it.threads(),
                              it.bytes() == 0 ? "" : ", " + it.bytes() + " bytes"),
                          "",
                          digits(old.rate()),
                          digits(it.rate()),
                          digits(it.rate() / old.rate()),
                          "")));
    }
    return rows;
  }

  private static String digits(double value) {
    return String.format(
        Locale.ROOT,
        value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : value >= 0.01 ? "%.2f" : "%.2g",
        value);
  }

  private static String table(List<List<String>> rows) {
    int columns = rows.getFirst().size();
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int c = 0; c < columns; c++) {
        widths[c] = Math.max(widths[c], row.get(c).length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (int r = 0; r < rows.size(); r++) {
      for (int c = 0; c < columns; c++) {
        String cell = rows.get(r).get(c);
        text.append("| ").append(cell).append(" ".repeat(widths[c] - cell.length() + 1));
      }
      text.append("|\n");
      if (r == 0) {
        for (int width : widths) {
          text.append('|').append("-".repeat(width + 2));
        }
        text.append("|\n");
      }
    }
    return text.toString();
  }
}
