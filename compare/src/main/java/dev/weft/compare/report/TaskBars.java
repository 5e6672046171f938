package dev.weft.compare.report;

import dev.weft.compare.Measurement;
import dev.weft.compare.Roof;
import dev.weft.compare.Suite;
import dev.weft.compare.Task;
import dev.weft.compare.Verdict;
import dev.weft.compare.report.Page.Entry;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Who did a task at which rate, as bars under the roof; a table for each task. */
final class TaskBars {
  private final Page page;
  private final Markup out;

  private TaskBars(Page page) {
    this.page = page;
    out = page.out();
  }

  /** All tasks of a suite, operation by operation. */
  static void write(Page page, Suite suite) {
    new TaskBars(page).suite(suite);
  }

  private void suite(Suite suite) {
    Map<String, List<Task>> operations = new LinkedHashMap<>();
    for (Task task : page.tasks(suite)) {
      operations.computeIfAbsent(task.operation(), key -> new ArrayList<>()).add(task);
    }
    List<Task> alone = new ArrayList<>();
    out.open("div", "class", "tasks");
    operations.forEach(
        (operation, tasks) -> {
          for (Task task : tasks) {
            List<Entry> entries = page.entries(task);
            if (entries.stream().map(it -> it.of().contestant()).distinct().count() > 1) {
              table(task.toString(), List.of(), entries);
            } else {
              alone.add(task);
            }
          }
        });
    out.close();
    if (!alone.isEmpty()) {
      out.open("div", "class", "tasks");
      Map<String, List<Task>> byOperation =
          alone.stream()
              .collect(
                  Collectors.groupingBy(
                      it -> it.operation() + (it.onDevice() ? " on a GPU, " + it.memory() : ""),
                      LinkedHashMap::new,
                      Collectors.toList()));
      byOperation.forEach(
          (name, tasks) ->
              table(
                  name + ": one contestant each",
                  tasks,
                  tasks.stream().flatMap(task -> page.entries(task).stream()).toList()));
      out.close();
    }
    page.files().forEach(file -> page.reasons(new Contest(file).heldBack(suite)));
  }

  /** {@code ; weft / best 0.93×}, by file. */
  private String best(Task task) {
    StringBuilder text = new StringBuilder();
    for (int f = 0; f < page.files().size(); f++) {
      Contest contest = new Contest(page.files().get(f));
      Optional<Contest.Pair> best =
          Optional.ofNullable(contest.tasks(task.suite()).get(task)).flatMap(contest::best);
      if (best.isPresent()) {
        text.append(text.isEmpty() ? "; weft / best " : ", ")
            .append(page.prefix(f))
            .append(Text.times(best.get().ratio()));
      }
    }
    return text.toString();
  }

  /**
   * One table.
   *
   * @param alone tasks that the rows are of; empty if all are of the one that the caption names
   */
  private void table(String caption, List<Task> alone, List<Entry> entries) {
    double top = 0;
    for (Entry it : entries) {
      top = Math.max(top, Math.max(it.of().rate(), roof(it).map(Roof::rate).orElse(0.0)));
    }
    for (Entry it : entries) { // a wide interval may not make all bars short
      top = Math.max(top, Math.min(it.of().high(), 1.3 * it.of().rate()));
    }
    double full = 1.03 * top;
    Plot plot = Plot.open(out, page.several() ? "rates several" : "rates");
    String unit = entries.getFirst().of().task().suite().unit();
    String best = alone.isEmpty() ? best(entries.getFirst().of().task()) : "";
    out.open("caption").text(caption).element("small", ", " + unit + best).close();
    Optional<Roof> roof = alone.isEmpty() ? roof(entries.getFirst()) : Optional.empty();
    plot.head(
        alone.isEmpty() ? "" : "size, who",
        () ->
            plot.roofName(
                roof.map(it -> "roof " + Text.digits(it.rate())).orElse(""),
                roof.map(it -> it.rate() / full).orElse(0.0)),
        unit,
        "interval",
        page.several() ? "of roof; of A" : "of roof");
    for (Entry it : entries) {
      row(plot, it, full, !alone.isEmpty());
    }
    plot.close();
  }

  private void row(Plot plot, Entry entry, double full, boolean named) {
    Measurement it = entry.of();
    Optional<Roof> roof = roof(entry);
    out.open(
        "tr",
        Page.data(entry, (it.byWeft() ? "weft" : "peer") + (entry.file() > 0 ? " later" : "")));
    out.open("th", "scope", "row", "class", "who");
    page.letterOf(entry.file());
    out.text(it.contestant());
    page.mark(new Contest(entry.in()).heldBack(it));
    if (named) {
      String task = it.task().toString().substring(it.task().operation().length() + 1);
      out.text(" ").element("small", task);
    }
    out.close().open("td", "class", "graph");
    plot.bar(
        it.rate() / full,
        Math.max(0, it.low()) / full,
        it.high() / full,
        roof.map(limit -> limit.rate() / full).orElse(0.0));
    out.close()
        .element("td", Text.digits(it.rate()), "class", "value")
        .open("td", "class", "span")
        .text(Text.interval(it.low(), it.high()))
        .close()
        .open("td", "class", "note")
        .text(roof.map(limit -> Text.percent(it.rate() / limit.rate())).orElse(""));
    if (entry.file() > 0) {
      page.files()
          .getFirst()
          .of(it.task(), it.contestant())
          .ifPresent(before -> against(it, before));
    }
    out.close().close();
  }

  private void against(Measurement it, Measurement before) {
    Verdict verdict = it.against(before);
    out.text(" ")
        .element(
            "span",
            Page.word(verdict).charAt(0) + " " + Text.times(it.rate() / before.rate()),
            "class",
            "change " + Page.css(verdict));
  }

  private static Optional<Roof> roof(Entry it) {
    return it.in().roof(it.of().task());
  }
}
