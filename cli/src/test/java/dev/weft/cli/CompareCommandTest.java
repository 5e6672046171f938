package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.interop.Json;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.channels.Channels;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
  void techniquesAgree() {
    List<Technique> techniques = Technique.all((name, reason) -> {});
    try {
      assertThat(techniques.getFirst().name()).isEqualTo("scalar × 1");
      assertThat(mismatches(techniques)).isEmpty();
    } finally {
      techniques.forEach(Technique::close);
    }
  }

  @Test
  void oneWrongBitIsFound() { // the negative control
    List<Technique> techniques = Technique.all((name, reason) -> {});
    try {
      Technique good = techniques.getFirst();
      Technique broken =
          new Technique(
              "broken",
              "broken",
              1,
              (fill, key, dtype, region, out) -> {
                good.filler().fill(fill, key, dtype, region, out);
                if (region.shape().elements() == 1000 && dtype.byteSize() == 4) {
                  long at = 4 * 617 + 1;
                  byte b = out.get(ValueLayout.JAVA_BYTE, at);
                  out.set(ValueLayout.JAVA_BYTE, at, (byte) (b ^ 0x10));
                }
              },
              good.backend(),
              () -> {});
      List<Agreement.Mismatch> found = mismatches(List.of(good, broken));
      assertThat(found).hasSize(11); // 5 streams in 2 orders and a constant, whole
      assertThat(found).allMatch(it -> it.element() == 617 && it.technique().equals("broken"));
      assertThat(found.getFirst().toString()).contains("broken differs in bits f32", "element 617");
    } finally {
      techniques.forEach(Technique::close);
    }
  }

  @Test
  void writingPastTheEndIsFound() { // the guard band sees it, and the poison what was not written
    List<Technique> techniques = Technique.all((name, reason) -> {});
    try {
      Technique good = techniques.getFirst();
      Technique lazy =
          new Technique(
              "lazy", "lazy", 1, (fill, key, dtype, region, out) -> {}, good.backend(), () -> {});
      assertThat(mismatches(List.of(good, lazy))).hasSizeGreaterThan(100);
    } finally {
      techniques.forEach(Technique::close);
    }
  }

  @Test
  void layersAgree() {
    List<Technique> techniques = Technique.all((name, reason) -> {});
    try (ProgressBar bar = new ProgressBar(SILENT, "", 1)) {
      assertThat(LayerComparison.mismatches(techniques, bar)).isEmpty();
      assertThat(LayerComparison.operations()).hasSizeGreaterThan(30).contains("training f64");
    } finally {
      techniques.forEach(Technique::close);
    }
  }

  @Test
  void oneWrongBitOfALayerIsFound() { // the negative control
    List<LayerComparison.Mismatch> found = new ArrayList<>();
    Map<String, double[]> good = Map.of("y", new double[] {1, Double.NaN, 0});
    LayerComparison.compare("dense", "same", good, Map.of("y", good.get("y").clone()), found);
    assertThat(found).isEmpty();
    Map<String, double[]> bad = Map.of("y", new double[] {1, Double.NaN, -0.0});
    LayerComparison.compare("dense", "broken", good, bad, found);
    assertThat(found).hasSize(1);
    assertThat(found.getFirst())
        .hasToString("broken differs in dense, y at element 2: expected 0.0, got -0.0");
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
    new Throughput(1, 100_000_000, 1, 1, 1)
        .seconds(
            () -> {
              if (passes[0]++ < boxed) {
                sink[0] = new byte[1 << 20];
              }
              long end = System.nanoTime() + 10_000_000;
              while (System.nanoTime() < end) {
                Thread.onSpinWait();
              }
            });
    assertThat(passes[0]).isGreaterThan(boxed);
  }

  @Test
  void progressIsShownOnATerminalAlone() throws Exception {
    for (boolean terminal : new boolean[] {true, false}) {
      StringWriter err = new StringWriter();
      Streams streams =
          new Streams(
              Channels.newChannel(java.io.OutputStream.nullOutputStream()),
              new PrintWriter(err),
              terminal);
      try (ProgressBar bar = new ProgressBar(streams, "work", 100)) {
        bar.at(1);
        assertThat(err.toString()).isEmpty();
        Thread.sleep(320);
        bar.at(50);
      }
      if (terminal) {
        assertThat(err.toString()).contains("50 %", "====").endsWith("\r");
      } else {
        assertThat(err.toString()).isEmpty();
      }
    }
  }

  private static List<Agreement.Mismatch> mismatches(List<Technique> techniques) {
    try (ProgressBar bar = new ProgressBar(SILENT, "", 1)) {
      return Agreement.of(1000).run(techniques, bar);
    }
  }
}
