package dev.weft.bench;

import dev.weft.compare.Machine;
import dev.weft.compare.Measurement;
import dev.weft.compare.Missing;
import dev.weft.compare.Results;
import dev.weft.compare.ResultsFile;
import dev.weft.compare.Suite;
import dev.weft.compare.Verdict;
import dev.weft.compare.report.Changes;
import dev.weft.interop.AtomicFile;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code weft bench --suite}: runs suites and writes what they found. */
@Command(
    name = "weft bench",
    mixinStandardHelpOptions = true,
    description = "Runs suites, each case in a JVM of its own, and writes a file of results.")
final class SuiteCommand implements Callable<Integer> {
  private static final int OK = 0;
  private static final int FAILED = 1;
  private static final int USAGE = 2;
  private static final int MISMATCH = 5;
  private static final int MOST_PASSES = 100;

  /** The option that {@link Main} starts itself again for, as it does for the other libraries. */
  static final String AVX2 = "--avx2";

  /** Further passes over what seems slower: on a shared machine a single one may be by chance. */
  private static final int CONFIRMING_PASSES = 2;

  private final PrintStream out;
  private final PrintStream err;
  private final String command;

  @Spec private CommandSpec spec;

  @Option(
      names = "--suite",
      paramLabel = "fill|gemm|dense|train|all",
      description =
          "what to run; all: how all techniques agree, and what initializers do, as well; with"
              + " --against all that the baseline has")
  private String suite;

  @Option(names = "--peers", description = "run the other libraries, too (the launcher adds them)")
  private boolean peers;

  @Option(
      names = AVX2,
      description =
          "hold weft and the other libraries to vectors of 256 bits, as most machines have")
  private boolean avx2;

  @ArgGroup private Size size;

  /** One of them. */
  static final class Size {
    @Option(names = "--quick", description = "one pass: a few minutes (the default)")
    private boolean quick;

    @Option(names = "--full", description = "five passes over more sizes, types and threads")
    private boolean full;

    @Option(names = "--smoke", hidden = true)
    private boolean smoke;
  }

  @Option(
      names = "--passes",
      paramLabel = "N",
      description = "how often each case is run, 1 to 100; 1 with --quick, 3 with --full")
  private Integer passes;

  @Option(
      names = "--only",
      paramLabel = "REGEX",
      description = "cases whose task and contestant match alone")
  private Pattern only = Pattern.compile("");

  @Option(names = "--out", paramLabel = "FILE.json", description = "the file of results")
  private Path file;

  @Option(
      names = "--against",
      paramLabel = "BASELINE.json",
      description = "runs what that file has of weft again; exit code 5 if anything became slower")
  private Path baseline;

  SuiteCommand(PrintStream out, PrintStream err, List<String> args) {
    this.out = out;
    this.err = err;
    this.command = "weft bench " + String.join(" ", args);
  }

  /** Runs the command; returns its exit code: 2 for usage, 5 for a mismatch. */
  static int run(List<String> args, PrintStream out, PrintStream err) {
    CommandLine line = new CommandLine(new SuiteCommand(out, err, args));
    line.setUsageHelpWidth(100);
    line.registerConverter(Integer.class, SuiteCommand::whole);
    line.setOut(new PrintWriter(out, true));
    line.setParameterExceptionHandler((e, rest) -> complain(err, e.getMessage(), USAGE));
    line.setExecutionExceptionHandler((e, parsed, result) -> fail(err, e));
    return line.execute(args.toArray(String[]::new));
  }

  /** ASCII digits: Java's parser also takes those of other scripts, and a plus. */
  private static Integer whole(String text) {
    if (!text.matches("[0-9]{1,9}")) {
      throw new CommandLine.TypeConversionException("need a whole number, got " + text);
    }
    return Integer.valueOf(text);
  }

  private static int fail(PrintStream err, Exception failure) throws Exception {
    return switch (failure) {
      case NoSuchFileException e -> complain(err, e.getFile() + ": no such file", USAGE);
      case IllegalArgumentException e -> complain(err, e.getMessage(), USAGE);
      case IOException e -> complain(err, e.getMessage(), FAILED);
      case UncheckedIOException e -> complain(err, e.getCause().getMessage(), FAILED);
      default -> throw failure;
    };
  }

  private static int complain(PrintStream err, String message, int code) {
    err.println("weft bench: " + message);
    return code;
  }

  @Override
  public Integer call() throws IOException {
    Effort effort =
        size == null || size.quick ? Effort.QUICK : size.full ? Effort.FULL : Effort.SMOKE;
    int count = passes == null ? effort.passes() : passes;
    require(count >= 1 && count <= MOST_PASSES, "--passes: need 1 to 100, got " + count);
    require(suite != null || baseline != null, "--suite: required, not given");
    List<Suite> suites = suites();
    require(
        !peers || PeerVersions.known(),
        "--peers: need the launcher ./weft of a checkout, which builds them");
    require(
        !avx2 || PeerEnvironment.isApplied(System.getenv()), AVX2 + ": need the launcher ./weft");
    if (file != null) {
      AtomicFile.create(file, 0).close(); // now, rather than after all was measured
    }
    Optional<String> noGpu = GpuSuites.missing();
    Optional<Results> before =
        baseline == null ? Optional.empty() : Optional.of(ResultsFile.read(baseline));
    List<Case> asked =
        before
            .map(it -> again(it, noGpu.isEmpty()))
            .orElseGet(() -> SuitePlan.of(suites, effort, peers, noGpu.isEmpty()))
            .stream()
            .filter(each -> suites.contains(each.task().suite()))
            .filter(each -> only.matcher(each.name()).find())
            .toList();
    require(!asked.isEmpty(), "--only: need a case that matches, got " + only);

    String created = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
    Libraries libraries = Libraries.of(asked);
    List<Case> cases = asked.stream().filter(libraries::has).toList();
    PeerEnvironment environment = PeerEnvironment.inherited(System.getenv());
    Machine machine = Machine.measured(libraries.described());
    err.println(machine.describe());
    environment
        .settings()
        .forEach(it -> err.println(it.variable() + "=" + it.found() + ": " + it.done()));
    noGpu.ifPresent(reason -> err.println("weft bench: left out gpu: " + reason));
    Roofs roofs = new Roofs(cases.stream().map(Case::task).toList());
    SuiteRun run = new SuiteRun(effort, libraries::ran, roofs::measure, err::println);
    run.run(cases, count);
    before.ifPresent(
        it ->
            run.run(
                slower(it, run.measurements()).stream().map(Case::of).toList(), CONFIRMING_PASSES));
    List<Missing> missing = new ArrayList<>();
    noGpu.ifPresent(reason -> missing.add(new Missing("weft gpu", "all", reason)));
    missing.addAll(libraries.missing());
    missing.addAll(run.missing());
    Optional<Findings> findings = Optional.empty();
    if (before.isEmpty() && suites.size() == Suite.values().length) {
      err.println("agreement of results …");
      findings = Optional.of(Findings.here(effort));
      missing.addAll(findings.get().missing());
    }
    Results results =
        new Results(
            file == null ? "" : file.getFileName().toString(),
            created,
            command,
            Optional.of(machine),
            environment.settings(),
            roofs.highest(),
            run.measurements(),
            missing,
            findings.map(Findings::agreements).orElse(List.of()),
            findings.map(Findings::drawn).orElse(List.of()),
            findings.map(Findings::signals).orElse(List.of()));
    if (before.isEmpty()) {
      out.print(SuiteTable.rates(results));
    }
    if (file != null) {
      AtomicFile.write(file, ResultsFile.json(results).getBytes(StandardCharsets.UTF_8));
    }
    List<String> wrong = new ArrayList<>();
    run.broken().forEach(it -> wrong.add(it.name() + " failed"));
    results.agreements().stream()
        .filter(it -> !it.holds())
        .forEach(it -> wrong.add(it.technique() + " differs: " + it.detail()));
    if (!wrong.isEmpty()) {
      wrong.forEach(it -> err.println("weft bench: " + it));
      return MISMATCH;
    }
    return before.map(it -> against(it, results)).orElse(OK);
  }

  private static List<Changes.Change> slower(Results before, List<Measurement> now) {
    return Changes.between(before, now).of(Verdict.SLOWER);
  }

  private int against(Results before, Results now) {
    out.print(SuiteTable.changes(before, now));
    return slower(before, now.measurements()).isEmpty() ? OK : MISMATCH;
  }

  private List<Suite> suites() {
    if (suite == null || suite.equals("all")) {
      return List.of(Suite.values());
    }
    Optional<Suite> one =
        Arrays.stream(Suite.values()).filter(it -> it.id().equals(suite)).findFirst();
    require(one.isPresent(), "--suite: need one of fill, gemm, dense, train, all, got " + suite);
    return List.of(one.get());
  }

  /** What {@code before} has of weft and is the same task here, with as many threads. */
  private List<Case> again(Results before, boolean gpu) {
    String cpu = before.machine().map(Machine::cpu).orElse("a machine that it does not name");
    if (!cpu.equals(Machine.here().cpu())) {
      err.println("weft bench: --against: " + before.name() + " is of another machine: " + cpu);
    }
    List<Case> all =
        before.measurements().stream()
            .filter(Measurement::byWeft)
            .filter(it -> gpu || !it.task().onDevice())
            .map(it -> Case.of(it.benchmark(), it.params()))
            .toList();
    List<Case> same =
        all.stream().filter(each -> before.of(each.task(), each.contestant()).isPresent()).toList();
    if (same.size() < all.size()) {
      int left = all.size() - same.size();
      err.println("weft bench: --against: " + left + " cases left out: other threads");
    }
    require(!same.isEmpty(), "--against: need a file with something to compare, got " + baseline);
    return same;
  }

  private void require(boolean holds, String message) {
    if (!holds) {
      throw new ParameterException(spec.commandLine(), message);
    }
  }
}
