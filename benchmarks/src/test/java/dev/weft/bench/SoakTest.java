package dev.weft.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.testkit.Availability;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A soak works, and finds what is planted. */
class SoakTest {
  private static final int SAMPLES = 8;

  private record Outcome(int code, String out, String err) {}

  private static Outcome soak(String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        SoakCommand.run(
            List.of(args),
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));
    return new Outcome(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  @Test
  void aShortSoakWorksAndPrintsATable() {
    Outcome outcome = soak("0.001");
    // a moment is no time in which memory is flat: what the work itself found wrong, says so
    assertThat(outcome.err())
        .satisfiesAnyOf(
            err -> assertThat(err).isEmpty(), err -> assertThat(err).contains("not flat: "));
    assertThat(outcome.out())
        .contains(" operations in ", "Java heap after GC, MiB", "weft's own memory, bytes");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1", "NaN", "x", "1e9"})
  void minutesThatAreNoneAreRefused(String minutes) {
    Outcome outcome = soak(minutes);
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("--soak: need minutes above 0").contains(minutes);
    assertThat(soak().code()).isEqualTo(2);
  }

  @Test
  void steadySamplesAreFlatAndGrowingOnesAreNot() {
    double[] steady = IntStream.range(0, 100).mapToDouble(i -> 50 + i % 3).toArray();
    assertThat(new Trend("a", steady, 2).isFlat()).isTrue();
    double[] growing = IntStream.range(0, 100).mapToDouble(i -> 50 + 0.1 * i).toArray();
    assertThat(new Trend("a", growing, 2).isFlat()).isFalse();
    double[] spike = steady.clone();
    spike[99] = 1000;
    assertThat(new Trend("a", spike, 2).isFlat()).isTrue();
    double[] warm = IntStream.range(0, 100).mapToDouble(i -> i < 20 ? i : 20).toArray();
    assertThat(new Trend("a", warm, 2).isFlat()).isTrue();
    assertThat(new Trend("a", new double[] {1, 2}, 0).isFlat()).isFalse();
    assertThat(new Trend("a", new double[] {1, Double.NaN}, 5).isFlat()).isFalse();
    assertThatThrownBy(() -> new Trend("a", new double[0], 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(Trend.table(List.of(new Trend("a", growing, 2)))).contains("may grow", "NO");
  }

  @Test
  void plantedLeaksAreFound(@TempDir Path directory) throws IOException {
    boolean proc = Files.isReadable(Path.of("/proc/self/maps"));
    Availability.need("proc", proc, () -> "no /proc/self/maps");
    Path file = Files.write(directory.resolve("a"), new byte[4096]);
    List<FileChannel> open = new ArrayList<>();
    List<byte[]> heap = new ArrayList<>();
    CountDownLatch end = new CountDownLatch(1);
    List<ProcessGauges> samples = new ArrayList<>();
    try (Arena arena = Arena.ofShared()) {
      for (int sample = 0; sample < SAMPLES; sample++) {
        open.add(FileChannel.open(file));
        for (int i = 0; i < 20; i++) {
          open.getFirst().map(FileChannel.MapMode.READ_ONLY, 0, 4096, arena);
        }
        for (int i = 0; i < 2; i++) {
          Thread.ofPlatform().daemon().start(() -> await(end));
        }
        heap.add(new byte[3 << 20]);
        samples.add(ProcessGauges.now(sample));
      }
    } finally {
      end.countDown();
      for (FileChannel channel : open) {
        channel.close();
      }
    }
    List<String> growing =
        ProcessGauges.trends(samples).stream()
            .filter(trend -> !trend.isFlat())
            .map(Trend::name)
            .toList();
    assertThat(growing)
        .contains(
            "Java heap after GC, MiB",
            "weft's own memory, bytes",
            "file descriptors",
            "threads",
            "maps");
    assertThat(heap).hasSize(SAMPLES);
  }

  private static void await(CountDownLatch end) {
    try {
      end.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
