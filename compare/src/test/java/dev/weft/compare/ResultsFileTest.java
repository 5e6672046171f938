package dev.weft.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.interop.FormatException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files say what was measured, and give it back; those of JMH alone mean the same. */
class ResultsFileTest {
  private static final String GEMM = "dev.weft.bench.GemmBenchmark.gemm";

  private static Results results() {
    Map<String, String> params =
        Map.of("mnk", "64x32x16", "dtype", "f32", "backend", "cpu", "threads", "0");
    Tasks.Done done = Tasks.of(GEMM, params, 2).orElseThrow();
    return new Results(
        "r.json",
        "2026-11-27T12:00:00Z",
        "bench --suite gemm",
        Optional.of(
            new Machine(
                "A \"CPU\"",
                2,
                Double.NaN,
                List.of("avx2"),
                "L1 data 48K",
                1L << 40,
                List.of(),
                "Linux",
                "25",
                Map.of("MKL", "2025.3"),
                0.25)),
        List.of(
            new Setting("OPENBLAS_CORETYPE", "Haswell", "removed"),
            new Setting("BLIS_ARCH_TYPE", "", "set to 0: skx, by the processor's features")),
        List.of(new Roof("fma", "f32", 2, 0, "GFLOP/s", 225.5)),
        List.of(
            new Measurement(
                GEMM,
                params,
                done.task(),
                done.contestant(),
                "512-bit vectors",
                List.of(new double[] {1, 2}, new double[] {3}))),
        List.of(new Missing("ND4J", "gemm 64x32x16", "no library")),
        List.of(
            new Agreement("gemm", "f32", "gpu", 7, false, 0.125, ""),
            new Agreement("bits", "f64", "gpu", 7, false, Double.POSITIVE_INFINITY, "element 3")),
        List.of(
            new Drawn(
                "uniform",
                "[4]",
                0,
                1,
                new long[] {1, 3},
                new double[] {1, 1, 1},
                0.5,
                0.1,
                0.5,
                Double.NaN)),
        List.of(new Signal("he_normal", "relu", new double[] {1, 0.9}, new double[] {1.1, 1})));
  }

  @Test
  void whatIsWrittenIsRead() throws FormatException {
    String json = ResultsFile.json(results());

    Results read = ResultsFile.parse("r.json", json.getBytes(StandardCharsets.UTF_8));

    assertThat(ResultsFile.json(read)).isEqualTo(json);
    assertThat(read.machine()).isEqualTo(results().machine());
    assertThat(read.environment()).hasSize(2).isEqualTo(results().environment());
    assertThat(read.roofs()).isEqualTo(results().roofs());
    assertThat(read.missing()).isEqualTo(results().missing());
    assertThat(read.agreements()).isEqualTo(results().agreements());
    assertThat(read.drawn())
        .usingRecursiveComparison()
        .withEqualsForType((a, b) -> Double.compare(a, b) == 0, Double.class)
        .isEqualTo(results().drawn());
    assertThat(read.signals()).usingRecursiveComparison().isEqualTo(results().signals());
    assertThat(read.measurements()).usingRecursiveComparison().isEqualTo(results().measurements());
    assertThat(read.measurements().getFirst().ran()).isEqualTo("512-bit vectors");
    assertThat(read.measurements().getFirst().jvms()).isEqualTo(2);
    Task task = read.measurements().getFirst().task();
    assertThat(task.threads()).isEqualTo(2); // 0: one for each of the file's processors
    assertThat(read.roof(task))
        .hasValueSatisfying(roof -> assertThat(roof.rate()).isEqualTo(225.5));
  }

  @ParameterizedTest
  @CsvSource({
    "ops/s, 2000, 0.131072", // 2·64·32·16 flop each
    "ms/op, 0.5, 0.131072",
    "GFLOP/s, 7, 7",
    "TFLOP/s, 7, 7000"
  })
  void filesOfJmhAreRead(String unit, double raw, double rate) throws FormatException {
    String json =
        """
        [{"benchmark": "dev.weft.bench.PeerGemmBenchmark.call", "mode": "thrpt",
          "params": {"mnk": "64x32x16", "dtype": "f32", "library": "mkl", "threads": "1"},
          "primaryMetric": {"score": 1, "scoreError": "NaN", "scoreUnit": "%s", "rawData": [[%s]]}},
         {"benchmark": "dev.weft.bench.LossBenchmark.loss",
          "primaryMetric": {"scoreUnit": "ops/s", "rawData": [[1]]}}]
        """
            .formatted(unit, raw);

    Results read = ResultsFile.parse("jmh.json", json.getBytes(StandardCharsets.UTF_8));

    assertThat(read.machine()).isEmpty();
    assertThat(read.measurements()).hasSize(1);
    Measurement only = read.measurements().getFirst();
    assertThat(only.contestant()).isEqualTo("MKL");
    assertThat(only.byWeft()).isFalse();
    assertThat(only.ran()).isEmpty();
    assertThat(read.environment()).isEmpty();
    assertThat(only.rate()).isCloseTo(rate, within(1e-12 * rate));
    assertThat(only.task()).hasToString("gemm 64x32x16 f32, reused, 1 thread");
    assertThat(read.missing()).hasSize(1); // what no chart shows is not dropped
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "7",
        "[7]",
        "[{}]",
        "{\"format\": \"weft-results/2\"}",
        "{\"format\": \"weft-results/1\"}",
        "[{\"benchmark\": \"a.GemmBenchmark.gemm\", \"primaryMetric\": {\"rawData\": [[1]]}}]",
        "[{\"benchmark\": \"a.OrthogonalBenchmark.b\", \"params\": {\"n\": \"8\", \"threads\": \"1\","
            + " \"backend\": \"cpu\"}, \"primaryMetric\": {\"scoreUnit\": \"ops/s\","
            + " \"rawData\": [[0]]}}]",
        "[{\"benchmark\": \"a.OrthogonalBenchmark.b\", \"params\": {\"n\": \"8\", \"threads\": \"1\","
            + " \"backend\": \"cpu\"}, \"primaryMetric\": {\"scoreUnit\": \"bananas\","
            + " \"rawData\": [[1]]}}]",
        "[{\"benchmark\": \"a.OrthogonalBenchmark.b\", \"params\": {\"n\": \"x\", \"threads\": \"1\","
            + " \"backend\": \"cpu\"}, \"primaryMetric\": {\"scoreUnit\": \"ops/s\","
            + " \"rawData\": [[1]]}}]",
        "[{\"benchmark\": \"a.OrthogonalBenchmark.b\", \"params\": {\"n\": \"8\", \"threads\": \"1\","
            + " \"backend\": \"cpu\"}, \"primaryMetric\": {\"scoreUnit\": \"ops/s\","
            + " \"rawData\": []}}]"
      })
  void anotherFormIsRefusedWithTheFilesName(String json) {
    assertThatThrownBy(() -> ResultsFile.parse("bad.json", json.getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("results: need what weft bench --suite or JMH writes")
        .hasMessageContaining("file=bad.json");
  }

  @Test
  void textThatIsNoJsonIsRefused() {
    assertThatThrownBy(() -> ResultsFile.parse("bad.json", new byte[] {'['}))
        .isInstanceOf(FormatException.class);
  }
}
