package dev.weft.compare.report;

import dev.weft.compare.Agreement;
import dev.weft.compare.Drawn;
import dev.weft.compare.Machine;
import dev.weft.compare.Measurement;
import dev.weft.compare.Missing;
import dev.weft.compare.Results;
import dev.weft.compare.Roof;
import dev.weft.compare.Signal;
import dev.weft.compare.Suite;
import dev.weft.compare.Task;
import dev.weft.compare.Verdict;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * One page of one or several runs: no script, no font and no request of its own, well-formed as
 * XML. Everything that comes from a file is escaped.
 */
public final class HtmlReport {
  private static final String[] PAIR = {"faster", "no difference shown", "slower"};

  private final List<Results> files;
  private final StringBuilder page = new StringBuilder(1 << 18);

  private HtmlReport(List<Results> files) {
    this.files = files;
  }

  /**
   * The page.
   *
   * @param files at least one; the first is what the others are compared with
   */
  public static String of(List<Results> files) {
    if (files.isEmpty()) {
      throw new IllegalArgumentException("report: need results, got none");
    }
    return new HtmlReport(files).page();
  }

  private String page() {
    String style = resource("report.css");
    page.append(
            "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n")
        .append("<meta charset=\"utf-8\"/>\n")
        .append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n")
        .append("<meta name=\"color-scheme\" content=\"light dark\"/>\n")
        .append("<link rel=\"icon\" href=\"data:,\"/>\n")
        .append("<title>weft: comparison of backends</title>\n<style>\n")
        .append(style)
        .append("</style>\n</head>\n<body>\n<header>\n<h1>weft: comparison of backends</h1>\n");
    for (int f = 0; f < files.size(); f++) {
      Results file = files.get(f);
      page.append("<p class=\"run\">")
          .append(files.size() > 1 ? "<b>" + letter(f) + "</b> " : "")
          .append(text(file.name()))
          .append(
              file.created().isEmpty() ? "" : ", " + text(file.created().replaceFirst("T.*", "")))
          .append(
              file.machine()
                  .map(it -> ": " + text(it.cpu()) + ", " + it.processors() + " processors")
                  .orElse(""))
          .append("</p>\n");
    }
    page.append("</header>\n");
    navigation();
    page.append("<main>\n");
    summary();
    if (files.size() > 1) {
      changes();
    }
    for (Suite suite : Suite.values()) {
      suite(suite);
    }
    roofline();
    versus();
    agreement();
    initializers();
    signals();
    missing();
    machines();
    page.append("</main>\n</body>\n</html>\n");
    return page.toString();
  }

  // ---------------------------------------------------------------------------------- navigation

  private void navigation() {
    page.append("<nav aria-label=\"sections\">");
    link("summary", "Summary");
    if (files.size() > 1) {
      link("changes", "Changes");
    }
    for (Suite suite : Suite.values()) {
      if (has(suite)) {
        link(suite.id(), suite.title());
      }
    }
    link("roofline", "Roofline");
    link("versus", "Ratios");
    link("agreement", "Agreement");
    link("initializers", "Initializers");
    link("missing", "Not run");
    link("machine", "Machine");
    page.append("</nav>\n");
  }

  private void link(String id, String name) {
    page.append("<a href=\"#").append(id).append("\">").append(name).append("</a> ");
  }

  private void section(String id, String title) {
    page.append("<section id=\"").append(id).append("\">\n<h2>").append(title).append("</h2>\n");
  }

  private void end() {
    page.append("</section>\n");
  }

  private void paragraph(String html) {
    page.append("<p>").append(html).append("</p>\n");
  }

  // ------------------------------------------------------------------------------------- summary

  private void summary() {
    section("summary", "Summary");
    for (int f = 0; f < files.size(); f++) {
      Results file = files.get(f);
      Contest contest = new Contest(file);
      if (files.size() > 1) {
        page.append("<h3>")
            .append(letter(f))
            .append(": ")
            .append(text(file.name()))
            .append("</h3>\n");
      }
      page.append("<div class=\"cards\">\n");
      for (Suite suite : Suite.values()) {
        card(file, contest, suite);
      }
      page.append("</div>\n");
      peersTable(contest);
      long wrong = file.agreements().stream().filter(it -> !it.holds()).count();
      if (!file.agreements().isEmpty()) {
        long equal = file.agreements().stream().filter(Agreement::equalBits).count();
        paragraph(
            wrong == 0
                ? "Agreement: "
                    + equal
                    + " of "
                    + file.agreements().size()
                    + " comparisons are equal bit for bit, the others within their bounds."
                : "<strong class=\"slower\">"
                    + wrong
                    + " comparisons DIFFER: see Agreement.</strong>");
      }
    }
    paragraph(
        "A rate is the median of all samples; its interval is the wider of the 99.9 % interval of the mean and the range of the"
            + " medians of the JVMs. Of two rates, one is faster or slower if their intervals do not touch.");
    end();
  }

  /** weft's fastest of the task that most others did, or of the first. */
  private void card(Results file, Contest contest, Suite suite) {
    Map<Task, List<Measurement>> tasks = contest.tasks(suite);
    Optional<List<Measurement>> chosen =
        tasks.values().stream()
            .filter(all -> Contest.weft(all).isPresent())
            .max(Comparator.comparingInt(List::size));
    if (chosen.isEmpty()) {
      return;
    }
    Measurement best = Contest.weft(chosen.get()).orElseThrow();
    page.append("<div class=\"card\"><div class=\"what\">")
        .append(suite.title())
        .append("</div><div class=\"figure\">")
        .append(Text.digits(best.rate()))
        .append(" <small>")
        .append(suite.unit())
        .append("</small></div><div>")
        .append(text(best.contestant() + ", " + best.task()))
        .append("</div>");
    file.roof(best.task())
        .ifPresent(
            roof ->
                page.append("<div>")
                    .append(Text.ratio(best.rate() / roof.rate()))
                    .append(" of ")
                    .append(text(roofName(roof)))
                    .append("</div>"));
    page.append("</div>\n");
  }

  private void peersTable(Contest contest) {
    Set<String> peers = contest.peers();
    if (peers.isEmpty()) {
      return;
    }
    List<Suite> suites =
        Arrays.stream(Suite.values()).filter(it -> !contest.pairs(it).isEmpty()).toList();
    page.append(
        "<div class=\"scroll\"><table><caption>How many times as fast as others weft is: geometric mean, and tasks in which it is faster · undecided · slower</caption><thead><tr><th scope=\"col\">library</th>");
    for (Suite suite : suites) {
      page.append("<th scope=\"col\">").append(suite.title()).append("</th>");
    }
    page.append("</tr></thead><tbody>\n");
    for (String peer : peers) {
      page.append("<tr><th scope=\"row\">").append(text(peer)).append("</th>");
      for (Suite suite : suites) {
        Optional<Contest.Sum> sum = contest.sum(suite, peer);
        page.append(
            sum.isEmpty()
                ? "<td class=\"none\">–</td>"
                : "<td class=\""
                    + (sum.get().geometricMean() >= 1 ? "faster" : "slower")
                    + "\">"
                    + Text.ratio(sum.get().geometricMean())
                    + " <small>"
                    + sum.get().faster()
                    + " · "
                    + sum.get().same()
                    + " · "
                    + sum.get().slower()
                    + "</small></td>");
      }
      page.append("</tr>\n");
    }
    page.append("</tbody></table></div>\n");
  }

  // -------------------------------------------------------------------------------------- suites

  private boolean has(Suite suite) {
    return files.stream().anyMatch(file -> !new Contest(file).tasks(suite).isEmpty());
  }

  private void suite(Suite suite) {
    if (!has(suite)) {
      return;
    }
    section(suite.id(), suite.title());
    paragraph(
        switch (suite) {
          case FILL ->
              "Bytes written each second; the roof is plain stores into as much memory by as many threads, or a device's own memset. An orthogonal matrix is computed by products, and has no roof of stores.";
          case GEMM ->
              "2·M·N·K operations; the roof is multiply-adds in registers, of as many threads.";
          case DENSE ->
              "Operations of the products alone: 2·B·I·O forward, 4·B·I·O backward. A BLAS does these products alone, without bias, activation and their gradients.";
          case TRAIN -> "Operations of the products of one step: forward, backward and update.";
        });
    Set<Task> tasks = new LinkedHashSet<>();
    files.forEach(file -> tasks.addAll(new Contest(file).tasks(suite).keySet()));
    page.append("<div class=\"tasks\">\n");
    tasks.forEach(this::bars);
    page.append("</div>\n");
    if (suite == Suite.FILL || suite == Suite.GEMM) {
      page.append("<div class=\"charts\">\n");
      files.forEach(file -> curves(file, suite));
      page.append("</div>\n");
    }
    end();
  }

  /** A row of the bars of one task. */
  private record Row(int file, Measurement of, Optional<Roof> roof) {}

  private void bars(Task task) {
    List<Row> rows = new ArrayList<>();
    for (int f = 0; f < files.size(); f++) {
      List<Measurement> all =
          new Contest(files.get(f)).tasks(task.suite()).getOrDefault(task, List.of());
      for (Measurement it : all) {
        rows.add(new Row(f, it, files.get(f).roof(task)));
      }
    }
    rows.sort(Comparator.comparingDouble((Row row) -> row.of.rate()).reversed());
    double top = 0;
    for (Row row : rows) {
      top = Math.max(top, Math.max(row.of.high(), row.roof.map(Roof::rate).orElse(0.0)));
    }
    page.append("<table class=\"bars\"><caption>")
        .append(text(task.toString()))
        .append("</caption><thead><tr><th scope=\"col\">who</th><th scope=\"col\">")
        .append(task.suite().unit())
        .append("</th><th scope=\"col\" class=\"chart\">0 … ")
        .append(Text.digits(top))
        .append(
            "</th><th scope=\"col\">interval</th><th scope=\"col\">of roof</th></tr></thead><tbody>\n");
    for (Row row : rows) {
      Measurement it = row.of;
      page.append("<tr class=\"")
          .append(it.byWeft() ? "weft" : "peer")
          .append(row.file > 0 ? " later" : "")
          .append('"');
      data("task", task.toString());
      data("contestant", it.contestant());
      data("file", letter(row.file));
      data("rate", Double.toString(it.rate()));
      data("low", Double.toString(it.low()));
      data("high", Double.toString(it.high()));
      page.append("><th scope=\"row\">")
          .append(files.size() > 1 ? "<b>" + letter(row.file) + "</b> " : "")
          .append(text(it.contestant()))
          .append("</th><td>")
          .append(Text.digits(it.rate()))
          .append(
              "</td><td class=\"chart\"><div class=\"track\"><span class=\"fill\" style=\"width:")
          .append(percent(it.rate() / top))
          .append("\"></span><span class=\"error\" style=\"left:")
          .append(percent(it.low() / top))
          .append(";width:")
          .append(percent((it.high() - Math.max(0, it.low())) / top))
          .append("\"></span>");
      row.roof.ifPresent(
          roof ->
              page.append("<span class=\"roof\" title=\"")
                  .append(text(roofName(roof) + " " + Text.digits(roof.rate()) + " " + roof.unit()))
                  .append("\" style=\"left:")
                  .append(percent(roof.rate() / topOf(rows)))
                  .append("\"></span>"));
      page.append("</div></td><td>")
          .append(Text.digits(Math.max(0, it.low())))
          .append(" … ")
          .append(Text.digits(it.high()))
          .append("</td><td>")
          .append(row.roof.map(roof -> Text.ratio(it.rate() / roof.rate())).orElse(""))
          .append("</td></tr>\n");
    }
    page.append("</tbody></table>\n");
  }

  private static double topOf(List<Row> rows) {
    return rows.stream()
        .mapToDouble(row -> Math.max(row.of.high(), row.roof.map(Roof::rate).orElse(0.0)))
        .max()
        .orElseThrow();
  }

  private void data(String name, String value) {
    page.append(" data-").append(name).append("=\"").append(text(value)).append('"');
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.2f%%", 100 * Math.clamp(share, 0, 1));
  }

  private void curves(Results file, Suite suite) {
    boolean fills = suite == Suite.FILL;
    Curves.of(file, suite)
        .forEach(
            (name, curves) -> {
              double[] sizes =
                  curves.stream().flatMapToDouble(it -> Arrays.stream(it.sizes())).toArray();
              double[] rates =
                  curves.stream().flatMapToDouble(it -> Arrays.stream(it.rates())).toArray();
              String title = name + " over " + (fills ? "bytes" : "n") + files(file);
              Chart chart = new Chart(title, 230, wide(sizes, 1.2), true, wide(rates, 1.6), true);
              chart.axes(
                  fills ? "bytes written" : "n, of n × n × n",
                  fills ? Text::bytes : Text::digits,
                  suite.unit(),
                  Text::digits);
              int k = 0;
              for (Curves curve : curves) {
                chart.line(curve.name(), k++, curve.sizes(), curve.rates(), true);
              }
              OptionalDouble crossover = Curves.crossover(curves);
              crossover.ifPresent(
                  at ->
                      chart.upright(
                          "GPU from " + (fills ? Text.bytes(at) : "n = " + Text.digits(at)), at));
              boolean device = curves.stream().anyMatch(Curves::device);
              String words =
                  !device
                      ? "No device was measured, so there is no crossover."
                      : crossover.isPresent()
                          ? "The GPU is faster from "
                              + (fills
                                  ? Text.bytes(crossover.getAsDouble())
                                  : "n = " + Text.digits(crossover.getAsDouble()))
                              + " on."
                          : "Within these sizes host and device do not cross.";
              Rows table =
                  new Rows(
                      fills ? "size" : "n",
                      curves.stream().map(Curves::name).toArray(String[]::new));
              for (double size : Arrays.stream(sizes).distinct().sorted().toArray()) {
                List<String> cells = new ArrayList<>();
                cells.add(fills ? Text.bytes(size) : Text.digits(size));
                for (Curves curve : curves) {
                  int at = Arrays.binarySearch(curve.sizes(), size);
                  cells.add(at < 0 ? "–" : Text.digits(curve.rates()[at]));
                }
                table.add(cells);
              }
              figure(chart, title + ", " + suite.unit() + ". " + words, table);
            });
  }

  private String files(Results file) {
    return files.size() > 1 ? ", " + letter(files.indexOf(file)) : "";
  }

  /** The least and the greatest, widened by a factor on a logarithmic axis. */
  private static double[] wide(double[] values, double factor) {
    double low = Arrays.stream(values).min().orElse(1);
    double high = Arrays.stream(values).max().orElse(1);
    return new double[] {low / factor, high * factor};
  }

  /** A table under a chart. */
  private static final class Rows {
    private final List<List<String>> rows = new ArrayList<>();

    Rows(String first, String... others) {
      List<String> head = new ArrayList<>(List.of(first));
      head.addAll(List.of(others));
      rows.add(head);
    }

    void add(List<String> cells) {
      rows.add(cells);
    }

    void add(String... cells) {
      rows.add(List.of(cells));
    }

    String html() {
      StringBuilder html = new StringBuilder("<div class=\"scroll\"><table><thead><tr>");
      rows.getFirst()
          .forEach(
              cell -> html.append("<th scope=\"col\">").append(Text.escape(cell)).append("</th>"));
      html.append("</tr></thead><tbody>\n");
      for (List<String> row : rows.subList(1, rows.size())) {
        html.append("<tr><th scope=\"row\">").append(Text.escape(row.getFirst())).append("</th>");
        row.subList(1, row.size())
            .forEach(cell -> html.append("<td>").append(Text.escape(cell)).append("</td>"));
        html.append("</tr>\n");
      }
      return html.append("</tbody></table></div>").toString();
    }
  }

  private void figure(Chart chart, String caption, Rows table) {
    page.append("<figure>\n")
        .append(chart.svg())
        .append("<figcaption>")
        .append(text(caption))
        .append("</figcaption>\n<details><summary>table</summary>")
        .append(table.html())
        .append("</details>\n</figure>\n");
  }

  // ------------------------------------------------------------------------------------ roofline

  private void roofline() {
    section("roofline", "Roofline");
    paragraph(
        "Operations each second over operations for each byte that has to move at least (operands read once, results written once). Slopes are plain stores into the largest memory that was measured, ceilings multiply-adds in registers.");
    page.append("<div class=\"charts\">\n");
    for (Results file : files) {
      List<Measurement> points =
          file.measurements().stream()
              .filter(
                  it ->
                      it.task().suite() != Suite.FILL
                          && !it.task().onDevice()
                          && it.task().dtype().equals("f32"))
              .toList();
      if (!points.isEmpty()) {
        roofline(file, points);
      }
    }
    page.append("</div>\n");
    end();
  }

  private void roofline(Results file, List<Measurement> points) {
    List<Roof> ceilings =
        file.roofs().stream()
            .filter(it -> it.kind().equals("fma") && it.dtype().equals("f32"))
            .toList();
    double[] xs = wide(points.stream().mapToDouble(it -> it.task().intensity()).toArray(), 3);
    double[] rates = points.stream().mapToDouble(Measurement::rate).toArray();
    double highest = ceilings.stream().mapToDouble(Roof::rate).max().orElse(0);
    double[] ys = wide(rates, 2);
    ys[1] = Math.max(ys[1], 1.5 * highest);
    String title = "Roofline, f32" + files(file);
    Chart chart = new Chart(title, 260, xs, true, ys, true);
    chart.axes("flop/byte", Text::digits, "GFLOP/s", Text::digits);
    for (Roof ceiling : ceilings) {
      Optional<Roof> memory =
          file.roofs().stream()
              .filter(it -> it.kind().equals("stores") && it.threads() == ceiling.threads())
              .max(Comparator.comparingLong(Roof::bytes));
      double knee = memory.map(it -> ceiling.rate() / it.rate()).orElse(xs[0]);
      double slopeFrom = Math.max(xs[0], memory.map(it -> ys[0] / it.rate()).orElse(xs[0]));
      double[] at =
          knee > slopeFrom && knee < xs[1]
              ? new double[] {slopeFrom, knee, xs[1]}
              : new double[] {xs[0], xs[1]};
      double[] rate =
          Arrays.stream(at)
              .map(
                  x ->
                      Math.min(
                          ceiling.rate(), memory.map(it -> x * it.rate()).orElse(ceiling.rate())))
              .toArray();
      chart.limit(roofName(ceiling), at, rate);
    }
    List<String> names = List.of("weft", "others");
    for (Measurement it : points) {
      chart.mark(
          it.byWeft() ? 0 : 1,
          it.task().intensity(),
          it.rate(),
          it.contestant() + ", " + it.task() + ": " + Text.digits(it.rate()) + " GFLOP/s");
    }
    chart.name(names.get(0), 0);
    chart.name(names.get(1), 1);
    Rows table = new Rows("task", "who", "flop/byte", "GFLOP/s");
    for (Measurement it : points) {
      table.add(
          it.task().toString(),
          it.contestant(),
          Text.digits(it.task().intensity()),
          Text.digits(it.rate()));
    }
    figure(chart, title, table);
  }

  // -------------------------------------------------------------------------------------- ratios

  private void versus() {
    section("versus", "weft beside each library");
    boolean any = false;
    for (int f = 0; f < files.size(); f++) {
      Contest contest = new Contest(files.get(f));
      for (Suite suite : Suite.values()) {
        List<Contest.Pair> pairs = contest.pairs(suite);
        if (pairs.isEmpty()) {
          continue;
        }
        any = true;
        page.append("<div class=\"scroll\"><table><caption>")
            .append(suite.title())
            .append(files.size() > 1 ? ", " + letter(f) : "")
            .append(
                ": rate of weft's fastest over that of the library</caption><thead><tr><th scope=\"col\">task</th><th scope=\"col\">library</th><th scope=\"col\">ratio</th><th scope=\"col\">interval</th><th scope=\"col\">weft is</th></tr></thead><tbody>\n");
        for (Contest.Pair pair : pairs) {
          page.append("<tr class=\"")
              .append(css(pair.verdict()))
              .append("\"><th scope=\"row\">")
              .append(text(pair.weft().task().toString()))
              .append("</th><td class=\"word\">")
              .append(text(pair.other().contestant()))
              .append("</td><td>")
              .append(Text.ratio(pair.ratio()))
              .append("</td><td>")
              .append(Text.ratio(Math.max(0, pair.low())))
              .append(" … ")
              .append(Text.ratio(pair.high()))
              .append("</td><td class=\"word\">")
              .append(word(pair.verdict()))
              .append("</td></tr>\n");
        }
        page.append("</tbody></table></div>\n");
      }
    }
    if (!any) {
      paragraph("No other library was measured; <code>weft bench --suite all --peers</code> does.");
    }
    end();
  }

  private static String css(Verdict verdict) {
    return switch (verdict) {
      case FASTER -> "faster";
      case SAME -> "same";
      case SLOWER -> "slower";
    };
  }

  private static String word(Verdict verdict) {
    return switch (verdict) {
      case FASTER -> "▲ faster";
      case SAME -> "= undecided";
      case SLOWER -> "▼ slower";
    };
  }

  // ------------------------------------------------------------------------------------- changes

  private void changes() {
    section("changes", "Changes");
    Results first = files.getFirst();
    for (int f = 1; f < files.size(); f++) {
      Results file = files.get(f);
      Changes changes = Changes.between(first, file);
      String cpuA = first.machine().map(Machine::cpu).orElse("");
      String cpuB = file.machine().map(Machine::cpu).orElse("");
      if (!cpuA.equals(cpuB)) {
        paragraph("<strong>Other machines:</strong> " + text(cpuA) + " and " + text(cpuB) + ".");
      }
      paragraph(
          letter(f)
              + " beside "
              + letter(0)
              + ": "
              + changes.of(Verdict.FASTER).size()
              + " faster, "
              + changes.of(Verdict.SLOWER).size()
              + " slower, "
              + changes.of(Verdict.SAME).size()
              + " without a difference that the intervals show.");
      page.append(
              "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">task</th><th scope=\"col\">who</th><th scope=\"col\">A</th><th scope=\"col\">")
          .append(letter(f))
          .append(
              "</th><th scope=\"col\">unit</th><th scope=\"col\">ratio</th><th scope=\"col\">interval</th><th scope=\"col\">verdict</th></tr></thead><tbody>\n");
      for (Changes.Change it : changes.changes()) {
        page.append("<tr class=\"")
            .append(css(it.verdict()))
            .append("\"><th scope=\"row\">")
            .append(text(it.after().task().toString()))
            .append("</th><td class=\"word\">")
            .append(text(it.after().contestant()))
            .append("</td><td>")
            .append(Text.digits(it.before().rate()))
            .append("</td><td>")
            .append(Text.digits(it.after().rate()))
            .append("</td><td class=\"word\">")
            .append(it.after().task().suite().unit())
            .append("</td><td>")
            .append(Text.ratio(it.ratio()))
            .append("</td><td>")
            .append(Text.ratio(Math.max(0, it.low())))
            .append(" … ")
            .append(Text.ratio(it.high()))
            .append("</td><td class=\"word\">")
            .append(word(it.verdict()).replace("undecided", PAIR[1]))
            .append("</td></tr>\n");
      }
      page.append("</tbody></table></div>\n");
    }
    end();
  }

  // ----------------------------------------------------------------------------------- agreement

  private void agreement() {
    section("agreement", "Agreement");
    boolean any = false;
    for (Results file : files) {
      if (!file.agreements().isEmpty()) {
        any = true;
        agreement(file);
      }
    }
    if (!any) {
      paragraph("These files say nothing of it.");
    }
    end();
  }

  private void agreement(Results file) {
    paragraph(
        "Every technique beside scalar code on one thread: every bit equal, or the largest error as a share of the bound that <code>Accuracy</code> states.");
    Set<String> techniques = new LinkedHashSet<>();
    Map<String, Map<String, Agreement>> rows = new LinkedHashMap<>();
    for (Agreement it : file.agreements()) {
      techniques.add(it.technique());
      rows.computeIfAbsent(it.operation() + " " + it.dtype(), key -> new LinkedHashMap<>())
          .put(it.technique(), it);
    }
    page.append("<div class=\"scroll\"><table class=\"agreement\"><caption>")
        .append(text(file.name()))
        .append("</caption><thead><tr><th scope=\"col\">operation</th>");
    techniques.forEach(it -> page.append("<th scope=\"col\">").append(text(it)).append("</th>"));
    page.append("</tr></thead><tbody>\n");
    rows.forEach(
        (name, cells) -> {
          page.append("<tr><th scope=\"row\">").append(text(name)).append("</th>");
          for (String technique : techniques) {
            Agreement it = cells.get(technique);
            page.append(
                it == null
                    ? "<td class=\"none\">–</td>"
                    : "<td class=\""
                        + (it.holds() ? "faster" : "slower")
                        + "\">"
                        + cell(it)
                        + "</td>");
          }
          page.append("</tr>\n");
        });
    page.append("</tbody></table></div>\n");
  }

  private static String cell(Agreement it) {
    return !it.holds()
        ? "DIFFERS <small>" + text(it.detail()) + "</small>"
        : it.equalBits() ? "bit-equal" : Text.ratio(it.errorOverBound()) + " of bound";
  }

  // -------------------------------------------------------------------------------- initializers

  private void initializers() {
    section("initializers", "Initializers");
    Optional<Results> with = files.stream().filter(file -> !file.drawn().isEmpty()).findFirst();
    if (with.isEmpty()) {
      paragraph("These files say nothing of it.");
      end();
      return;
    }
    paragraph("What each initializer draws (bars), and the density that its formula has (line).");
    page.append("<div class=\"charts small\">\n");
    with.get().drawn().forEach(this::histogram);
    page.append("</div>\n");
    end();
  }

  private void histogram(Drawn drawn) {
    int bins = drawn.counts().length;
    double width = (drawn.high() - drawn.low()) / bins;
    double total = Arrays.stream(drawn.counts()).sum();
    double[] heights =
        Arrays.stream(drawn.counts()).mapToDouble(count -> count / total / width).toArray();
    double top =
        Math.max(
            Arrays.stream(heights).max().orElse(0), Arrays.stream(drawn.density()).max().orElse(0));
    double margin = width * bins / 40;
    String title = drawn.initializer() + " " + drawn.shape();
    Chart chart =
        new Chart(
            title,
            190,
            new double[] {drawn.low() - margin, drawn.high() + margin},
            false,
            new double[] {0, top * 1.08},
            false);
    chart.axes("value", Text::digits, "density", Text::digits);
    chart.steps(drawn.low(), drawn.high(), heights);
    Rows table = new Rows("from", "elements", "density", "expected");
    boolean known = drawn.density().length == bins + 1;
    if (known) {
      double[] edges = new double[bins + 1];
      Arrays.setAll(edges, i -> drawn.low() + i * width);
      chart.line("expected", 1, edges, drawn.density(), false);
    }
    for (int i = 0; i < bins; i++) {
      table.add(
          Text.digits(drawn.low() + i * width),
          Long.toString(drawn.counts()[i]),
          Text.digits(heights[i]),
          known ? Text.digits((drawn.density()[i] + drawn.density()[i + 1]) / 2) : "–");
    }
    figure(
        chart,
        title
            + ": mean "
            + Text.digits(drawn.mean())
            + expected(drawn.expectedMean())
            + ", variance "
            + Text.digits(drawn.variance())
            + expected(drawn.expectedVariance()),
        table);
  }

  private static String expected(double value) {
    return Double.isNaN(value) ? "" : " (" + Text.digits(value) + ")";
  }

  private void signals() {
    Optional<Results> with = files.stream().filter(file -> !file.signals().isEmpty()).findFirst();
    if (with.isEmpty()) {
      return;
    }
    section("signals", "Signals through 20 layers");
    paragraph(
        "Variance of the activations after each layer, and of the gradients by them: a rule that suits its activation keeps both.");
    page.append("<div class=\"charts\">\n");
    signals("Variance of activations", with.get().signals(), Signal::activations);
    signals("Variance of gradients", with.get().signals(), Signal::gradients);
    page.append("</div>\n");
    end();
  }

  private void signals(String title, List<Signal> signals, Function<Signal, double[]> values) {
    double[] all =
        signals.stream()
            .flatMapToDouble(it -> Arrays.stream(values.apply(it)))
            .filter(it -> it > 0 && Double.isFinite(it))
            .toArray();
    int layers = values.apply(signals.getFirst()).length;
    Chart chart =
        new Chart(
            title + ", layer by layer",
            230,
            new double[] {0, layers - 1},
            false,
            wide(all, 3),
            true);
    chart.axes("layer", Text::digits, "variance", Text::digits);
    Rows table = new Rows("layer", signals.stream().map(HtmlReport::name).toArray(String[]::new));
    int k = 0;
    for (Signal signal : signals) {
      double[] ys = values.apply(signal);
      int[] shown =
          java.util.stream.IntStream.range(0, ys.length)
              .filter(i -> ys[i] > 0 && Double.isFinite(ys[i]))
              .toArray();
      chart.line(
          name(signal),
          k++,
          Arrays.stream(shown).mapToDouble(i -> i).toArray(),
          Arrays.stream(shown).mapToDouble(i -> ys[i]).toArray(),
          false);
    }
    for (int i = 0; i < layers; i++) {
      List<String> cells = new ArrayList<>(List.of(Integer.toString(i)));
      for (Signal signal : signals) {
        cells.add(Text.digits(values.apply(signal)[i]));
      }
      table.add(cells);
    }
    figure(chart, title, table);
  }

  private static String name(Signal it) {
    return it.initializer() + ", " + it.activation();
  }

  // ------------------------------------------------------------------------- what was not, and
  // where

  private void missing() {
    section("missing", "Not run, and why");
    List<Missing> all = files.stream().flatMap(file -> file.missing().stream()).distinct().toList();
    if (all.isEmpty()) {
      paragraph("All that was asked for ran.");
    } else {
      Map<List<String>, List<String>> byReason =
          all.stream()
              .collect(
                  Collectors.groupingBy(
                      it -> List.of(it.contestant(), it.reason()),
                      LinkedHashMap::new,
                      Collectors.mapping(Missing::what, Collectors.toList())));
      Rows table = new Rows("who", "what", "why");
      byReason.forEach((key, what) -> table.add(key.get(0), String.join("; ", what), key.get(1)));
      page.append(table.html().replace("<table>", "<table class=\"words\">"));
    }
    end();
  }

  private void machines() {
    section("machine", files.size() > 1 ? "Machines" : "Machine");
    for (int f = 0; f < files.size(); f++) {
      Results file = files.get(f);
      if (files.size() > 1) {
        page.append("<h3>")
            .append(letter(f))
            .append(": ")
            .append(text(file.name()))
            .append("</h3>\n");
      }
      if (file.machine().isEmpty()) {
        paragraph("The file does not say.");
        continue;
      }
      machine(file, file.machine().get());
    }
    end();
  }

  private void machine(Results file, Machine it) {
    Rows table = new Rows("what", "value");
    table.add("processor", it.cpu());
    table.add("processors", Integer.toString(it.processors()));
    table.add(
        "clock, measured",
        it.clockHertz() > 0 ? Text.digits(it.clockHertz() * 1e-9) + " GHz" : "–");
    table.add("vectors", String.join(" ", it.simd()));
    table.add("caches", it.caches());
    table.add("memory", Text.bytes(it.memoryBytes()));
    table.add("GPU", it.gpu().isEmpty() ? "none" : String.join("; ", it.gpu()));
    table.add("system", it.os());
    table.add("JVM", it.jdk());
    it.libraries().forEach(table::add);
    table.add("load average at the start", Text.digits(it.load()));
    table.add("command", file.command());
    table.add("made", file.created());
    for (Roof roof : file.roofs()) {
      table.add(
          "roof: " + roofName(roof) + (roof.bytes() == 0 ? "" : ", " + Text.bytes(roof.bytes())),
          Text.digits(roof.rate()) + " " + roof.unit());
    }
    page.append(table.html().replace("<table>", "<table class=\"words\">"));
  }

  private static String roofName(Roof roof) {
    String who =
        roof.threads() == 0
            ? ""
            : roof.threads() == 1 ? ", 1 thread" : ", " + roof.threads() + " threads";
    return switch (roof.kind()) {
      case "stores" -> "plain stores" + who;
      case "fma" -> "multiply-adds " + roof.dtype() + who;
      default -> roof.kind() + who;
    };
  }

  private static String letter(int file) {
    return file < 26 ? String.valueOf((char) ('A' + file)) : "F" + (file + 1);
  }

  private static String text(String text) {
    return Text.escape(text);
  }

  private static String resource(String name) {
    try (InputStream in = HtmlReport.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
