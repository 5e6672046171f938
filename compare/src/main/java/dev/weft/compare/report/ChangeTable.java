package dev.weft.compare.report;

import dev.weft.compare.Machine;
import dev.weft.compare.Results;
import dev.weft.compare.Roof;
import dev.weft.compare.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What differs between the first file and each other. */
final class ChangeTable {
  private final Page page;
  private final Markup out;

  private ChangeTable(Page page) {
    this.page = page;
    out = page.out();
  }

  static void write(Page page) {
    ChangeTable table = new ChangeTable(page);
    for (int f = 1; f < page.files().size(); f++) {
      table.file(f);
    }
  }

  private void file(int f) {
    Results before = page.files().getFirst();
    Results after = page.files().get(f);
    Changes changes = Changes.between(before, after);
    String letter = Page.letter(f);
    out.element("h3", letter + " (" + after.name() + ") beside A (" + before.name() + ")");
    List<String> differences = differences(before.machine(), after.machine());
    if (!differences.isEmpty()) {
      out.open("div", "class", "warning", "role", "note")
          .element("p", "The machines differ, so these ratios are not of the code alone:")
          .open("ul");
      differences.forEach(it -> out.element("li", it));
      out.close().close();
    }
    out.open("p", "class", "lead")
        .text(
            "Of "
                + Text.count(changes.changes().size(), "measurement")
                + " in both, "
                + letter
                + " is ")
        .element("b", "faster in " + changes.of(Verdict.FASTER).size(), "class", "faster")
        .text(", ")
        .element("b", "slower in " + changes.of(Verdict.SLOWER).size(), "class", "slower")
        .text(
            ", and in "
                + changes.of(Verdict.SAME).size()
                + " the intervals touch, so that no difference is shown.")
        .close();
    roofs(before, after, letter);
    if (changes.changes().isEmpty()) {
      return;
    }
    double greatest = Plot.greatest(changes.changes().stream().map(Changes.Change::ratio).toList());
    Plot plot = Plot.open(out, "ratios changes");
    out.element("caption", "Rate of " + letter + " over that of A, the slowest first");
    plot.head("", () -> plot.ratioNames(greatest), "ratio", "interval", letter + " is");
    for (Changes.Change it : changes.changes()) {
      String unit = it.after().task().suite().unit();
      out.open(
              "tr",
              "class",
              Page.css(it.verdict()),
              "data-change-file",
              letter,
              "data-change-task",
              it.after().task().toString(),
              "data-change-contestant",
              it.after().contestant(),
              "data-ratio",
              Double.toString(it.ratio()),
              "data-verdict",
              it.verdict().toString())
          .open("th", "scope", "row", "class", "who")
          .text(it.after().contestant() + ", " + it.after().task() + " ")
          .element(
              "small",
              Text.digits(it.before().rate()) + " → " + Text.digits(it.after().rate()) + " " + unit)
          .close()
          .open("td", "class", "graph");
      plot.ratio(it.ratio(), it.low(), it.high(), greatest, it.verdict());
      out.close();
      out.element("td", Text.times(it.ratio()), "class", "value")
          .element("td", Text.interval(it.low(), it.high()), "class", "span")
          .element(
              "td",
              it.verdict() == Verdict.SAME ? "= no difference shown" : Page.word(it.verdict()),
              "class",
              "note")
          .close();
    }
    plot.close();
  }

  /** Limits of the machine in both: whether it is the machine that changed. */
  private void roofs(Results before, Results after, String letter) {
    Rows rows = new Rows("roof", "A", letter, "ratio");
    boolean any = false;
    for (Roof it : after.roofs()) {
      Optional<Roof> old =
          before.roofs().stream()
              .filter(
                  that ->
                      that.kind().equals(it.kind())
                          && that.dtype().equals(it.dtype())
                          && that.threads() == it.threads()
                          && that.bytes() == it.bytes())
              .findFirst();
      if (old.isPresent()) {
        any = true;
        rows.add(
            Machines.name(it),
            Text.digits(old.get().rate()) + " " + it.unit(),
            Text.digits(it.rate()) + " " + it.unit(),
            Text.times(it.rate() / old.get().rate()));
      }
    }
    if (any) {
      out.open("details", "class", "paper").element("summary", "the machine’s own limits in both");
      rows.write(out, "numbers");
      out.close();
    }
  }

  /** In what two machines differ; empty if one of them is not known. */
  static List<String> differences(Optional<Machine> before, Optional<Machine> after) {
    if (before.isEmpty() || after.isEmpty()) {
      return List.of("a file does not say what it was measured on");
    }
    Machine a = before.get();
    Machine b = after.get();
    List<String> all = new ArrayList<>();
    difference(all, "processor", a.cpu(), b.cpu());
    difference(
        all, "processors", Integer.toString(a.processors()), Integer.toString(b.processors()));
    difference(all, "vectors", String.join(" ", a.simd()), String.join(" ", b.simd()));
    difference(all, "GPU", gpu(a), gpu(b));
    difference(all, "JVM", a.jdk(), b.jdk());
    difference(all, "system", a.os(), b.os());
    return all;
  }

  private static String gpu(Machine it) {
    return it.gpu().isEmpty() ? "none" : String.join("; ", it.gpu());
  }

  private static void difference(List<String> all, String what, String a, String b) {
    if (!a.equals(b)) {
      all.add(what + ": A " + a + ", B " + b);
    }
  }
}
