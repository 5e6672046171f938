package dev.weft.cli;

import dev.weft.internal.Checks;
import java.util.ArrayList;
import java.util.List;

/** {@link Printable} text in aligned columns. */
final class Table {
  /** A longer cell is cut: each row is as wide as the widest. */
  private static final int MOST = 200;

  private final List<String[]> rows = new ArrayList<>();
  private final boolean[] right;

  /** A table whose columns have these heads; a head that begins with {@code >} aligns right. */
  Table(String... heads) {
    right = new boolean[heads.length];
    String[] row = new String[heads.length];
    for (int column = 0; column < heads.length; column++) {
      right[column] = heads[column].startsWith(">");
      row[column] = cell(right[column] ? heads[column].substring(1) : heads[column]);
    }
    rows.add(row);
  }

  /** Adds a row with one cell for each column; long cells are cut. */
  Table row(Object... cells) {
    String[] row = new String[right.length];
    for (int column = 0; column < row.length; column++) {
      row[column] = cell(String.valueOf(cells[column]));
    }
    rows.add(row);
    return this;
  }

  private static String cell(String text) {
    return Printable.line(Checks.cut(text, MOST));
  }

  /** The lines of the table. */
  @Override
  public String toString() {
    int[] widths = new int[right.length];
    for (String[] row : rows) {
      for (int column = 0; column < row.length; column++) {
        widths[column] = Math.max(widths[column], row[column].length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int column = 0; column < row.length; column++) {
        String pad = " ".repeat(widths[column] - row[column].length());
        line.append(column == 0 ? "" : "  ");
        line.append(right[column] ? pad + row[column] : row[column] + pad);
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }
}
