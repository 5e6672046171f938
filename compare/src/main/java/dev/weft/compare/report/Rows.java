package dev.weft.compare.report;

import java.util.ArrayList;
import java.util.List;

/** A table of text: a row of names, then rows that each begin with a name. */
final class Rows {
  private final List<List<String>> rows = new ArrayList<>();

  Rows(List<String> names) {
    rows.add(names);
  }

  Rows(String... names) {
    this(List.of(names));
  }

  void add(List<String> cells) {
    rows.add(cells);
  }

  void add(String... cells) {
    add(List.of(cells));
  }

  /**
   * The element, which scrolls where it is wider than the page.
   *
   * @param css {@code words} where cells are text, {@code numbers} where they are aligned at the
   *     right
   */
  void write(Markup to, String css) {
    to.open("div", "class", "scroll").open("table", "class", css).open("thead").open("tr");
    rows.getFirst().forEach(cell -> to.element("th", cell, "scope", "col"));
    to.close().close().open("tbody");
    for (List<String> row : rows.subList(1, rows.size())) {
      to.open("tr").element("th", row.getFirst(), "scope", "row");
      row.subList(1, row.size()).forEach(cell -> to.element("td", cell));
      to.close();
    }
    to.close().close().close();
  }
}
