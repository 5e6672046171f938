package dev.weft.compare.report;

import dev.weft.compare.Machine;
import dev.weft.compare.Measurement;
import dev.weft.compare.Missing;
import dev.weft.compare.Results;
import dev.weft.compare.Roof;
import dev.weft.compare.Setting;
import dev.weft.compare.Suite;
import dev.weft.compare.Task;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Tables of runs in a document. What stands between {@code <!-- weft report: NAME -->} and {@code
 * <!-- weft report: end -->} is written anew; NAME is {@code headline} or {@code results}.
 */
public final class MarkdownReport {
  private static final Pattern BLOCK =
      Pattern.compile(
          "(<!-- weft report: ([a-z]+) -->\n).*?(<!-- weft report: end -->)", Pattern.DOTALL);

  private static final String HEADLINE =
      "How many times as fast as others weft is: the geometric mean over tasks (tasks faster · undecided · slower). "
          + "The best of all others is the fastest other library in each task, whichever it is. "
          + "An interval includes the spread over JVMs.\n\n";

  private MarkdownReport() {}

  /**
   * {@code document} with its marked tables made of {@code runs}.
   *
   * @throws IllegalArgumentException if it has no marks, or names a table that is none: {@code
   *     report: need …}
   */
  public static String update(String document, List<Results> runs) {
    Matcher block = BLOCK.matcher(document);
    StringBuilder out = new StringBuilder();
    boolean any = false;
    while (block.find()) {
      any = true;
      String text = block.group(1) + table(block.group(2), runs) + block.group(3);
      block.appendReplacement(out, Matcher.quoteReplacement(text));
    }
    if (!any) {
      throw new IllegalArgumentException(
          "report: need a document with <!-- weft report: headline --> or results, got none");
    }
    return block.appendTail(out).toString();
  }

  private static String table(String name, List<Results> runs) {
    return switch (name) {
      case "headline" ->
          HEADLINE + runs.stream().map(MarkdownReport::means).collect(Collectors.joining());
      case "results" -> runs.stream().map(MarkdownReport::results).collect(Collectors.joining());
      default ->
          throw new IllegalArgumentException(
              "report: need headline or results, got weft report: " + name);
    };
  }

  /**
   * How many times as fast as others weft is in a run, as a table; empty if no other library was
   * measured.
   */
  public static String headline(Results run) {
    return new Contest(run).pairs().isEmpty() ? "" : HEADLINE + means(run);
  }

  /** For each library and suite, and before them for the best of all. */
  private static String means(Results run) {
    Contest contest = new Contest(run);
    List<Suite> suites =
        Arrays.stream(Suite.values()).filter(it -> !contest.pairs(it).isEmpty()).toList();
    StringBuilder text = new StringBuilder();
    text.append(measuredOn(run, contest)).append("\n\n| library");
    suites.forEach(it -> text.append(" | ").append(it.title().toLowerCase(Locale.ROOT)));
    text.append(" |\n|---").append("|---:".repeat(suites.size())).append("|\n");
    text.append("| **best of all others**");
    for (Suite suite : suites) {
      text.append(" | ")
          .append(Contest.sum(contest.best(suite)).map(MarkdownReport::best).orElse("–"));
    }
    text.append(" |\n");
    for (String peer : contest.peers()) {
      text.append("| ").append(cell(peer));
      for (Suite suite : suites) {
        String none =
            contest.heldBack(suite, peer).isPresent() ? "held back " + HeldBack.MARK : "–";
        text.append(" | ")
            .append(
                contest
                    .sum(suite, peer)
                    .map(it -> Text.times(it.geometricMean()) + " " + counts(it))
                    .orElse(none));
      }
      text.append(" |\n");
    }
    text.append('\n');
    heldBack(contest.heldBack(), text);
    if (!HeldBack.unknown(run).isEmpty()) {
      text.append(cell(HeldBack.unknownMeaning(HeldBack.unknown(run)))).append(".\n\n");
    }
    return text.toString();
  }

  private static String measuredOn(Results run, Contest contest) {
    List<String> facts = new ArrayList<>();
    run.machine()
        .ifPresent(
            it -> facts.add(cell(it.cpu()) + ", " + Text.count(it.processors(), "processor")));
    String ran = Contest.ran(contest.pairs().stream().map(Contest.Pair::weft));
    if (!ran.isEmpty()) {
      facts.add("weft ran " + cell(ran));
    }
    facts.add("each of weft’s rates is of at least " + Text.count(contest.jvms(), "JVM"));
    String name = where(run);
    return (name.isEmpty() ? "" : "**" + name + "**: ") + String.join("; ", facts) + ".";
  }

  private static String best(Contest.Sum sum) {
    return "**"
        + Text.times(sum.geometricMean())
        + "** "
        + counts(sum)
        + ", least "
        + Text.times(sum.least().ratio())
        + " ("
        + cell(Page.brief(sum.least().weft().task()))
        + ")";
  }

  private static String counts(Contest.Sum it) {
    return "(" + it.faster() + " · " + it.same() + " · " + it.slower() + ")";
  }

  /** What the mark means, if a table has it. */
  private static void heldBack(List<HeldBack> libraries, StringBuilder text) {
    if (!libraries.isEmpty()) {
      text.append(HeldBack.MARK)
          .append(' ')
          .append(HeldBack.meaning())
          .append(". ")
          .append(
              libraries.stream().map(it -> cell(it.toString())).collect(Collectors.joining("; ")))
          .append(".\n\n");
    }
  }

  /** Everything that was measured, a table a suite. */
  private static String results(Results run) {
    StringBuilder text = new StringBuilder();
    text.append("### ").append(where(run)).append("\n\n");
    run.machine().ifPresent(it -> machine(it, run, text));
    Contest contest = new Contest(run);
    for (Suite suite : Suite.values()) {
      Map<Task, List<Measurement>> tasks = contest.tasks(suite);
      if (!tasks.isEmpty()) {
        suite(contest, suite, tasks, text);
      }
    }
    if (!run.missing().isEmpty()) {
      text.append("Not run:\n\n");
      Map<List<String>, List<String>> reasons = new LinkedHashMap<>();
      for (Missing it : run.missing()) {
        reasons
            .computeIfAbsent(List.of(it.contestant(), it.reason()), key -> new ArrayList<>())
            .add(it.what());
      }
      reasons.forEach(
          (key, what) ->
              text.append("* ")
                  .append(cell(key.get(0)))
                  .append(", ")
                  .append(cell(String.join("; ", what)))
                  .append(": ")
                  .append(cell(key.get(1)))
                  .append('\n'));
      text.append('\n');
    }
    return text.toString();
  }

  private static void suite(
      Contest contest, Suite suite, Map<Task, List<Measurement>> tasks, StringBuilder text) {
    Set<String> who = new LinkedHashSet<>();
    tasks
        .values()
        .forEach(
            all ->
                all.stream().filter(Measurement::byWeft).forEach(it -> who.add(it.contestant())));
    tasks
        .values()
        .forEach(
            all -> all.stream().filter(it -> !it.byWeft()).forEach(it -> who.add(it.contestant())));
    text.append("#### ")
        .append(suite.title())
        .append(", ")
        .append(suite.unit())
        .append("\n\n| task | weft / best");
    for (String name : who) {
      boolean heldBack = contest.heldBack(suite, Contest.peer(name)).isPresent();
      text.append(" | ").append(cell(name)).append(heldBack ? " " + HeldBack.MARK : "");
    }
    text.append(" | of roof |\n|---").append("|---:".repeat(who.size() + 2)).append("|\n");
    tasks.forEach(
        (task, all) -> {
          text.append("| ")
              .append(cell(task.toString()))
              .append(" | ")
              .append(contest.best(all).map(it -> Text.times(it.ratio())).orElse("–"));
          for (String name : who) {
            Optional<Measurement> it =
                all.stream().filter(one -> one.contestant().equals(name)).findFirst();
            boolean fastest = all.size() > 1 && it.filter(all.getFirst()::equals).isPresent();
            String mark = fastest ? "**" : "";
            text.append(" | ").append(it.map(one -> mark + rate(one) + mark).orElse("–"));
          }
          Optional<Measurement> weft = Contest.weft(all);
          Optional<Roof> roof = contest.results().roof(task);
          text.append(" | ")
              .append(
                  weft.isPresent() && roof.isPresent()
                      ? Text.percent(weft.get().rate() / roof.get().rate())
                      : "–")
              .append(" |\n");
        });
    text.append('\n');
    heldBack(contest.heldBack(suite), text);
  }

  private static String rate(Measurement it) {
    double half = (it.high() - Math.max(0, it.low())) / 2 / it.rate();
    return Text.digits(it.rate()) + String.format(Locale.ROOT, " ± %.0f %%", 100 * half);
  }

  private static void machine(Machine it, Results run, StringBuilder text) {
    text.append("`")
        .append(run.command().replaceAll("[`\\s]+", " "))
        .append("`, ")
        .append(run.created().replaceFirst("T.*", ""))
        .append(". ")
        .append(cell(it.cpu()))
        .append(", ")
        .append(it.processors())
        .append(" processors, ")
        .append(it.clockHertz() > 0 ? Text.digits(it.clockHertz() * 1e-9) + " GHz measured, " : "")
        .append(cell(it.caches()))
        .append("; ")
        .append(it.gpu().isEmpty() ? "no GPU" : cell(String.join("; ", it.gpu())))
        .append("; ")
        .append(cell(it.os()))
        .append("; ")
        .append(cell(it.jdk()))
        .append("; load average ")
        .append(Text.digits(it.load()))
        .append(".");
    text.append("\n\n");
    new Contest(run)
        .libraries()
        .forEach(
            (name, known) ->
                text.append("* ").append(cell(name)).append(": ").append(cell(known)).append('\n'));
    text.append('\n');
    if (!run.environment().isEmpty()) {
      text.append("Environment of the libraries’ processes:\n\n");
      for (Setting each : run.environment()) {
        text.append("* ")
            .append(cell(each.variable()))
            .append(": ")
            .append(each.found().isEmpty() ? "was not set" : "was " + cell(each.found()))
            .append("; ")
            .append(cell(each.done()))
            .append('\n');
      }
      text.append('\n');
    }
    if (!run.roofs().isEmpty()) {
      text.append("Roofs: ")
          .append(
              run.roofs().stream()
                  .map(
                      roof ->
                          cell(Machines.name(roof))
                              + " "
                              + Text.digits(roof.rate())
                              + " "
                              + roof.unit())
                  .collect(Collectors.joining("; ")))
          .append(
              ". The fastest of a row is bold; weft / best is weft’s fastest over the fastest other.\n\n");
    }
  }

  private static String where(Results run) {
    return cell(run.name().replaceFirst("\\.json$", ""));
  }

  private static String cell(String text) {
    return text.replaceAll("([\\\\`*\\[\\]|~]|\\b_\\B|\\B_\\b)", "\\\\$1")
        .replace("&", "&amp;")
        .replace("<", "&lt;")
        .replaceAll("\\s+", " ");
  }
}
