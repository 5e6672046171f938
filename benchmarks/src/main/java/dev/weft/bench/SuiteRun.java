package dev.weft.bench;

import dev.weft.compare.Measurement;
import dev.weft.compare.Missing;
import dev.weft.compare.Task;
import dev.weft.compare.Tasks;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.BenchmarkException;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs cases one after another, each in a JVM of its own, all of them as often as there are passes:
 * samples of one case are then some minutes apart.
 */
final class SuiteRun {
  private final Effort effort;
  private final Function<Case, String> ran;
  private final Runnable beforePass;
  private final Consumer<String> say;
  private final Map<Case, Measurement> measured = new LinkedHashMap<>();
  private final Map<Case, String> failed = new LinkedHashMap<>();

  /**
   * Nothing measured yet.
   *
   * @param ran what runs a case, in the words of who does it
   * @param beforePass is called before every pass
   * @param say is told what each run found, a line each
   */
  SuiteRun(Effort effort, Function<Case, String> ran, Runnable beforePass, Consumer<String> say) {
    this.effort = effort;
    this.ran = ran;
    this.beforePass = beforePass;
    this.say = say;
  }

  /**
   * Runs each so many times; what was measured before gets more samples.
   *
   * @throws IllegalArgumentException if one is none of the benchmarks here: {@code suite: need …}
   */
  void run(List<Case> cases, int passes) {
    Set<String> known = known();
    for (Case each : cases) {
      if (!known.contains(each.benchmark())) {
        throw new IllegalArgumentException(
            "suite: need a benchmark of this build, got " + each.benchmark());
      }
    }
    List<List<Case>> order = new ArrayList<>();
    for (int pass = 0; pass < passes; pass++) {
      int now = pass;
      order.add(
          cases.stream()
              .filter(each -> now < Effort.passes(passes, each.compiledAhead()))
              .toList());
    }
    int all = order.stream().mapToInt(List::size).sum();
    double expected = order.stream().mapToDouble(this::seconds).sum();
    long begin = System.nanoTime();
    double spent = 0;
    int done = 0;
    for (List<Case> pass : order) {
      beforePass.run();
      for (Case each : pass) {
        double pace = spent == 0 ? 1 : (System.nanoTime() - begin) * 1e-9 / spent;
        String left = left(pace * (expected - spent));
        spent += effort.seconds(each.compiledAhead());
        done++;
        if (!failed.containsKey(each)) {
          say.accept(String.format(Locale.ROOT, "[%d/%d, %s left] %s", done, all, left, run(each)));
        }
      }
    }
  }

  private static Set<String> known() {
    return BenchmarkList.defaultList()
        .getAll(OutputFormatFactory.createFormatInstance(System.err, VerboseMode.SILENT), List.of())
        .stream()
        .map(BenchmarkListEntry::getUsername)
        .collect(Collectors.toSet());
  }

  private double seconds(List<Case> cases) {
    return cases.stream().mapToDouble(each -> effort.seconds(each.compiledAhead())).sum();
  }

  /** What was measured. */
  List<Measurement> measurements() {
    return List.copyOf(measured.values());
  }

  /** What was not, and why. */
  List<Missing> missing() {
    List<Missing> missing = new ArrayList<>();
    failed.forEach(
        (each, reason) -> {
          missing.add(new Missing(each.contestant(), each.task().toString(), reason));
        });
    return missing;
  }

  /** Cases of weft's own that failed: their results were wrong, or they could not be computed. */
  List<Case> broken() {
    return failed.keySet().stream().filter(each -> each.contestant().startsWith("weft")).toList();
  }

  private String run(Case each) {
    Task task = each.task();
    String name = each.name() + ": ";
    try {
      double[] samples = samples(each, task);
      Measurement before = measured.get(each);
      List<double[]> forks = new ArrayList<>(before == null ? List.of() : before.samples());
      forks.add(samples);
      Measurement now =
          new Measurement(
              each.benchmark(), each.params(), task, each.contestant(), ran.apply(each), forks);
      measured.put(each, now);
      return String.format(
          Locale.ROOT,
          "%s%.4g %s ± %.0f %%",
          name,
          now.rate(),
          task.suite().unit(),
          100 * (now.high() - now.low()) / 2 / now.rate());
    } catch (RunnerException | RuntimeException e) {
      if (e instanceof RunnerException && !(e.getCause() instanceof BenchmarkException)) {
        throw new UncheckedIOException(new IOException(reason(e), e)); // such as JMH's lock
      }
      String reason = reason(e);
      failed.put(each, reason);
      return name + reason;
    }
  }

  /** The rates of one JVM's iterations. */
  private double[] samples(Case each, Task task) throws RunnerException {
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include(each.pattern())
            .forks(1)
            .warmupIterations(effort.warmUps(each.compiledAhead()))
            .warmupTime(effort.warmUpTime())
            .measurementIterations(effort.iterations())
            .measurementTime(effort.iterationTime())
            .shouldFailOnError(true)
            .verbosity(VerboseMode.SILENT);
    each.params().forEach(options::param);
    Collection<RunResult> results = new Runner(options.build()).run();
    if (results.size() != 1) {
      throw new IllegalStateException(
          "suite: need one result of a case, got results=" + results.size() + ", case=" + each);
    }
    List<Double> rates = new ArrayList<>();
    for (BenchmarkResult fork : results.iterator().next().getBenchmarkResults()) {
      for (IterationResult iteration : fork.getIterationResults()) {
        Result<?> result = iteration.getPrimaryResult();
        rates.add(Tasks.rate(result.getScore(), result.getScoreUnit(), task));
      }
    }
    return rates.stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** What the benchmark itself complained of, in one line. */
  private static String reason(Throwable failure) {
    Throwable cause = failure;
    while (true) {
      Throwable next =
          cause instanceof BenchmarkException && cause.getSuppressed().length > 0
              ? cause.getSuppressed()[0]
              : cause.getCause();
      if (next == null || next == cause) {
        break;
      }
      if (cause instanceof IllegalStateException || cause instanceof IllegalArgumentException) {
        break; // which says it in words
      }
      cause = next;
    }
    String message = cause.getMessage() == null ? cause.toString() : cause.getMessage();
    return message.strip().replaceAll("\\s*\\R\\s*", " ");
  }

  private static String left(double seconds) {
    return seconds < 90
        ? String.format(Locale.ROOT, "%.0f s", seconds)
        : String.format(Locale.ROOT, "%.0f min", seconds / 60);
  }
}
