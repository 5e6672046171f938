package dev.weft.bench;

import dev.weft.internal.Decimals;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * {@code weft bench --soak MINUTES}: mixed work without pause, while what the process holds is
 * sampled; then a table of whether each of it stayed flat.
 */
final class SoakCommand {
  static final String OPTION = "--soak";

  private static final int OK = 0;
  private static final int FAILED = 1;
  private static final int USAGE = 2;
  private static final int MISMATCH = 5;
  private static final double MOST_MINUTES = 10_080; // a week

  /** Samples of a whole run; fewer in a short one, a second apart. */
  private static final int SAMPLES = 240;

  private SoakCommand() {}

  /** Runs the command; returns its exit code: 2 for usage, 5 if something grew or was wrong. */
  static int run(List<String> args, PrintStream out, PrintStream err) {
    double minutes = args.size() == 1 ? number(args.getFirst()) : Double.NaN;
    if (!(minutes > 0 && minutes <= MOST_MINUTES)) {
      err.println(
          "weft bench: --soak: need minutes above 0, at most "
              + (long) MOST_MINUTES
              + ", got "
              + String.join(" ", args));
      return USAGE;
    }
    try {
      Path directory = Files.createTempDirectory("weft-soak-");
      try {
        return run((long) (minutes * 60e9), directory, out, err);
      } finally {
        delete(directory);
      }
    } catch (IOException e) {
      err.println("weft bench: " + e.getMessage());
      return FAILED;
    }
  }

  private static double number(String text) {
    try {
      return Decimals.real(text);
    } catch (NumberFormatException e) {
      return Double.NaN;
    }
  }

  private static int run(long nanos, Path directory, PrintStream out, PrintStream err)
      throws IOException {
    long apart = Math.max(nanos / SAMPLES, 1_000_000_000L);
    List<ProcessGauges> samples = new ArrayList<>();
    long begin = System.nanoTime();
    long operations;
    try (SoakWork work = new SoakWork(directory)) {
      long next = begin;
      while (System.nanoTime() - begin < nanos) {
        work.round();
        if (System.nanoTime() - next >= 0) {
          samples.add(ProcessGauges.now(work.heldBytes()));
          next = System.nanoTime() + apart;
        }
      }
      samples.add(ProcessGauges.now(work.heldBytes()));
      operations = work.operations();
    } catch (SoakWork.WrongException e) {
      err.println("weft bench: --soak: " + e.getMessage());
      return MISMATCH;
    }
    List<Trend> trends = ProcessGauges.trends(samples);
    out.printf(
        Locale.ROOT,
        "%,d operations in %.1f minutes, %d samples%n",
        operations,
        (System.nanoTime() - begin) / 60e9,
        samples.size());
    out.print(Trend.table(trends));
    List<String> growing =
        trends.stream().filter(trend -> !trend.isFlat()).map(Trend::name).toList();
    if (!growing.isEmpty()) {
      err.println("weft bench: --soak: not flat: " + String.join(", ", growing));
      return MISMATCH;
    }
    return OK;
  }

  private static void delete(Path directory) throws IOException {
    try (var files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
