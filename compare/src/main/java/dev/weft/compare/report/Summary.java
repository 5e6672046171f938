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
      best(contest, suite);
    }
    for (Suite suite : Suite.values()) {
      card(file, contest, suite, false);
      card(file, contest, suite, true);
    }
    out.close();
    libraries(contest);
    page.reasons(contest.heldBack());
    if (!HeldBack.unknown(file).isEmpty()) {
      page.paragraph(HeldBack.unknownMeaning(HeldBack.unknown(file)) + ".");
    }
    ends(contest);
  }

  private static long count(List<Contest.Pair> pairs, Verdict verdict) {
    return pairs.stream().filter(it -> it.verdict() == verdict).count();
  }

  /** weft beside the fastest other in each task of a suite. */
  private void best(Contest contest, Suite suite) {
    Optional<Contest.Sum> sum = Contest.sum(contest.best(suite));
    if (sum.isEmpty()) {
      return;
    }
    Contest.Pair least = sum.get().least();
    out.open("div", "class", "card")
        .element("div", suite.title() + ": weft / best of all others", "class", "what")
        .open("div", "class", "figure")
        .element("b", Text.times(sum.get().geometricMean()), "class", Page.css(sum.get()))
        .close()
        .element("div", "geometric mean, " + counts(sum.get()))
        .element(
            "div", "least " + Text.times(least.ratio()) + ": " + Page.brief(least.weft().task()))
        .close();
  }

  /** One sentence, the same whoever is ahead. */
  private void verdicts(Contest contest, Results file) {
    Optional<Contest.Sum> all = Contest.sum(contest.fairPairs());
    out.open("p", "class", "lead");
    if (all.isEmpty()) {
      out.text(
          contest.pairs().isEmpty()
              ? "No other library was measured."
              : "All other libraries were held back.");
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
    List<Contest.Pair> unfair =
        contest.pairs().stream().filter(it -> contest.heldBack(it.other()).isPresent()).toList();
    if (!unfair.isEmpty()) {
      out.text(" Not counted: " + Text.count(unfair.size(), "comparison"));
      out.text(" with libraries that were held back ");
      out.element("span", HeldBack.MARK, "class", "held");
      out.text(", of which weft is slower in " + count(unfair, Verdict.SLOWER) + ".");
    }
    if (!contest.pairs().isEmpty()) {
      out.text(" Each of weft’s rates is of at least " + Text.count(contest.jvms(), "JVM") + ". ");
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
            "weft’s rate over each library’s, and over that of the fastest other in each task, geometric mean over tasks; and in how many tasks weft is ")
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
    out.open("tr").element("th", "best of all others", "scope", "row");
    for (Suite suite : suites) {
      cell(Contest.sum(contest.best(suite)), Optional.empty());
    }
    out.close();
    for (String peer : contest.peers()) {
      out.open("tr").element("th", peer, "scope", "row");
      for (Suite suite : suites) {
        cell(contest.sum(suite, peer), contest.heldBack(suite, peer));
      }
      out.close();
    }
    out.close().close().close();
  }

  private void cell(Optional<Contest.Sum> sum, Optional<HeldBack> heldBack) {
    if (sum.isPresent()) {
      cell(sum.get());
    } else {
      out.open("td", "class", "none").text(heldBack.isPresent() ? "held back" : "–");
      page.mark(heldBack);
      out.close();
    }
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
    out.close().element("small", counts(sum)).close();
  }

  private static String counts(Contest.Sum sum) {
    return "▲" + sum.faster() + "\u00A0=" + sum.same() + "\u00A0▼" + sum.slower();
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
        .filter(it -> it.verdict() == Verdict.FASTER && contest.heldBack(it.other()).isEmpty())
        .forEach(it -> best.putIfAbsent(it.peer(), it));
    List<Contest.Pair> faster = List.copyOf(best.values());
    out.open("div", "class", "ends");
    end(contest, "Where weft is slower", slower);
    end(contest, "Where weft is furthest ahead of each library", faster);
    out.close();
  }

  private void end(Contest contest, String title, List<Contest.Pair> pairs) {
    out.open("div").element("h4", title);
    if (pairs.isEmpty()) {
      page.paragraph("Nowhere beyond the intervals.");
    } else {
      out.open("ol");
      for (Contest.Pair it : pairs.subList(0, Math.min(SHOWN, pairs.size()))) {
        out.open("li")
            .element("b", Text.times(it.ratio()), "class", Page.css(it.verdict()))
            .text(" " + it.other().contestant());
        page.mark(contest.heldBack(it.other()));
        out.text(", " + it.weft().task()).close();
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
