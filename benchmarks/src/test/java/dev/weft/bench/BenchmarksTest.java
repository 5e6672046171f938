package dev.weft.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Every benchmark that JMH finds runs, verifies its own operation, and reports its rates. */
class BenchmarksTest {
  private static final Set<String> NEEDS_GCC = Set.of(YardstickBenchmark.class.getName());

  @BeforeAll
  static void shareTheMachine() {
    System.setProperty("jmh.ignoreLock", "true");
  }

  @Test
  void everyBenchmarkRuns() throws RunnerException {
    Set<String> wanted = new TreeSet<>();
    for (BenchmarkListEntry entry :
        BenchmarkList.defaultList()
            .getAll(
                OutputFormatFactory.createFormatInstance(System.err, VerboseMode.SILENT),
                List.of())) {
      if (YardstickTest.available() || !NEEDS_GCC.contains(entry.getUserClassQName())) {
        wanted.add(entry.getUsername());
      }
    }
    assertThat(wanted).anyMatch(name -> name.endsWith("FillBenchmark.fill"));

    ChainedOptionsBuilder options = tiny().forks(0);
    wanted.forEach(name -> options.include("^" + name.replace(".", "\\.") + "$"));
    Set<String> ran = new TreeSet<>();
    for (RunResult result : new Runner(options.build()).run()) {
      ran.add(result.getParams().getBenchmark());
      assertThat(result.getPrimaryResult().getScore()).isPositive();
    }

    assertThat(ran).isEqualTo(wanted);
  }

  @Test
  void fillReportsElementsBytesAndTheShareOfTheRoof() throws RunnerException {
    RunResult result =
        run(tiny().forks(0).include("\\.FillBenchmark\\.").param("distribution", "uniform"));

    double calls = result.getPrimaryResult().getScore();
    assertThat(rate(result, "gigaElements")).isCloseTo(calls * 4096e-9, withPercentage(20));
    assertThat(rate(result, "gigaBytes")).isCloseTo(calls * 16384e-9, withPercentage(20));
    assertThat(rate(result, "shareOfStoreRoof")).isBetween(0.0, 1.5);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Dense", "TrainStep", "Activation", "Loss", "Update"})
  void layersAreRightOnTheScalarBackendToo(String suite) throws RunnerException {
    Collection<RunResult> results =
        new Runner(
                tiny()
                    .forks(0)
                    .include("\\.%s\\w*Benchmark\\.".formatted(suite))
                    .param("activation", suite.equals("Dense") ? "sigmoid" : "relu")
                    .param("backend", "scalar")
                    .param("threads", "1")
                    .build())
            .run();

    assertThat(results).isNotEmpty();
    for (RunResult result : results) {
      assertThat(result.getSecondaryResults().values())
          .allSatisfy(counter -> assertThat(counter.getScore()).isPositive());
    }
  }

  @Test
  void aForkHasTheFlagsThatABackendNeeds() throws RunnerException {
    RunResult result =
        run(
            tiny()
                .forks(1)
                .include("\\.FillBenchmark\\.")
                .param("distribution", "glorot_uniform")
                .param("dtype", "bf16")
                .param("backend", "cpu"));

    assertThat(result.getPrimaryResult().getScore()).isPositive();
  }

  private static double rate(RunResult result, String counter) {
    Result<?> secondary = result.getSecondaryResults().get(counter);
    assertThat(secondary).as(counter).isNotNull();
    return secondary.getScore();
  }

  private static RunResult run(ChainedOptionsBuilder options) throws RunnerException {
    Collection<RunResult> results = new Runner(options.build()).run();
    assertThat(results).hasSize(1);
    return results.iterator().next();
  }

  private static ChainedOptionsBuilder tiny() {
    return new OptionsBuilder()
        .param("size", "16KiB")
        .param("n", "64")
        .param("mnk", "17x9x33")
        .param("bio", "5x33x17")
        .param("shape", "3x33")
        .param("classes", "3x5")
        .param("layers", "9-17-5")
        .param("batch", "3")
        .param("parameters", "1003")
        .warmupIterations(1)
        .warmupTime(TimeValue.milliseconds(20))
        .measurementIterations(1)
        .measurementTime(TimeValue.milliseconds(50))
        .shouldFailOnError(true)
        .verbosity(VerboseMode.SILENT);
  }
}
