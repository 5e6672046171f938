package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Weft;
import dev.weft.interop.Json;
import java.io.IOException;
import java.io.Writer;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code weft plan}, and what generate and train make of its figures. */
class PlanCommandTest {
  @TempDir static Path shared;
  private static Path file;
  private static final String BEFORE = System.getProperty(Weft.CALIBRATION_PROPERTY);
  private static final String BACKEND = System.clearProperty(Weft.BACKEND_PROPERTY);

  @TempDir Path directory;

  @BeforeAll
  static void noFigures() {
    file = shared.resolve("measured.properties");
    System.setProperty(Weft.CALIBRATION_PROPERTY, file.toString());
  }

  @AfterEach
  void noFiguresAgain() {
    System.setProperty(Weft.CALIBRATION_PROPERTY, file.toString());
  }

  @AfterAll
  static void restore() {
    System.setProperty(Weft.CALIBRATION_PROPERTY, BEFORE == null ? "off" : BEFORE);
    if (BACKEND != null) {
      System.setProperty(Weft.BACKEND_PROPERTY, BACKEND);
    }
  }

  @Test
  @Tag("slow") // measures this machine
  void firstCallMeasuresAndOthersFindIt() {
    Run first = Run.of("plan");
    assertThat(first.code()).as(first.err()).isZero();
    assertThat(first.err()).startsWith("weft plan: measuring each backend for some seconds\n");
    assertThat(first.out())
        .contains("calibration of ", "gemm f32 [1024, 1024]·[1024, 1024]", "chosen", "resident");
    if (first.out().contains("contradicts itself")) { // this machine was busy
      assertThat(first.out())
          .contains("is not kept and is measured again later", "calibrate: need ");
      assertThat(file).doesNotExist();
      return;
    }
    Run second = Run.of("plan");
    assertThat(second.err()).isEmpty();
    assertThat(second.out()).isEqualTo(first.out());
  }

  @Test
  void jsonHasEveryEstimate() throws IOException {
    useFigures("cpu");
    Run run = Run.of("plan", "--json");
    assertThat(run.code()).isZero();
    Map<?, ?> facts = (Map<?, ?>) Json.parse("stdout", run.out());
    List<?> backends = (List<?>) facts.get("backends");
    assertThat(backends.contains("cpu") && backends.contains("scalar")).isTrue();
    List<?> plans = (List<?>) facts.get("plans");
    assertThat(plans).isNotEmpty();
    assertThat(facts.get("contradictions")).isInstanceOf(List.class);
    for (Object each : plans) {
      Map<?, ?> plan = (Map<?, ?>) each;
      assertThat(backends.contains(plan.get("chosen"))).isTrue();
      List<?> estimates = (List<?>) plan.get("estimates");
      assertThat(estimates).hasSameSizeAs(backends);
      for (Object estimate : estimates) {
        assertThat((Double) ((Map<?, ?>) estimate).get("resident_seconds")).isPositive();
      }
    }
  }

  /** The bytes are the same, a line says what was chosen, and a name is not overruled. */
  @Test
  void generateTakesWhatIsFastest() throws IOException {
    Run ranked = generate();
    useFigures("scalar");
    Run chosen = generate();
    assertThat(chosen.code()).isZero();
    assertThat(chosen.err())
        .matches(
            "weft generate: --backend auto takes scalar by the calibration of \\S+Z:"
                + " scalar .*, cpu .*\n");
    assertThat(chosen.bytes()).isEqualTo(ranked.bytes());
    assertThat(generate("--backend", "auto").err()).isEqualTo(chosen.err());
    assertThat(generate("--backend", "cpu").err()).isEmpty();
    assertThat(generate("--threads", "1").err()).isEmpty(); // of which nothing was measured
    System.setProperty(Weft.BACKEND_PROPERTY, "cpu");
    try {
      assertThat(generate().err()).isEmpty();
    } finally {
      System.clearProperty(Weft.BACKEND_PROPERTY);
    }
  }

  @Test
  void generateIsQuietWhereTheRankIsRight() throws IOException {
    useFigures("cpu");
    assertThat(generate().err()).isEmpty();
    System.setProperty(Weft.CALIBRATION_PROPERTY, directory.resolve("none").toString());
    assertThat(generate().err()).isEmpty();
    assertThat(directory.resolve("none")).doesNotExist(); // nothing is measured unasked
  }

  @Test
  void trainTakesWhatIsFastest() throws IOException {
    useFigures("scalar");
    String data = TrainCommandTest.DIGITS.toString();
    Run run = Run.of("train", "--data", data, "--epochs", "1", "--json");
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.err().lines().findFirst().orElseThrow())
        .startsWith("weft train: --backend auto takes scalar by the calibration of ");
    Map<?, ?> facts = (Map<?, ?>) Json.parse("stdout", run.out());
    assertThat(facts.get("backend")).isEqualTo("scalar");
    Run named = Run.of("train", "--data", data, "--epochs", "1", "--json", "--backend", "cpu");
    assertThat(named.err().lines()).hasSize(1);
    Map<?, ?> others = (Map<?, ?>) Json.parse("stdout", named.out());
    assertThat(others.get("backend")).isEqualTo("cpu");
    assertThat(others.get("loss")).isEqualTo(facts.get("loss"));
  }

  private static Run generate(String... more) {
    List<String> line =
        new ArrayList<>(
            List.of("generate", "--init", "normal", "--shape", "1000000", "--out", "-"));
    line.addAll(List.of(more));
    return Run.of(line.toArray(String[]::new));
  }

  /** No choice follows from figures that cannot be, and there are none then. */
  @Test
  void figuresThatContradictThemselvesAreLeftOut() throws IOException {
    useFigures("scalar");
    Path edited = directory.resolve("edited.properties");
    Files.writeString(
        edited,
        Files.readString(edited)
            .replaceAll("(?m)^cpu.gemm_f32=.*$", "cpu.gemm_f32=1e-6 336e-12")
            .replaceAll("(?m)^scalar.gemm_f32=.*$", "scalar.gemm_f32=1e-6 161e-12"));
    assertThat(generate().err()).isEmpty(); // by rank
    assertThat(Weft.calibration()).isEmpty();
  }

  /**
   * Figures in which an element takes next to nothing, and an operation 9 µs, but on {@code fast}
   * nothing either: no rule is broken, and many operations are more than a tie.
   */
  private void useFigures(String fast) throws IOException {
    Properties figures = new Properties();
    figures.setProperty("key", key());
    figures.setProperty("made", "2026-01-02T03:04:05Z");
    figures.setProperty("seconds", "1");
    figures.setProperty("backends", "cpu scalar");
    for (String backend : List.of("cpu", "scalar")) {
      figures.setProperty(backend + ".host", "true");
      figures.setProperty(backend + ".limit_bytes", "1073741824");
      for (String cost :
          List.of("synchronize", "uniform", "normal", "gemm_f32", "gemm_f64", "pass", "update")) {
        figures.setProperty(
            backend + "." + cost, (backend.equals(fast) ? "1e-9" : "9e-6") + " 1e-15");
      }
      figures.setProperty(backend + ".store", "9e-6 1e-16");
    }
    Path edited = directory.resolve("edited.properties");
    try (Writer writer = Files.newBufferedWriter(edited)) {
      figures.store(writer, null);
    }
    System.setProperty(Weft.CALIBRATION_PROPERTY, edited.toString());
  }

  /** What a calibration of this machine is valid for: no part of the public API. */
  private static String key() {
    try {
      Method candidates = Weft.class.getDeclaredMethod("candidates");
      candidates.setAccessible(true);
      Method key = Class.forName("dev.weft.Calibrations").getDeclaredMethod("key", List.class);
      key.setAccessible(true);
      return (String) key.invoke(null, candidates.invoke(null));
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }
}
