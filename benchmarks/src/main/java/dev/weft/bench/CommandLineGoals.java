package dev.weft.bench;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;

/** Wall-clock times of the command line, JVM start included. */
final class CommandLineGoals {
  private static final int RUNS = 5;
  private static final int BIG_RUNS = 3;
  private static final long GIB = 1L << 30;

  private CommandLineGoals() {}

  /** Receives one line of the report. */
  @FunctionalInterface
  interface Rows {
    void add(String goal, String target, String measured, String met);
  }

  /**
   * The launcher {@code weft} of the checkout that these classes were built in; null if there is
   * none.
   */
  static Path findLauncher() {
    try {
      Path classes =
          Path.of(
              CommandLineGoals.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      Path launcher = classes.resolve("../../../weft").normalize();
      return Files.isRegularFile(launcher) && Files.isExecutable(launcher) ? launcher : null;
    } catch (URISyntaxException e) {
      return null;
    }
  }

  /** Runs {@code generate} for 1 KiB and for 1 GiB of f32 and reports how long they take. */
  static void measure(Path launcher, Rows rows) {
    try {
      Path directory = Files.createTempDirectory("weft-goals");
      Path file = directory.resolve("w.npy");
      try {
        String failure = generate(launcher, file, 256).failure; // builds, and fills the file cache
        if (failure != null) {
          rows.add("weft generate", "", "not measured: " + failure, "");
          return;
        }
        double start = median(RUNS, () -> generate(launcher, file, 256).seconds);
        rows.add("weft generate of 1 KiB, seconds of wall", "< 1.5", text(start), met(start < 1.5));
        double big = median(BIG_RUNS, () -> generate(launcher, file, GIB / 4).seconds);
        Path plain = directory.resolve("plain");
        double disk = median(BIG_RUNS, () -> write(plain));
        rows.add("weft generate of 1 GiB, seconds of wall", "", text(big), "");
        rows.add("plain write and sync of 1 GiB to the same disk, seconds", "", text(disk), "");
        rows.add(
            "weft generate of 1 GiB, share of start-up",
            "< 0.25",
            text(start / big),
            met(start / big < 0.25));
      } finally {
        delete(directory);
      }
    } catch (IOException e) {
      rows.add("weft generate", "", "not measured: " + e.getMessage(), "");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private record Run(double seconds, String failure) {}

  private static Run generate(Path launcher, Path file, long elements)
      throws IOException, InterruptedException {
    long start = System.nanoTime();
    Process process =
        new ProcessBuilder(
                List.of(
                    launcher.toString(),
                    "generate",
                    "--init",
                    "uniform",
                    "--shape",
                    Long.toString(elements),
                    "--seed",
                    "42",
                    "--out",
                    file.toString()))
            .redirectOutput(ProcessBuilder.Redirect.to(new File("/dev/null")))
            .start();
    String errors = new String(process.getErrorStream().readAllBytes());
    int code = process.waitFor();
    double seconds = (System.nanoTime() - start) / 1e9;
    String failure = code == 0 ? null : "exit code " + code + ": " + errors.strip();
    Files.deleteIfExists(file);
    return new Run(seconds, failure);
  }

  private static double write(Path file) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(8 << 20);
    for (int i = 0; i < buffer.capacity(); i++) {
      buffer.put(i, (byte) (i * 31 >> 3));
    }
    long start = System.nanoTime();
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      for (long done = 0; done < GIB; done += buffer.capacity()) {
        buffer.clear();
        while (buffer.hasRemaining()) {
          channel.write(buffer);
        }
      }
      channel.force(true);
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    Files.delete(file);
    return seconds;
  }

  @FunctionalInterface
  private interface Timing {
    double seconds() throws IOException, InterruptedException;
  }

  private static double median(int runs, Timing timing) throws IOException, InterruptedException {
    double[] seconds = new double[runs];
    for (int r = 0; r < runs; r++) {
      seconds[r] = timing.seconds();
    }
    return Rounds.median(seconds);
  }

  private static String text(double value) {
    return String.format(Locale.ROOT, "%.2f", value);
  }

  private static String met(boolean met) {
    return met ? "yes" : "no";
  }

  private static void delete(Path directory) throws IOException {
    try (var files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(directory);
  }
}
