package dev.weft.bench;

import com.sun.management.ThreadMXBean;
import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.compare.Machine;
import dev.weft.init.Fill;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/**
 * Measures the CPU's speed goals, against limits measured in the same rounds on the same memory,
 * and prints them as a table: those against the {@link Yardstick} in several JVMs, the others in
 * this one. A goal that cannot be measured here is listed with the reason.
 */
final class GoalsReport {
  private static final RandomKey KEY = RandomKey.of(42);
  private static final String STORES = "plain stores";
  private static final String UNIFORM = "uniform f32";
  private static final String CONSTANT = "constant f32";
  private static final List<String> RANDOM = Yardstick.LAWS;

  /** The least share of the yardstick's rate, for each law. */
  private static final Map<String, Double> SHARE_OF_C =
      Map.of("uniform", 0.75, "normal", 0.85, "truncated_normal", 0.85);

  private static final int LARGE_ROUNDS = 3; // of main memory: a third of the others

  private final Plan plan;
  private final PrintStream out;
  private final List<Row> rows = new ArrayList<>();
  private final StringBuilder details = new StringBuilder();
  private Yardstick yardstick;
  private String noYardstick = "";

  private GoalsReport(Plan plan, PrintStream out) {
    this.plan = plan;
    this.out = out;
  }

  /**
   * Sizes and times of a report.
   *
   * @param rounds rounds of every comparison
   * @param nanos time of each contestant in a round
   * @param cached bytes of a tensor in the second-level cache of one core
   * @param shared bytes of a tensor in the caches of two cores
   * @param memory bytes of a tensor in main memory, one thread
   * @param large bytes of a tensor in main memory, two threads
   * @param orthogonal rows and columns of the orthogonal matrix
   * @param jvms JVMs that compare fills with the yardstick
   * @param onlyC whether to measure nothing else
   * @param launcher the command line; null leaves its goals out
   */
  record Plan(
      int rounds,
      long nanos,
      long cached,
      List<Long> shared,
      long memory,
      long large,
      int orthogonal,
      int jvms,
      boolean onlyC,
      Path launcher) {
    /** What the goals ask for. */
    static Plan standard(Path launcher) {
      return new Plan(
          61,
          10_000_000,
          256L << 10,
          List.of(1L << 20, 2L << 20, 16L << 20),
          256L << 20,
          1L << 30,
          2048,
          5,
          false,
          launcher);
    }

    private Plan withRounds(int n) {
      return new Plan(n, nanos, cached, shared, memory, large, orthogonal, jvms, onlyC, launcher);
    }

    private Plan withOnlyC() {
      return new Plan(
          rounds, nanos, cached, shared, memory, large, orthogonal, jvms, true, launcher);
    }
  }

  private record Row(String goal, String target, String measured, String met) {}

  /** Prints the report that the arguments ask for; returns the exit code. */
  static int main(String[] args, PrintStream out) {
    Path launcher = CommandLineGoals.findLauncher();
    Plan plan = Plan.standard(launcher);
    for (int i = 0; i < args.length; i++) {
      String value = i + 1 < args.length ? args[i + 1] : "";
      if (args[i].equals("--only-c")) {
        plan = plan.withOnlyC();
      } else if (args[i].equals("--rounds") && value.matches("[1-9][0-9]{0,3}")) {
        plan = plan.withRounds(Integer.parseInt(value));
        i++;
      } else {
        System.err.println(
            "bench: need --goals [--only-c] [--rounds N], got " + String.join(" ", args));
        return 2;
      }
    }
    run(plan, out);
    return 0;
  }

  /** Measures {@code plan} and prints the report. */
  static void run(Plan plan, PrintStream out) {
    new GoalsReport(plan, out).run();
  }

  private void run() {
    try (Backend one = Backends.open("cpu", 1);
        Backend two = Backends.open("cpu", 2)) {
      out.print(Machine.measured(Map.of()).describe() + "\n");
      out.println("backends: " + one + "; " + two);
      out.print(Weft.explain());
      loadYardstick(one);
      out.printf(
          Locale.ROOT,
          "method: %d interleaved rounds, %d ms each; medians; a ratio is the median of the rounds'"
              + " ratios; beside C it is the median of %d JVMs', with the least and the greatest%n%n",
          plan.rounds,
          plan.nanos / 1_000_000,
          plan.jvms);
      besideC();
      if (plan.onlyC) {
        print();
        return;
      }
      Rounds cached = cached(one);
      memory(one);
      twoThreads(one, two, cached);
      allocation(one, two);
      orthogonal(two);
    }
    if (plan.launcher == null) {
      row("command line", "", "not measured: no launcher found", "");
    } else {
      progress("command line");
      CommandLineGoals.measure(plan.launcher, this::row);
    }
    print();
  }

  private void loadYardstick(Backend backend) {
    progress("the variants of the yardstick");
    try {
      yardstick = Yardstick.load(backend);
    } catch (Yardstick.UnavailableException e) {
      noYardstick = e.getMessage().replaceAll("\\s+", " ");
      out.println("yardstick: none: " + noYardstick);
      return;
    }
    out.println(
        "yardstick: hand-written C with "
            + yardstick.vectors()
            + " by gcc, groups of blocks side by side: uniform, normal, truncated_normal "
            + yardstick.groups());
    details.append(
        String.format(
            Locale.ROOT,
            "%n#### C with %s by groups side by side, G elements/s, in cache, best%n%n|",
            yardstick.vectors()));
    for (int groups = 1; groups <= Yardstick.MOST_GROUPS; groups++) {
      details.append(" | ").append(groups);
    }
    details.append(" |\n|---").append("|---:".repeat(Yardstick.MOST_GROUPS)).append("|\n");
    yardstick
        .tried()
        .forEach(
            (law, rates) -> {
              details.append("| ").append(law);
              for (double rate : rates) {
                details.append(String.format(Locale.ROOT, " | %.2f", rate / 1e9));
              }
              details.append(" |\n");
            });
  }

  /** Fills beside the yardstick, in JVMs of their own. */
  private void besideC() {
    int large = Math.max(1, plan.rounds / LARGE_ROUNDS);
    List<YardstickRatios.Task> tasks = new ArrayList<>();
    tasks.add(new YardstickRatios.Task(Yardstick.LAWS, plan.cached, 1, plan.rounds));
    tasks.add(new YardstickRatios.Task(Yardstick.LAWS, plan.memory, 1, large));
    if (Runtime.getRuntime().availableProcessors() > 1) {
      tasks.add(new YardstickRatios.Task(List.of("uniform"), plan.large, 2, large));
    }
    String missing = noYardstick;
    if (yardstick != null) {
      try {
        var ratios = YardstickRatios.measure(yardstick, tasks, plan.jvms, plan.nanos);
        details.append(
            String.format(
                Locale.ROOT,
                "%n#### Beside C, %d JVMs: G elements/s, medians and best rounds of each%n%n"
                    + "| | weft / C | weft | C | weft, best | C, best |%n|---|---|---|---|---|---|%n",
                plan.jvms));
        ratios.forEach(this::ratioRows);
        return;
      } catch (IOException e) {
        missing = e.getMessage();
      }
    }
    for (YardstickRatios.Task task : tasks) {
      for (String law : task.laws()) {
        row(
            besideC(law, task.bytes(), task.threads()),
            target(SHARE_OF_C.get(law)),
            "not measured: " + missing,
            "");
      }
    }
  }

  /** One comparison of all JVMs. */
  private void ratioRows(List<YardstickRatios.Ratio> jvms) {
    YardstickRatios.Ratio first = jvms.get(0);
    double[] ratios = jvms.stream().mapToDouble(YardstickRatios.Ratio::ratio).toArray();
    double median = Rounds.median(ratios);
    double target = SHARE_OF_C.get(first.law());
    String goal = besideC(first.law(), first.bytes(), first.threads());
    row(
        goal,
        target(target),
        String.format(
            Locale.ROOT,
            "%.2f (%.2f–%.2f)",
            median,
            Arrays.stream(ratios).min().getAsDouble(),
            Arrays.stream(ratios).max().getAsDouble()),
        median >= target ? "yes" : "no");
    details.append(
        String.format(
            Locale.ROOT,
            "| %s | %s | %s | %s | %s | %s |%n",
            goal,
            each(jvms, YardstickRatios.Ratio::ratio),
            each(jvms, jvm -> jvm.weft() / 1e9),
            each(jvms, jvm -> jvm.c() / 1e9),
            each(jvms, jvm -> jvm.bestWeft() / 1e9),
            each(jvms, jvm -> jvm.bestC() / 1e9)));
  }

  private static String each(
      List<YardstickRatios.Ratio> jvms, ToDoubleFunction<YardstickRatios.Ratio> value) {
    return jvms.stream()
        .map(jvm -> String.format(Locale.ROOT, "%.2f", value.applyAsDouble(jvm)))
        .collect(Collectors.joining(" "));
  }

  private static String besideC(String law, long bytes, int threads) {
    return law
        + " f32 / C, "
        + text(bytes)
        + ", "
        + threads
        + (threads == 1 ? " thread" : " threads");
  }

  /** One thread in the second-level cache. */
  private Rounds cached(Backend one) {
    progress("one thread, in cache");
    Rounds rounds = new Rounds(plan.nanos);
    long elements = plan.cached / Float.BYTES;
    try (Tensor f32 = one.tensor(DType.F32, Sizes.matrix(DType.F32, plan.cached));
        Tensor bf16 = one.tensor(DType.BF16, f32.shape());
        Tensor f16 = one.tensor(DType.F16, f32.shape())) {
      addStores(rounds, f32, 1, elements);
      addFill(rounds, "constant", f32);
      for (Tensor tensor : List.of(f32, bf16, f16)) {
        for (String distribution : RANDOM) {
          addFill(rounds, distribution, tensor);
        }
      }
      rounds.run(plan.rounds);
    }
    String where = ", " + text(plan.cached) + ", 1 thread";
    compare(rounds, "normal f32", UNIFORM, 0.55, where);
    compare(rounds, "truncated_normal f32", UNIFORM, 0.5, where);
    for (String type : List.of("bf16", "f16")) {
      for (String distribution : RANDOM) {
        compare(
            rounds,
            distribution + " " + type,
            distribution + " f32",
            1,
            ", elements, as many elements, 1 thread");
      }
    }
    compare(rounds, CONSTANT, STORES, 0.95, where);
    detail(text(plan.cached) + " of f32 (as many elements of the 16-bit types), 1 thread", rounds);
    return rounds;
  }

  /** One thread in main memory. */
  private void memory(Backend one) {
    progress("one thread, in main memory");
    Rounds rounds = new Rounds(plan.nanos);
    try (Tensor tensor = one.tensor(DType.F32, Sizes.matrix(DType.F32, plan.memory))) {
      addStores(rounds, tensor, 1, tensor.shape().elements());
      addFill(rounds, "constant", tensor);
      addFill(rounds, "uniform", tensor);
      rounds.run(plan.rounds);
    }
    String where = ", " + text(plan.memory) + ", 1 thread";
    compare(rounds, CONSTANT, STORES, 0.95, where);
    detail(text(plan.memory) + ", 1 thread", rounds);
  }

  private void twoThreads(Backend one, Backend two, Rounds cached) {
    if (Runtime.getRuntime().availableProcessors() < 2) {
      row("two threads", "", "not measured: one processor", "");
      return;
    }
    for (long bytes : plan.shared) {
      scaling(one, two, bytes);
    }
    progress("two threads, in main memory");
    Rounds rounds = new Rounds(plan.nanos);
    try (Tensor tensor = two.tensor(DType.F32, Sizes.matrix(DType.F32, plan.large))) {
      addStores(rounds, tensor, 2, tensor.shape().elements());
      addFill(rounds, "constant", tensor);
      addFill(rounds, "uniform", tensor);
      addFill(rounds, "normal", tensor);
      rounds.run(plan.rounds);
    }
    String where = ", " + text(plan.large) + ", 2 threads";
    double compute = 2 * cached.rate(UNIFORM);
    double stores = rounds.rate(STORES);
    double limit = Math.min(compute, stores);
    ratioRow(
        "uniform f32 / "
            + (compute < stores ? "compute limit (twice its rate in cache)" : STORES)
            + where,
        0.9,
        rounds.rate(UNIFORM) / limit);
    compare(rounds, CONSTANT, STORES, 0.95, where);
    detail(text(plan.large) + ", 2 threads", rounds);
  }

  private void scaling(Backend one, Backend two, long bytes) {
    progress("one and two threads, " + text(bytes));
    Rounds rounds = new Rounds(plan.nanos);
    try (Tensor tensor = one.tensor(DType.F32, Sizes.matrix(DType.F32, bytes));
        Tensor view = two.wrap(tensor.segment(), DType.F32, tensor.shape())) {
      for (String distribution : List.of("uniform", "normal")) {
        Fill fill = Distributions.named(distribution).plan(tensor.shape());
        rounds.require(() -> Agreement.check(tensor, fill, KEY));
        rounds.require(() -> Agreement.check(view, fill, KEY));
        double elements = tensor.shape().elements();
        rounds.add(distribution + " f32, 1 thread", elements, () -> tensor.fill(fill, KEY));
        rounds.add(distribution + " f32, 2 threads", elements, () -> view.fill(fill, KEY));
      }
      rounds.run(plan.rounds);
    }
    for (String distribution : List.of("uniform", "normal")) {
      ratioRow(
          distribution + " f32, 2 threads / 1 thread, " + text(bytes),
          1.8,
          rounds.ratio(distribution + " f32, 2 threads", distribution + " f32, 1 thread"));
    }
    detail(text(bytes) + ", 1 and 2 threads", rounds);
  }

  private void allocation(Backend one, Backend two) {
    progress("allocation");
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    for (Backend backend : List.of(one, two)) {
      double worst = 0;
      try (Tensor tensor = backend.tensor(DType.F32, Sizes.matrix(DType.F32, plan.shared.get(0)))) {
        for (String distribution : RANDOM) {
          Fill fill = Distributions.named(distribution).plan(tensor.shape());
          fillFor(tensor, fill, 10 * plan.nanos);
          long before = threads.getTotalThreadAllocatedBytes();
          long calls = fillFor(tensor, fill, 10 * plan.nanos);
          long bytes = threads.getTotalThreadAllocatedBytes() - before;
          worst = Math.max(worst, (double) bytes / calls);
        }
      }
      row(
          "bytes allocated per fill, " + (backend == one ? "1 thread" : "2 threads"),
          "0",
          String.format(Locale.ROOT, "%.1f", worst),
          worst < 1 ? "yes" : "no"); // below 1: the measurement's own
    }
  }

  /** Fills again and again for some time; returns how often. */
  private static long fillFor(Tensor tensor, Fill fill, long nanos) {
    long calls = 0;
    long end = System.nanoTime() + nanos;
    do {
      tensor.fill(fill, KEY);
      calls++;
    } while (System.nanoTime() < end);
    return calls;
  }

  private void orthogonal(Backend two) {
    int n = plan.orthogonal;
    progress("orthogonal " + n + " × " + n);
    Fill fill = Fill.orthogonal(1, Layout.KERAS);
    double[] seconds = new double[3];
    try (Tensor tensor = two.tensor(DType.F32, Shape.of(n, n))) {
      tensor.fill(fill, KEY);
      for (int r = 0; r < seconds.length; r++) {
        long start = System.nanoTime();
        tensor.fill(fill, KEY);
        seconds[r] = (System.nanoTime() - start) / 1e9;
      }
      double time = Rounds.median(seconds);
      double error = tensor.orthogonalityError(Layout.KERAS, 1);
      row(
          String.format(Locale.ROOT, "orthogonal f32 %d × %d, 2 threads, seconds", n, n),
          "< 3",
          String.format(Locale.ROOT, "%.2f", time),
          time < 3 ? "yes" : "no");
      row(
          String.format(Locale.ROOT, "orthogonal f32 %d × %d, max of ‖QᵀQ − I‖", n, n),
          "< 1e-5",
          String.format(Locale.ROOT, "%.1e", error),
          error < OrthogonalBenchmark.LARGEST_ERROR ? "yes" : "no");
      details.append(
          String.format(
              Locale.ROOT,
              "%northogonal %d × %d, 2 threads: %.1f GFLOP/s at 8/3·n³ flop%s%n",
              n,
              n,
              8.0 / 3 * n * n * n / time / 1e9,
              yardstick == null
                  ? ""
                  : String.format(Locale.ROOT, "; FMA peak of one core %.1f", fmaPeak() / 1e9)));
    }
  }

  private double fmaPeak() {
    double best = 0;
    long steps = 1_000_000;
    for (int r = 0; r < 5; r++) {
      long start = System.nanoTime();
      float result = yardstick.fma(steps);
      double rate = steps * yardstick.flopPerStep() * 1e9 / (System.nanoTime() - start);
      best = Float.isNaN(result) ? best : Math.max(best, rate);
    }
    return best;
  }

  /** Adds plain stores, in elements per second, on the memory of a tensor. */
  private void addStores(Rounds rounds, Tensor tensor, int threads, double elements) {
    MemorySegment memory = tensor.segment();
    double bytes = memory.byteSize();
    rounds.add(
        STORES, () -> StoreRoof.bytesPerSecond(memory, threads, plan.nanos) * elements / bytes);
  }

  private void addFill(Rounds rounds, String distribution, Tensor tensor) {
    Fill fill = Distributions.named(distribution).plan(tensor.shape());
    rounds.require(() -> Agreement.check(tensor, fill, KEY));
    rounds.add(
        distribution + " " + tensor.dtype().id(),
        tensor.shape().elements(),
        () -> tensor.fill(fill, KEY));
  }

  private void compare(Rounds rounds, String name, String other, double target, String where) {
    ratioRow(name + " / " + other + where, target, rounds.ratio(name, other));
  }

  private void ratioRow(String goal, double target, double ratio) {
    row(
        goal,
        target(target),
        String.format(Locale.ROOT, "%.2f", ratio),
        ratio >= target ? "yes" : "no");
  }

  private static String target(double ratio) {
    return String.format(Locale.ROOT, "≥ %.2f", ratio);
  }

  private void row(String goal, String target, String measured, String met) {
    rows.add(new Row(goal, target, measured, met));
  }

  private void detail(String title, Rounds rounds) {
    details.append(
        String.format(
            Locale.ROOT,
            "%n#### %s%n%n| | G elements/s | GB/s | ± | best |%n|---|---:|---:|---:|---:|%n",
            title));
    for (String name : rounds.names()) {
      int width = name.contains("f16") ? 2 : 4;
      details.append(
          String.format(
              Locale.ROOT,
              "| %s | %.2f | %.1f | %.0f %% | %.2f |%n",
              name,
              rounds.rate(name) / 1e9,
              rounds.rate(name) * width / 1e9,
              100 * rounds.spread(name),
              rounds.best(name) / 1e9));
    }
  }

  private void print() {
    out.println("| goal | target | measured | met |");
    out.println("|---|---:|---:|---|");
    for (Row row : rows) {
      out.printf("| %s | %s | %s | %s |%n", row.goal, row.target, row.measured, row.met);
    }
    out.print(details);
    out.flush();
  }

  private void progress(String what) {
    System.err.println("measuring: " + what);
  }

  private static String text(long bytes) {
    if (bytes % (1 << 30) == 0) {
      return (bytes >> 30) + " GiB";
    }
    return bytes % (1 << 20) == 0 ? (bytes >> 20) + " MiB" : (bytes >> 10) + " KiB";
  }
}
