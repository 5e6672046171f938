package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.compare.Technique;
import dev.weft.interop.Json;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.lang.foreign.Arena;
import java.nio.channels.Channels;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class CompareCommandTest {
  private static final Streams SILENT =
      new Streams(
          Channels.newChannel(java.io.OutputStream.nullOutputStream()),
          new PrintWriter(Writer.nullWriter()),
          false);

  @Test
  void devicesListsEveryBackend() throws Exception {
    Run run = Run.of("devices");
    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("scalar", "cpu", "available", "jdk", "memory");
    Map<?, ?> facts = (Map<?, ?>) Json.parse("stdout", Run.of("devices", "--json").out());
    assertThat((List<?>) facts.get("backends")).hasSizeGreaterThanOrEqualTo(2);
    assertThat(((Map<?, ?>) facts.get("machine")).get("jdk").toString()).startsWith("25");
  }

  @Test
  void endsWithoutAMismatch() throws Exception {
    Run text = Run.of("compare", "--smoke");
    assertThat(text.code()).as(text.err()).isZero();
    assertThat(text.out())
        .contains(
            "scalar × 1",
            "uniform",
            "equal",
            "Throughput into cache",
            "Throughput of layers",
            "Verdict: all")
        .contains("agree bit for bit");
  }

  @Test
  @Tag("slow") // the same once more; GpuProcessTest has its JSON, too
  void jsonHasEveryFigure() throws Exception {
    Run run = Run.of("compare", "--smoke", "--json");
    assertThat(run.code()).as(run.err()).isZero();
    Map<?, ?> facts = (Map<?, ?>) Json.parse("stdout", run.out());
    assertThat(facts.get("agree")).isEqualTo(true);
    assertThat((List<?>) facts.get("mismatches")).isEmpty();
    List<?> layers = (List<?>) facts.get("layers");
    assertThat(layers).hasSizeGreaterThanOrEqualTo(8);
    for (Object layer : layers) {
      assertThat(((Number) ((Map<?, ?>) layer).get("rate")).doubleValue()).isPositive();
    }
  }

  @Test
  void throughputIsPositive() {
    Throughput throughput = new Throughput(1 << 16, 1, 1, 1, 1);
    List<Technique> techniques = Technique.all((name, reason) -> {});
    try (Arena arena = Arena.ofShared()) {
      assertThat(throughput.roof(2, throughput.memory(arena))).isPositive();
      List<Double> rates = new ArrayList<>();
      Throughput.loads()
          .forEach(
              (name, load) ->
                  rates.add(
                      throughput.elementsPerSecond(
                          techniques.getFirst(), load, throughput.memory(arena))));
      assertThat(rates).allMatch(rate -> rate > 0);
    } finally {
      techniques.forEach(Technique::close);
    }
  }

  /** A pass that allocates is not compiled yet, however steady it is. */
  @Test
  void warmsUpUntilNothingIsBoxed() {
    int boxed = 30;
    int[] passes = {0};
    byte[][] sink = new byte[1][];
    AtomicLong now = new AtomicLong();
    new Throughput(1, 100_000_000, 1, 1, 1, now::get)
        .seconds(
            () -> {
              if (passes[0]++ < boxed) {
                sink[0] = new byte[1 << 20];
              }
              now.addAndGet(10_000_000);
            });
    assertThat(passes[0]).isGreaterThan(boxed);
  }

  @Test
  void progressIsShownOnATerminalAlone() {
    for (boolean terminal : new boolean[] {true, false}) {
      StringWriter err = new StringWriter();
      Streams streams =
          new Streams(
              Channels.newChannel(java.io.OutputStream.nullOutputStream()),
              new PrintWriter(err),
              terminal);
      AtomicLong now = new AtomicLong();
      try (ProgressBar bar = new ProgressBar(streams, "work", 100, now::get)) {
        bar.at(1);
        assertThat(err.toString()).isEmpty();
        now.set(320_000_000);
        bar.at(50);
      }
      if (terminal) {
        assertThat(err.toString()).contains("50 %", "====").endsWith("\r");
      } else {
        assertThat(err.toString()).isEmpty();
      }
    }
  }
}
