package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weft.testkit.Availability;
import dev.weft.testkit.Patience;
import dev.weft.testkit.Programs;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What only a process of its own can show: pipes, signals, start-up, memory. */
class ProcessTest {
  /** The heap is small throughout: no command may hold a tensor in it. */
  private static final String HEAP = "-Xmx48m";

  @TempDir Path directory;

  /** The best of some, each by the time that a second of work takes while it runs. */
  @Test
  void smallTensorTakesOneAndAHalfSecondsAtMost() throws Exception {
    Path file = directory.resolve("w.npy");
    long best = Long.MAX_VALUE;
    for (int i = 0; i < 5 && best > 1_500_000_000L; i++) {
      double stretch = Patience.stretch();
      long begin = System.nanoTime();
      Process weft =
          start(
              Redirect.DISCARD,
              "generate",
              "--init",
              "uniform",
              "--shape",
              "256",
              "--out",
              file.toString());
      assertThat(weft.waitFor()).as(err(weft)).isZero();
      long nanos = System.nanoTime() - begin;
      best = Math.min(best, (long) (nanos / Math.max(stretch, Patience.stretch())));
    }
    assertThat(Duration.ofNanos(best)).isLessThan(Duration.ofMillis(1500));
    assertThat(Files.size(file)).isEqualTo(128 + 1024);
  }

  @Test
  void badUsageHasItsCodeAndItsLine() throws Exception {
    Process weft = start(Redirect.PIPE, "generate", "--init", "uniform", "--shape", "3,x");
    String err = err(weft);
    assertThat(weft.waitFor()).isEqualTo(Exit.USAGE);
    assertThat(err)
        .isEqualTo(
            "weft generate: --shape: need decimal numbers separated by commas, got shape=3,x");
    assertThat(weft.getInputStream().readAllBytes()).isEmpty();
  }

  @Test
  void readerThatGoesAwayEndsItQuietly() throws Exception {
    Process weft =
        start(Redirect.PIPE, "generate", "--init", "bits", "--shape", "9000000000", "--out", "-");
    try (InputStream out = weft.getInputStream()) {
      assertThat(out.readNBytes(20)).hasSize(20);
    }
    String err = err(weft);
    assertThat(weft.waitFor()).as(err).isZero();
    assertThat(err).isEmpty();
  }

  @Test
  void textForAReaderThatWentAwayEndsItQuietly() throws Exception {
    Process weft = start(Redirect.PIPE, "devices");
    weft.getInputStream().close();
    String err = err(weft);
    assertThat(weft.waitFor()).as(err).isZero();
    assertThat(err).isEmpty();
  }

  @Test
  void fullDeviceIsALine() throws Exception {
    Path full = Path.of("/dev/full");
    Availability.need("full", Files.exists(full), () -> "no /dev/full");
    for (String[] command :
        new String[][] {
          {"generate", "--init", "bits", "--shape", "100000", "--out", "-"}, {"devices"}, {"--help"}
        }) {
      Process weft = start(Redirect.to(full.toFile()), command);
      String err = err(weft);
      assertThat(weft.waitFor()).as(err).isEqualTo(Exit.FAILED);
      assertThat(err).contains("standard output: ").doesNotContain("Exception");
      assertThat(err.lines()).hasSize(1);
    }
  }

  @Test
  void streamNeedsNoMemoryOfItsSize() throws Exception {
    Process weft =
        start(Redirect.PIPE, "generate", "--init", "bits", "--shape", "100000000", "--out", "-");
    long bytes = 0;
    byte[] buffer = new byte[1 << 16];
    try (InputStream out = weft.getInputStream()) {
      for (int n = out.read(buffer); n >= 0; n = out.read(buffer)) {
        bytes += n;
      }
    }
    assertThat(weft.waitFor()).as(err(weft)).isZero();
    assertThat(bytes).isEqualTo(400_000_000);
  }

  @Test
  void interruptLeavesNoFile() throws Exception {
    assumeTrue(!System.getProperty("os.name").startsWith("Windows"), "needs signals");
    assumeTrue(!ignoresInterrupts(), "this process ignores SIGINT, and so would its child");
    long free = Files.getFileStore(directory).getUsableSpace();
    assumeTrue(free > 3L << 30, () -> "needs 3 GiB for temporary files, got bytes=" + free);
    Path file = directory.resolve("w.bin");
    Process weft =
        start(
            Redirect.DISCARD,
            "generate",
            "--init",
            "normal",
            "--shape",
            "500000000",
            "--out",
            file.toString());
    for (int i = 0; files().size() < 2 && weft.isAlive() && i < 6000; i++) {
      Thread.sleep(10);
    }
    assertThat(files()).as("the temporary file and the lock").hasSize(2);
    Thread.sleep(100);
    Programs.Result kill = Programs.run(List.of("sh", "-c", "kill -INT " + weft.pid()));
    assertThat(kill.ok()).as(kill.output()).isTrue();
    assertThat(weft.waitFor(5, TimeUnit.MINUTES)).isTrue();
    assertThat(weft.exitValue()).isEqualTo(130);
    assertThat(files()).isEmpty();
  }

  @Test
  void heapThatIsTooSmallIsOutOfMemory() throws Exception {
    StringBuilder deep = new StringBuilder("{\"name\": \"m\", \"tensors\": [");
    for (int i = 0; i < 600_000; i++) {
      deep.append(i == 0 ? "" : ",")
          .append("{\"name\": \"")
          .append(i)
          .append("\", \"shape\": [1,2],");
      deep.append(" \"init\": \"zeros\"}");
    }
    Path manifest = directory.resolve("large.json");
    Files.writeString(manifest, deep.append("]}"));
    Process weft =
        start(
            Redirect.DISCARD, "model", manifest.toString(), "--out", directory + "/m.safetensors");
    String err = err(weft);
    assertThat(weft.waitFor()).as(err).isEqualTo(Exit.MEMORY);
    assertThat(err).startsWith("weft model: out of memory");
    assertThat(files()).containsExactly("large.json");
  }

  /** As a job in the background of a shell without job control does; known on Linux alone. */
  private static boolean ignoresInterrupts() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.isReadable(status)) {
      return false;
    }
    return Files.readAllLines(status).stream()
        .filter(line -> line.startsWith("SigIgn:"))
        .anyMatch(line -> (Long.parseUnsignedLong(line.substring(7).strip(), 16) & 2) != 0);
  }

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  private static Process start(Redirect out, String... args) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.addAll(List.of(HEAP, "-XX:+UseSerialGC", "--add-modules", "jdk.incubator.vector"));
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "--class-path"));
    command.add(System.getProperty("java.class.path"));
    command.add("-Dweft.calibration=off");
    command.add("dev.weft.cli.Main");
    command.addAll(List.of(args));
    ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(out);
    builder.environment().remove("WEFT_BACKEND");
    return builder.start();
  }

  /** Standard error until its end, without the lines that the JVM itself writes. */
  private static String err(Process process) throws IOException {
    String text = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    return Programs.withoutJvmNotes(text)
        .lines()
        .filter(line -> !line.startsWith("WARNING: Using incubator modules"))
        .filter(line -> !line.contains("cpu runs scalar"))
        .collect(Collectors.joining("\n"));
  }
}
