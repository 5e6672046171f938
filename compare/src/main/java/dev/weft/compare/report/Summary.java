package dev.weft.compare.report;

import dev.weft.compare.Agreement;
import dev.weft.compare.Measurement;
import dev.weft.compare.Results;
import dev.weft.compare.Suite;
import dev.weft.compare.Verdict;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The figures that a reader wants first. */
final class Summary {
  private static final int SHOWN = 10; // of the tasks at either end

  private final Page page;
  private final Markup out;

  private Summary(Page page) {
    this.page = page;
    out = page.out();
  }

  static void write(Page page) {
    Summary summary = new Summary(page);
    for (int f = 0; f < page.files().size(); f++) {
      summary.file(f);
    }
    page.paragraph(
        "A rate is the median of all samples. Its interval is the wider of the 99.9 % confidence interval of the mean and the range of the medians of the JVMs. Of two rates one is faster or slower where the intervals do not touch; else it is undecided.");
  }

  private void file(int f) {
    Results file = page.files().get(f);
    Contest contest = new Contest(file);
    page.fileHeading(f);
    verdicts(contest, file);
    out.open("div", "class", "cards");
    for (Suite suite : Suite.values()) {
      card(file, contest, suite, false);
      card(file, contest, suite, true);
    }
    out.close();
    libraries(contest);
    ends(contest);
  }

  /** One sentence, the same whoever is ahead. */
  private void verdicts(Contest contest, Results file) {
    Optional<Contest.Sum> all = Contest.sum(contest.pairs());
    out.open("p", "class", "lead");
    if (all.isEmpty()) {
      out.text("No other library was measured.");
    } else {
      Contest.Sum sum = all.get();
      out.text("Of ")
          .element("b", Text.count(sum.tasks(), "comparison"))
          .text(" of weft’s fastest with another library in the same task, weft is ")
          .element("b", "faster in " + sum.faster(), "class", "faster")
          .text(", ")
          .element("b", "slower in " + sum.slower(), "class", "slower")
          .text(", and undecided in " + sum.same() + ". ");
    }
    if (!file.agreements().isEmpty()) {
      long wrong = file.agreements().stream().filter(it -> !it.holds()).count();
      long equal = file.agreements().stream().filter(Agreement::equalBits).count();
      if (wrong > 0) {
        out.element(
            "b",
            wrong + " of " + file.agreements().size() + " comparisons of results DIFFER.",
            "class",
            "slower");
      } else {
        out.text(
            " Of "
                + file.agreements().size()
                + " comparisons of results "
                + equal
                + " are bit-equal, and all are within their bounds.");
      }
    }
    if (!file.missing().isEmpty()) {
      long who = file.missing().stream().map(it -> it.contestant()).distinct().count();
      out.text(" ").open("a", "href", "#missing").text(Text.count(who, "contestant")).close();
      out.text(" did not run everything.");
    }
    out.close();
  }

  /** weft's rate in the largest task of a suite, beside its roof where that was measured. */
  private void card(Results file, Contest contest, Suite suite, boolean device) {
    Optional<Measurement> largest =
        contest.tasks(suite).values().stream()
            .flatMap(all -> Contest.weft(all).stream())
            .filter(it -> it.task().onDevice() == device)
            .max(
                Comparator.comparing((Measurement it) -> file.roof(it.task()).isPresent())
                    .thenComparing(it -> it.task().elements())
                    .thenComparing(Measurement::rate));
    if (largest.isEmpty()) {
      return;
    }
    Measurement best = largest.get();
    double scale = best.rate() < 1e4 ? 1 : 1e3;
    out.open("div", "class", "card")
        .element("div", suite.title() + (device ? " on the GPU" : ""), "class", "what")
        .open("div", "class", "figure")
        .text(Text.digits(best.rate() / scale) + " ")
        .element("small", (scale > 1 ? "T" : "G") + suite.unit().substring(1))
        .close()
        .element("div", best.contestant() + ": " + best.task());
    file.roof(best.task())
        .ifPresent(
            roof ->
                out.element(
                    "div", Text.percent(best.rate() / roof.rate()) + " of " + Page.name(roof)));
    out.close();
  }

  /** Geometric means against each library. */
  private void libraries(Contest contest) {
    if (contest.peers().isEmpty()) {
      return;
    }
    List<Suite> suites =
        Arrays.stream(Suite.values()).filter(it -> !contest.pairs(it).isEmpty()).toList();
    out.open("p", "class", "caption")
        .text(
            "weft’s rate over each library’s, geometric mean over tasks; and in how many tasks weft is ")
        .element("b", "▲ faster", "class", "faster")
        .text(", = undecided, ")
        .element("b", "▼ slower", "class", "slower")
        .close()
        .open("div", "class", "scroll")
        .open("table", "class", "libraries", "aria-label", "weft beside each library, by suite")
        .open("thead")
        .open("tr")
        .element("th", "library", "scope", "col");
    suites.forEach(it -> out.element("th", it.title(), "scope", "col"));
    out.close().close().open("tbody");
    for (String peer : contest.peers()) {
      out.open("tr").element("th", peer, "scope", "row");
      for (Suite suite : suites) {
        contest
            .sum(suite, peer)
            .ifPresentOrElse(this::cell, () -> out.element("td", "–", "class", "none"));
      }
      out.close();
    }
    out.close().close().close();
  }

  private void cell(Contest.Sum sum) {
    out.open("td")
        .element("b", Text.times(sum.geometricMean()), "class", Page.css(sum))
        .open("svg", "class", "shares", "height", 6, "aria-hidden", "true");
    double from = 0;
    int[] counts = {sum.faster(), sum.same(), sum.slower()};
    String[] css = {"faster", "same", "slower"};
    for (int i = 0; i < 3; i++) {
      double wide = 100.0 * counts[i] / sum.tasks();
      if (wide > 0) {
        out.empty(
            "rect",
            "class",
            css[i],
            "x",
            Markup.coordinate(from) + "%",
            "width",
            Markup.coordinate(wide) + "%",
            "height",
            6);
      }
      from += wide;
    }
    out.close().element("small", "▲" + counts[0] + " =" + counts[1] + " ▼" + counts[2]).close();
  }

  /** Where weft is slower, and by how much it is ahead of each library at most. */
  private void ends(Contest contest) {
    List<Contest.Pair> sorted =
        contest.pairs().stream().sorted(Comparator.comparingDouble(Contest.Pair::ratio)).toList();
    if (sorted.isEmpty()) {
      return;
    }
    List<Contest.Pair> slower =
        sorted.stream().filter(it -> it.verdict() == Verdict.SLOWER).toList();
    Map<String, Contest.Pair> best = new LinkedHashMap<>();
    sorted.reversed().stream()
        .filter(it -> it.verdict() == Verdict.FASTER)
        .forEach(it -> best.putIfAbsent(it.peer(), it));
    List<Contest.Pair> faster = List.copyOf(best.values());
    out.open("div", "class", "ends");
    end("Where weft is slower", "Nowhere beyond the intervals.", slower);
    end("Where weft is furthest ahead of each library", "Nowhere beyond the intervals.", faster);
    out.close();
  }

  private void end(String title, String none, List<Contest.Pair> pairs) {
    out.open("div").element("h4", title);
    if (pairs.isEmpty()) {
      page.paragraph(none);
    } else {
      out.open("ol");
      for (Contest.Pair it : pairs.subList(0, Math.min(SHOWN, pairs.size()))) {
        out.open("li")
            .element("b", Text.times(it.ratio()), "class", Page.css(it.verdict()))
            .text(" " + it.other().contestant() + ", " + it.weft().task())
            .close();
      }
      out.close();
      if (pairs.size() > SHOWN) {
        out.open("p").text("and " + (pairs.size() - SHOWN) + " more under ");
        out.element("a", "Ratios", "href", "#ratios").close();
      }
    }
    out.close();
  }
}
