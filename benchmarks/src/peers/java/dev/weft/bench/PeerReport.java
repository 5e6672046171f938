package dev.weft.bench;

import dev.weft.compare.Machine;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * {@code weft bench --turns --peers}: the cases of the peer benchmarks, each library in a {@link
 * PeerProcess} of its own, in turns of every round ({@link Rounds}), so that a busy machine
 * disturbs them alike.
 */
public final class PeerReport {
  private static final long NANOS = 20_000_000;
  private static final long WARM_UP_NANOS = 3_000_000_000L;
  private static final String BEST = "best"; // of the others
  private static final List<String> PRODUCTS =
      List.of(
          "64x64x64",
          "128x128x128",
          "256x256x256",
          "512x512x512",
          "1024x1024x1024",
          "2048x2048x2048");
  private static final List<String> LAYERS =
      List.of(
          "1x4096x4096",
          "32x784x128",
          "128x784x128",
          "512x1024x1024",
          "64x4096x1024",
          "2048x512x2048");
  private static final List<String> FILLS =
      List.of("uniform", "normal", "truncated_normal", "glorot_uniform", "he_normal", "orthogonal");
  private static final List<String> LIBRARIES =
      List.of(
          "weft", "openblas", "mkl", "blis", "onednn", "netlib", "pytorch", "nd4j", "tensorflow");
  private static final List<String> FILLERS =
      List.of(
          "weft",
          "pytorch",
          "nd4j",
          "tensorflow",
          "commons-rng",
          "commons-rng-xoshiro",
          "l64x128mix");

  /** What the JVM's compiler makes. */
  private static final Set<String> COMPILED =
      Set.of("weft", "netlib", "commons-rng", "commons-rng-xoshiro", "l64x128mix");

  private final PrintStream out;
  private final int rounds;
  private final Pattern cases;
  private final int threads;
  private final Map<String, PeerProcess> processes = new LinkedHashMap<>();

  /** Those of the table that is being printed. */
  private List<String> columns = LIBRARIES;

  /** The ratios of a group of cases to each library, as they come. */
  private final Map<String, Map<String, List<Double>>> ratios = new LinkedHashMap<>();

  private PeerReport(PrintStream out, int rounds, Pattern cases, int threads) {
    this.out = out;
    this.rounds = rounds;
    this.cases = cases;
    this.threads = threads;
  }

  /**
   * Prints a table, in an environment that {@link Main} made; the first argument is how many rounds
   * a case has, 31 if there is none, the second a regular expression of the cases, all if there is
   * none, the third how many threads a call has, 1 if there is none.
   */
  public static void main(String[] args) {
    PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    int rounds = args.length == 0 ? 31 : Integer.parseInt(args[0]);
    Pattern cases = Pattern.compile(args.length < 2 ? "" : args[1]);
    int threads = args.length < 3 ? 1 : Integer.parseInt(args[2]);
    new PeerReport(out, rounds, cases, threads).run();
  }

  private void run() {
    out.print(Machine.measured(Map.of()).describe() + "\n");
    PeerEnvironment.inherited(System.getenv())
        .settings()
        .forEach(it -> out.println(it.variable() + "=" + it.found() + ": " + it.done()));
    out.println();
    out.println("GFLOP/s:");
    out.println();
    head(LIBRARIES);
    for (String mnk : PRODUCTS) {
      measure("gemm", mnk, "gemm " + mnk + " f32", LIBRARIES);
    }
    for (String mnk : PRODUCTS) {
      measure("gemm f64", mnk, "gemm " + mnk + " f64", LIBRARIES);
    }
    for (String bio : LAYERS) {
      measure("forward", bio, "forward " + bio, LIBRARIES);
    }
    for (String bio : LAYERS) {
      measure("backward", bio, "backward " + bio, LIBRARIES);
    }
    for (String sizes : List.of("784-128-10", "784-512-512-10")) {
      for (String optimizer : List.of("adam", "sgd")) {
        measure("step", sizes + " " + optimizer, "step " + sizes + " 128 " + optimizer, LIBRARIES);
      }
    }
    ratios.forEach(this::mean);
    out.println();
    out.println("Fills, GB/s:");
    out.println();
    head(FILLERS);
    ratios.clear();
    for (String memory : List.of("reused", "fresh")) {
      for (String distribution : FILLS) {
        String size = distribution.equals("orthogonal") ? "4MiB" : "64MiB";
        measure(
            "fill " + memory,
            distribution + " " + size,
            "fill " + distribution + " " + size + " " + memory,
            FILLERS);
      }
    }
    ratios.forEach(this::mean);
    processes.values().forEach(PeerProcess::close);
  }

  private void head(List<String> libraries) {
    columns = libraries;
    out.println(
        "| | "
            + String.join(" | ", libraries)
            + " | weft / "
            + String.join(" | / ", libraries.subList(1, libraries.size()))
            + " | / best |");
    out.println("|---" + "|---:".repeat(2 * libraries.size()) + "|");
  }

  /** The geometric means of a group's ratios. */
  private void mean(String group, Map<String, List<Double>> byLibrary) {
    StringBuilder line = new StringBuilder("| ").append(group).append(", geometric mean");
    line.append(" |".repeat(columns.size()));
    for (String library : others(columns)) {
      List<Double> values = byLibrary.getOrDefault(library, List.of());
      double logs = values.stream().mapToDouble(Math::log).average().orElse(Double.NaN);
      line.append(" | ").append(values.isEmpty() ? "–" : number("%.2f", Math.exp(logs)));
    }
    out.println(line.append(" |"));
  }

  private void measure(String group, String shape, String open, List<String> libraries) {
    String name = group + " " + shape;
    if (!cases.matcher(name).find()) {
      return;
    }
    Rounds contest = new Rounds(NANOS);
    List<PeerProcess> contestants = new ArrayList<>();
    for (String library : libraries) {
      PeerProcess process = processes.computeIfAbsent(library, key -> new PeerProcess(key));
      try {
        String ran = process.ask("open " + threads + " " + open); // one that is wrong says no
        System.err.println(name + ", " + library + ": " + ran);
        contestants.add(process);
        process.ask("run " + (COMPILED.contains(library) ? WARM_UP_NANOS : NANOS));
        contest.add(library, () -> Double.parseDouble(process.ask("run " + NANOS)));
      } catch (IllegalStateException e) {
        System.err.println(name + ", " + library + ": " + e.getMessage());
      }
    }
    long start = System.nanoTime();
    contest.run(rounds);
    StringBuilder line = new StringBuilder("| ").append(name);
    for (String library : columns) {
      line.append(" | ")
          .append(
              contest.has(library)
                  ? number(columns == FILLERS ? "%.3f" : "%.1f", contest.best(library))
                  : "–");
    }
    for (String library : columns.subList(1, columns.size())) {
      if (contest.has("weft") && contest.has(library)) {
        keep(group, library, contest.ratio("weft", library));
      }
      line.append(" | ")
          .append(
              contest.has(library)
                  ? number("%.2f", contest.ratio("weft", library))
                      + " ("
                      + number("%.2f", contest.best("weft") / contest.best(library))
                      + ")"
                  : "–");
    }
    double least = // over the best of the others
        columns.subList(1, columns.size()).stream()
            .filter(it -> contest.has("weft") && contest.has(it))
            .mapToDouble(it -> contest.ratio("weft", it))
            .min()
            .orElse(Double.NaN);
    if (!Double.isNaN(least)) {
      keep(group, BEST, least);
    }
    line.append(" | ").append(Double.isNaN(least) ? "–" : number("%.2f", least));
    out.println(line.append(" |"));
    System.err.println(
        name + ": " + TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start) + " s");
    contestants.forEach(it -> it.ask("close")); // which checks again
  }

  private void keep(String group, String library, double ratio) {
    ratios
        .computeIfAbsent(group, key -> new LinkedHashMap<>())
        .computeIfAbsent(library, key -> new ArrayList<>())
        .add(ratio);
  }

  private static List<String> others(List<String> libraries) {
    List<String> others = new ArrayList<>(libraries.subList(1, libraries.size()));
    others.add(BEST);
    return others;
  }

  private static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }
}
