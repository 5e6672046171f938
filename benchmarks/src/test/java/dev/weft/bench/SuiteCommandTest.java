package dev.weft.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.compare.Machine;
import dev.weft.compare.Measurement;
import dev.weft.compare.Results;
import dev.weft.compare.ResultsFile;
import dev.weft.compare.Suite;
import dev.weft.compare.Tasks;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.VerboseMode;

/** {@code weft bench --suite}: what it plans exists, what it measures is in the file. */
class SuiteCommandTest {
  @TempDir private Path directory;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @BeforeAll
  static void shareTheMachine() {
    System.setProperty("jmh.ignoreLock", "true");
  }

  private int run(String... args) {
    return SuiteCommand.run(
        List.of(args),
        new PrintStream(out, true, StandardCharsets.UTF_8),
        new PrintStream(err, true, StandardCharsets.UTF_8));
  }

  private String complaints() {
    return err.toString(StandardCharsets.UTF_8);
  }

  @Test
  void aRunIsAFileOfResults() throws IOException {
    Path file = directory.resolve("r.json");

    int code = run("--suite", "all", "--smoke", "--out", file.toString());

    assertThat(code).as(complaints()).isZero();
    Results results = ResultsFile.read(file);
    assertThat(results.machine().orElseThrow().processors()).isPositive();
    assertThat(results.measurements())
        .extracting(it -> it.task().suite())
        .contains(Suite.FILL, Suite.GEMM, Suite.DENSE, Suite.TRAIN);
    assertThat(results.measurements())
        .allSatisfy(it -> assertThat(it.rate()).isPositive())
        .extracting(Measurement::contestant)
        .contains("weft cpu", "weft scalar");
    assertThat(results.measurements())
        .allSatisfy(it -> assertThat(it.ran()).as(it.contestant()).isNotBlank());
    assertThat(results.environment()).isEmpty(); // nothing was set for other libraries
    for (Measurement it : results.measurements()) {
      assertThat(results.roof(it.task())).as("%s", it.task()).isPresent();
    }
    assertThat(results.agreements()).isNotEmpty().allMatch(it -> it.holds());
    assertThat(results.drawn()).isNotEmpty();
    assertThat(results.signals()).isNotEmpty();
    if (GpuSuites.missing().isPresent()) { // another test's stand-in may be in this JVM
      assertThat(results.missing()).extracting(it -> it.contestant()).contains("weft gpu");
    }
  }

  /** A baseline that is faster than any machine is not met; a slow one is. */
  @ParameterizedTest
  @CsvSource({"1e6, 5", "1e-9, 0"})
  void whatBecameSlowerEndsInExitCode5(double factor, int code) throws IOException {
    Path other = directory.resolve("baseline.json");
    Files.writeString(other, ResultsFile.json(baseline(factor)));

    assertThat(run("--against", other.toString(), "--smoke")).isEqualTo(code);

    assertThat(out.toString(StandardCharsets.UTF_8)).contains(code == 0 ? "faster" : "slower");
  }

  private static Results baseline(double rate) {
    return baseline(rate, "1", Machine.here());
  }

  /** A product, which a JVM that is cold does at a rate of about 1e-4 GFLOP/s. */
  private static Results baseline(double rate, String threads, Machine machine) {
    Map<String, String> params =
        new TreeMap<>(
            Map.of(
                "mnk",
                "8x8x8",
                "transposes",
                "NN",
                "dtype",
                "f32",
                "backend",
                "cpu",
                "threads",
                threads));
    String benchmark = GemmBenchmark.class.getName() + ".gemm";
    Tasks.Done done = Tasks.of(benchmark, params, machine.processors()).orElseThrow();
    return new Results(
        "baseline.json",
        "",
        "",
        Optional.of(machine),
        List.of(),
        List.of(),
        List.of(
            new Measurement(
                benchmark,
                params,
                done.task(),
                done.contestant(),
                "",
                List.of(new double[] {rate, rate}))),
        List.of(),
        List.of(),
        List.of(),
        List.of());
  }

  /**
   * A file of a machine with more threads has nothing that could be compared: no silent success.
   */
  @Test
  void aBaselineOfOtherThreadsIsRefused() throws IOException {
    Machine here = Machine.here();
    Machine other =
        new Machine(
            "Another CPU",
            here.processors() + 1,
            Double.NaN,
            here.simd(),
            here.caches(),
            here.memoryBytes(),
            here.gpu(),
            here.os(),
            here.jdk(),
            Map.of(),
            Double.NaN);
    Path file = directory.resolve("baseline.json");
    Files.writeString(file, ResultsFile.json(baseline(1, "0", other)));

    assertThat(run("--against", file.toString(), "--smoke")).isEqualTo(2);

    assertThat(complaints())
        .contains("baseline.json is of another machine: Another CPU")
        .contains("1 cases left out: other threads")
        .contains("--against: need a file with something to compare");
  }

  /** Every case of every suite is a benchmark that JMH knows, with all parameters that it has. */
  @ParameterizedTest
  @EnumSource
  void everyPlannedCaseExists(Effort effort) {
    Set<String> known =
        BenchmarkList.defaultList()
            .getAll(
                OutputFormatFactory.createFormatInstance(System.err, VerboseMode.SILENT), List.of())
            .stream()
            .map(BenchmarkListEntry::getUsername)
            .collect(Collectors.toSet());

    List<Case> cases = SuitePlan.of(List.of(Suite.values()), effort, true, true);

    assertThat(cases).isNotEmpty().doesNotHaveDuplicates();
    for (Case each : cases) {
      assertThat(each.task().work()).as(each.name()).isPositive();
      if (!each.suite().startsWith("Peer")) { // those are in a build of their own
        assertThat(known).contains(each.benchmark());
      }
    }
  }

  @Test
  void codeThatIsCompiledAheadNeedsNoFiveJvms() {
    assertThat(Effort.FULL.passes()).isEqualTo(5);
    assertThat(Effort.passes(5, false)).isEqualTo(5);
    assertThat(Effort.passes(5, true)).isEqualTo(2);
    assertThat(Effort.passes(1, true)).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--suite nothing | --suite: need one of fill, gemm, dense, train, all, got nothing | 2",
        "--suite gemm --passes 0 | --passes: need 1 to 100, got 0 | 2",
        "--suite gemm --only zebra --smoke | --only: need a case that matches, got zebra | 2",
        "--suite gemm --out /no/such/directory/r.json | /no/such/directory | 1",
        "--against /no/such/file.json | /no/such/file.json: no such file | 2",
        "--suite gemm --quick --full | mutually exclusive | 2",
        "--suite gemm --peers --smoke | --peers: need the launcher ./weft | 2",
        "--suite gemm --avx2 --smoke | --avx2: need the launcher ./weft | 2",
        "--suite gemm --zebra | Unknown option: '--zebra' | 2",
      })
  void badArgumentsAreOneLine(String args, String complaint, int expected) {
    int code = run(args.strip().split(" "));

    assertThat(code).isEqualTo(expected);
    assertThat(complaints().strip().lines().toList()).hasSize(1);
    assertThat(complaints()).startsWith("weft bench: ").contains(complaint.strip());
  }
}
