package dev.weft.compare.report;

import dev.weft.compare.Suite;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** weft's fastest over each library, task by task, where it is slower first. */
final class Ratios {
  private final Page page;
  private final Markup out;

  private Ratios(Page page) {
    this.page = page;
    out = page.out();
  }

  static void write(Page page) {
    new Ratios(page).write();
  }

  private void write() {
    page.paragraph(
        "The rate of weft’s fastest over that of the library in the same task; the interval is the least and the greatest ratio that both intervals allow. Right of the middle weft is faster, left of it slower; a hollow mark is undecided. The tasks in which weft is slowest beside the library come first.");
    boolean any = false;
    for (Suite suite : Suite.values()) {
      for (int f = 0; f < page.files().size(); f++) {
        Contest contest = new Contest(page.files().get(f));
        List<Contest.Pair> pairs = contest.pairs(suite);
        if (pairs.isEmpty()) {
          continue;
        }
        any = true;
        table(page.prefix(f) + suite.title(), f, pairs);
      }
    }
    if (!any) {
      page.paragraph("No other library was measured; weft bench --suite all --peers does that.");
    }
  }

  private void table(String title, int file, List<Contest.Pair> pairs) {
    double greatest = Plot.greatest(pairs.stream().map(Contest.Pair::ratio).toList());
    Plot plot = Plot.open(out, "ratios");
    out.element("caption", title);
    plot.head("", () -> plot.ratioNames(greatest), "ratio", "interval", "weft is");
    Map<String, List<Contest.Pair>> libraries = new LinkedHashMap<>();
    pairs.forEach(it -> libraries.computeIfAbsent(it.peer(), key -> new ArrayList<>()).add(it));
    libraries.entrySet().stream()
        .sorted(Comparator.comparingDouble(it -> mean(it.getValue()).geometricMean()))
        .forEach(it -> library(plot, it.getKey(), it.getValue(), greatest, file));
    plot.close();
  }

  private static Contest.Sum mean(List<Contest.Pair> pairs) {
    return Contest.sum(pairs).orElseThrow();
  }

  private void library(
      Plot plot, String peer, List<Contest.Pair> pairs, double greatest, int file) {
    Contest.Sum sum = mean(pairs);
    out.open("tr", "class", "group")
        .open("th", "colspan", 5, "scope", "rowgroup")
        .text("weft over " + peer + ": ")
        .element("b", Text.times(sum.geometricMean()), "class", Page.css(sum))
        .element(
            "small",
            " geometric mean of "
                + Text.count(sum.tasks(), "task")
                + ": faster in "
                + sum.faster()
                + ", undecided in "
                + sum.same()
                + ", slower in "
                + sum.slower())
        .close()
        .close();
    Set<String> ways = new TreeSet<>();
    pairs.forEach(it -> ways.add(it.other().contestant()));
    List<Contest.Pair> sorted = new ArrayList<>(pairs);
    sorted.sort(Comparator.comparingDouble(Contest.Pair::ratio));
    for (Contest.Pair it : sorted) {
      String way = ways.size() > 1 ? " " + it.other().contestant().substring(peer.length()) : "";
      row(plot, it.weft().task() + way, file, it, greatest);
    }
  }

  private void row(Plot plot, String name, int file, Contest.Pair it, double greatest) {
    out.open(
            "tr",
            "class",
            Page.css(it.verdict()),
            "data-pair-file",
            Page.letter(file),
            "data-pair-task",
            it.weft().task().toString(),
            "data-pair-weft",
            it.weft().contestant(),
            "data-pair-other",
            it.other().contestant(),
            "data-ratio",
            Double.toString(it.ratio()))
        .element("th", name, "scope", "row", "class", "who")
        .open("td", "class", "graph");
    plot.ratio(it.ratio(), it.low(), it.high(), greatest, it.verdict());
    out.close()
        .element("td", Text.times(it.ratio()), "class", "value")
        .element("td", Text.interval(it.low(), it.high()), "class", "span")
        .element("td", Page.word(it.verdict()), "class", "note")
        .close();
  }
}
