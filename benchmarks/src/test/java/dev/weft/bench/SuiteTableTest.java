package dev.weft.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.compare.Measurement;
import dev.weft.compare.Results;
import dev.weft.compare.Roof;
import dev.weft.compare.Tasks;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The table on the terminal is as fair as the report's. */
class SuiteTableTest {

  private static Measurement product(String contestant, double rate) {
    boolean weft = contestant.equals("cpu");
    String benchmark = "dev.weft.bench." + (weft ? "" : "Peer") + "GemmBenchmark.call";
    Map<String, String> params =
        Map.of("mnk", "1024x1024x1024", weft ? "backend" : "library", contestant, "threads", "1");
    Tasks.Done done = Tasks.of(benchmark, params, 1).orElseThrow();
    List<double[]> samples = List.of(new double[] {rate}, new double[] {rate});
    return new Measurement(benchmark, params, done.task(), done.contestant(), "generic C", samples);
  }

  private static String rates(double roof, Measurement... all) {
    return SuiteTable.rates(
        new Results(
            "",
            "",
            "",
            Optional.empty(),
            List.of(),
            List.of(new Roof("fma", "f32", 1, 0, "GFLOP/s", roof)),
            new ArrayList<>(List.of(all)),
            List.of(),
            List.of(),
            List.of(),
            List.of()));
  }

  @Test
  void whoWasHeldBackIsMarkedAndInNoMean() {
    Measurement weft = product("cpu", 90);
    Measurement openblas = product("openblas", 100);
    Measurement blis = product("blis", 30);

    assertThat(rates(100, weft, openblas, blis))
        .contains("| BLIS †", "| OpenBLAS  ")
        .contains("| **best of all others** | **0.900×** (0 · 0 · 1), least 0.900× (gemm 1024x")
        .contains("| OpenBLAS | 0.900× (0 · 0 · 1) |", "| BLIS | held back † |")
        .contains("each of weft’s rates is of at least 2 JVMs.")
        .containsPattern("BLIS 30.0.% \\(30.0 of 100 GFLOP/s, 1 thread\\): ran generic C");
    assertThat(rates(40, product("cpu", 45), product("openblas", 50), blis)) // at its best
        .contains("| BLIS | 1.50× (1 · 0 · 0) |")
        .doesNotContain("†");
    assertThat(rates(100, weft)).doesNotContain("best of all others");
  }
}
