package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.ProcessBuilder.Redirect;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.DoubleSupplier;

/**
 * Fills beside the {@link Yardstick} in several JVMs: the same loop may be compiled to a faster or
 * a slower one from JVM to JVM, so one JVM says little. Each JVM measures in interleaved rounds on
 * the same memory, and its ratio is the median of the rounds' ratios.
 */
final class YardstickRatios {
  private static final RandomKey KEY = RandomKey.of(42);
  private static final String C = ", C";

  /**
   * A loop of vectors that is not compiled yet is slower than this share of C; one that is, never.
   */
  private static final double COMPILED = 0.2;

  private static final int TRIES = 5;
  private static final long MOST_WARM_UP_NANOS = 60_000_000_000L;

  private YardstickRatios() {}

  /**
   * One comparison in one JVM.
   *
   * @param law a law of {@link Yardstick#LAWS}
   * @param bytes of the tensor
   * @param threads of the fill, and of C
   * @param ratio weft's rate over that of C
   * @param weft elements per second, the median of the rounds
   * @param c the same of C
   * @param bestWeft elements per second, the best of the rounds
   * @param bestC the same of C
   */
  record Ratio(
      String law,
      long bytes,
      int threads,
      double ratio,
      double weft,
      double c,
      double bestWeft,
      double bestC) {
    private String line() {
      return String.join(
          " ",
          law,
          Long.toString(bytes),
          Integer.toString(threads),
          Double.toString(ratio),
          Double.toString(weft),
          Double.toString(c),
          Double.toString(bestWeft),
          Double.toString(bestC));
    }

    private static Ratio parse(String line) {
      String[] words = line.split(" ");
      return new Ratio(
          words[0],
          Long.parseLong(words[1]),
          Integer.parseInt(words[2]),
          Double.parseDouble(words[3]),
          Double.parseDouble(words[4]),
          Double.parseDouble(words[5]),
          Double.parseDouble(words[6]),
          Double.parseDouble(words[7]));
    }

    private String comparison() {
      return law + " " + bytes + " " + threads;
    }
  }

  /**
   * What to compare.
   *
   * @param laws some of {@link Yardstick#LAWS}
   * @param bytes of the tensor
   * @param threads 1 or 2
   * @param rounds how often
   */
  record Task(List<String> laws, long bytes, int threads, int rounds) {
    private String argument() {
      return String.join(",", laws) + " " + bytes + " " + threads + " " + rounds;
    }

    private static Task parse(String argument) {
      String[] words = argument.split(" ");
      return new Task(
          List.of(words[0].split(",")),
          Long.parseLong(words[1]),
          Integer.parseInt(words[2]),
          Integer.parseInt(words[3]));
    }
  }

  /**
   * Measures {@code tasks} in {@code jvms} JVMs, one after another, with the options of this one.
   *
   * @param nanos how long each contestant runs in a round
   * @return the ratios of each comparison, one for each JVM, in the order of the tasks
   * @throws IOException if a JVM fails, with what it said last
   */
  static List<List<Ratio>> measure(Yardstick yardstick, List<Task> tasks, int jvms, long nanos)
      throws IOException {
    Map<String, List<Ratio>> ratios = new LinkedHashMap<>();
    for (int jvm = 0; jvm < jvms; jvm++) {
      System.err.println("measuring: weft beside C, JVM " + (jvm + 1) + " of " + jvms);
      for (String line : start(yardstick, tasks, nanos)) {
        Ratio ratio = Ratio.parse(line);
        ratios.computeIfAbsent(ratio.comparison(), name -> new ArrayList<>()).add(ratio);
      }
    }
    return List.copyOf(ratios.values());
  }

  private static List<String> start(Yardstick yardstick, List<Task> tasks, long nanos)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
      if (!option.matches("-javaagent:.*|-agentlib:.*|-agentpath:.*|-Xrunjdwp.*")) {
        command.add(option);
      }
    }
    command.add("--add-modules=jdk.incubator.vector");
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("-D" + Yardstick.PROPERTY + "=" + yardstick.library());
    command.add("-D" + Yardstick.GROUPS_PROPERTY + "=" + yardstick.groups());
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(YardstickRatios.class.getName());
    command.add(Long.toString(nanos));
    tasks.forEach(task -> command.add(task.argument()));
    Process jvm = new ProcessBuilder(command).redirectError(Redirect.INHERIT).start();
    try {
      jvm.getOutputStream().close();
      String output = new String(jvm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int code = jvm.waitFor();
      if (code != 0) {
        throw new IOException("a JVM ended with exit code " + code + ", see its messages");
      }
      return output.lines().toList();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while a JVM measured", e);
    } finally {
      jvm.destroy();
    }
  }

  /**
   * Measures in this JVM and prints a line for each comparison.
   *
   * @param args nanoseconds of a contestant in a round, and tasks
   */
  public static void main(String[] args) throws Yardstick.UnavailableException {
    PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    long nanos = Long.parseLong(args[0]);
    try (Backend one = Backends.open("cpu", 1);
        Backend two = Backends.open("cpu", 2)) {
      Yardstick yardstick = Yardstick.load(one);
      for (String argument : Arrays.asList(args).subList(1, args.length)) {
        Task task = Task.parse(argument);
        for (Ratio ratio : measure(yardstick, task.threads == 1 ? one : two, task, nanos)) {
          out.println(ratio.line());
        }
      }
    }
  }

  private static List<Ratio> measure(Yardstick yardstick, Backend backend, Task task, long nanos) {
    Rounds rounds = new Rounds(nanos);
    List<Ratio> ratios = new ArrayList<>();
    List<BooleanSupplier> compiled = new ArrayList<>();
    try (Tensor tensor = backend.tensor(DType.F32, Sizes.matrix(DType.F32, task.bytes))) {
      MemorySegment memory = tensor.segment();
      for (String law : task.laws) {
        Fill fill = Distributions.named(law).plan(tensor.shape());
        double elements = tensor.shape().elements();
        DoubleSupplier c =
            () ->
                StoreRoof.bytesPerSecond(
                        memory,
                        task.threads,
                        nanos,
                        share -> yardstick.fill(law, share, KEY.seed()))
                    / Float.BYTES;
        rounds.require(() -> yardstick.requireSameBits(tensor, law, KEY));
        rounds.add(law, elements, () -> tensor.fill(fill, KEY));
        rounds.add(law + C, c);
        double best = 0;
        for (int r = 0; r < TRIES; r++) {
          best = Math.max(best, c.getAsDouble());
        }
        double least = COMPILED * best;
        compiled.add(() -> fastest(() -> tensor.fill(fill, KEY), elements) >= least);
      }
      awaitCompilation(compiled);
      rounds.run(task.rounds);
      for (String law : task.laws) {
        ratios.add(
            new Ratio(
                law,
                task.bytes,
                task.threads,
                rounds.ratio(law, law + C),
                rounds.rate(law),
                rounds.rate(law + C),
                rounds.best(law),
                rounds.best(law + C)));
      }
    }
    return ratios;
  }

  /**
   * Calls all fills until every one is compiled: on a machine that has more to do, the compiler may
   * be late by many seconds, and the rounds' own warm-up would not see it.
   */
  private static void awaitCompilation(List<BooleanSupplier> compiled) {
    long begin = System.nanoTime();
    boolean all;
    do {
      all = true;
      for (BooleanSupplier each : compiled) {
        all &= each.getAsBoolean();
      }
    } while (!all && System.nanoTime() - begin < MOST_WARM_UP_NANOS);
  }

  /** Elements per second of the fastest of some calls. */
  private static double fastest(Runnable fill, double elements) {
    long least = Long.MAX_VALUE;
    for (int r = 0; r < TRIES; r++) {
      long start = System.nanoTime();
      fill.run();
      least = Math.min(least, System.nanoTime() - start);
    }
    return elements * 1e9 / least;
  }
}
