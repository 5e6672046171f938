package dev.weft.compare.report;

import dev.weft.compare.Suite;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
        "The rate of weft’s fastest over that of the library in the same task, and first over that of the fastest other in each task, whoever it is; the interval is the least and the greatest ratio that both intervals allow. Right of the middle weft is faster, left of it slower; a hollow mark is undecided. The tasks in which weft is slowest beside the library come first.");
    boolean any = false;
    for (Suite suite : Suite.values()) {
      for (int f = 0; f < page.files().size(); f++) {
        Contest contest = new Contest(page.files().get(f));
        if (!contest.pairs(suite).isEmpty()) {
          any = true;
          table(contest, suite, f);
        }
      }
    }
    if (!any) {
      page.paragraph("No other library was measured; weft bench --suite all --peers does that.");
    }
  }

  private void table(Contest contest, Suite suite, int file) {
    List<Contest.Pair> pairs = contest.pairs(suite);
    double greatest = Plot.greatest(pairs.stream().map(Contest.Pair::ratio).toList());
    Plot plot = Plot.open(out, "ratios");
    out.element("caption", page.prefix(file) + suite.title());
    plot.head("", () -> plot.ratioNames(greatest), "ratio", "interval", "weft is");
    List<Contest.Pair> best = contest.best(suite);
    Contest.sum(best).ifPresent(sum -> best(plot, contest, best, sum, greatest));
    Map<String, List<Contest.Pair>> libraries = new LinkedHashMap<>();
    pairs.forEach(it -> libraries.computeIfAbsent(it.peer(), key -> new ArrayList<>()).add(it));
    libraries.entrySet().stream()
        .sorted(
            Comparator.comparingDouble(
                it ->
                    contest
                        .sum(suite, it.getKey())
                        .map(Contest.Sum::geometricMean)
                        .orElse(Double.POSITIVE_INFINITY)))
        .forEach(
            it -> {
              String peer = it.getKey();
              Optional<HeldBack> heldBack = contest.heldBack(suite, peer);
              out.open("tr", "class", "group")
                  .open("th", "colspan", 5, "scope", "rowgroup")
                  .text("weft over " + peer);
              page.mark(heldBack);
              out.text(": ");
              contest
                  .sum(suite, peer)
                  .ifPresentOrElse(this::mean, () -> out.element("small", "held back, no mean"));
              out.close().close();
              library(plot, contest, peer, it.getValue(), greatest, file);
            });
    plot.close();
    page.reasons(contest.heldBack(suite));
  }

  private void best(
      Plot plot, Contest contest, List<Contest.Pair> best, Contest.Sum sum, double greatest) {
    out.open("tr", "class", "group")
        .open("th", "colspan", 5, "scope", "rowgroup")
        .text("weft over the best of all others: ");
    mean(sum);
    out.close().close();
    best.stream()
        .sorted(Comparator.comparingDouble(Contest.Pair::ratio))
        .forEach(
            it -> {
              String task = it.weft().task().toString();
              out.open(
                  "tr",
                  "class",
                  Page.css(it.verdict()),
                  "data-best-task",
                  task,
                  "data-ratio",
                  Double.toString(it.ratio()));
              cells(plot, contest, task + ", " + it.other().contestant(), it, greatest);
            });
  }

  private void mean(Contest.Sum sum) {
    out.element("b", Text.times(sum.geometricMean()), "class", Page.css(sum))
        .element(
            "small",
            " geometric mean of "
                + Text.count(sum.tasks(), "task")
                + ": faster in "
                + sum.faster()
                + ", undecided in "
                + sum.same()
                + ", slower in "
                + sum.slower());
  }

  private void library(
      Plot plot,
      Contest contest,
      String peer,
      List<Contest.Pair> pairs,
      double greatest,
      int file) {
    Set<String> ways = new TreeSet<>();
    pairs.forEach(it -> ways.add(it.other().contestant()));
    List<Contest.Pair> sorted = new ArrayList<>(pairs);
    sorted.sort(Comparator.comparingDouble(Contest.Pair::ratio));
    for (Contest.Pair it : sorted) {
      String way = ways.size() > 1 ? " " + it.other().contestant().substring(peer.length()) : "";
      row(plot, contest, it.weft().task() + way, file, it, greatest);
    }
  }

  private void row(
      Plot plot, Contest contest, String name, int file, Contest.Pair it, double greatest) {

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
        Double.toString(it.ratio()));
    cells(plot, contest, name, it, greatest);
  }

  private void cells(Plot plot, Contest contest, String name, Contest.Pair it, double greatest) {
    out.element("th", name, "scope", "row", "class", "who").open("td", "class", "graph");
    plot.ratio(it.ratio(), it.low(), it.high(), greatest, it.verdict());
    out.close()
        .element("td", Text.times(it.ratio()), "class", "value")
        .element("td", Text.interval(it.low(), it.high()), "class", "span")
        .open("td", "class", "note")
        .text(Page.word(it.verdict()));
    page.mark(contest.heldBack(it.other()));
    out.close().close();
  }
}
