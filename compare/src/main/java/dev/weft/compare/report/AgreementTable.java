package dev.weft.compare.report;

import dev.weft.compare.Agreement;
import dev.weft.compare.Results;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** How results agree: operations down, techniques across. */
final class AgreementTable {
  private AgreementTable() {}

  static boolean any(List<Results> files) {
    return files.stream().anyMatch(file -> !file.agreements().isEmpty());
  }

  static void write(Page page) {
    page.paragraph(
        "Every technique beside scalar code on one thread: bit-equal, or the largest difference as a share of the bound that Accuracy states, of which 1 is allowed.");
    for (int f = 0; f < page.files().size(); f++) {
      Results file = page.files().get(f);
      if (!file.agreements().isEmpty()) {
        page.fileHeading(f);
        table(page.out(), file.agreements());
      }
    }
  }

  private static void table(Markup out, List<Agreement> agreements) {
    Set<String> techniques = new LinkedHashSet<>();
    Map<String, Map<String, Agreement>> rows = new LinkedHashMap<>();
    for (Agreement it : agreements) {
      techniques.add(it.technique());
      rows.computeIfAbsent(it.operation() + " " + it.dtype(), key -> new LinkedHashMap<>())
          .put(it.technique(), it);
    }
    out.open("div", "class", "scroll")
        .open("table", "class", "agreement")
        .open("thead")
        .open("tr")
        .element("th", "operation", "scope", "col");
    techniques.forEach(it -> out.element("th", it, "scope", "col"));
    out.close().close().open("tbody");
    rows.forEach(
        (name, cells) -> {
          out.open("tr").element("th", name, "scope", "row");
          for (String technique : techniques) {
            cell(out, cells.get(technique));
          }
          out.close();
        });
    out.close().close().close();
  }

  private static void cell(Markup out, Agreement it) {
    if (it == null) {
      out.element("td", "–", "class", "none");
    } else if (!it.holds()) {
      out.open("td", "class", "slower")
          .element("b", "✕ DIFFERS")
          .element("small", " " + it.detail())
          .close();
    } else if (it.equalBits()) {
      out.element("td", "bit-equal", "class", "equal", "title", Text.count(it.cases(), "case"));
    } else {
      out.element(
          "td",
          Text.digits(it.errorOverBound()) + " of bound",
          "data-error",
          Double.toString(it.errorOverBound()),
          "title",
          Text.count(it.cases(), "case"));
    }
  }
}
