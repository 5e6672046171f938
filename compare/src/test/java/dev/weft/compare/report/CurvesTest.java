package dev.weft.compare.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.compare.Measurement;
import dev.weft.compare.Suite;
import dev.weft.compare.Task;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Where curves over sizes cross, and which sizes are on one axis. */
class CurvesTest {
  private static Curves curve(int threads, double... sizesAndRates) {
    List<Measurement> points = new ArrayList<>();
    for (int i = 0; i < sizesAndRates.length; i += 2) {
      double bytes = sizesAndRates[i];
      Task task =
          new Task(
              Suite.FILL,
              "uniform",
              bytes + "B",
              "f32",
              threads == 0 ? "resident" : "reused",
              threads,
              0,
              bytes,
              bytes / 4);
      points.add(
          new Measurement(
              "b",
              Map.of(),
              task,
              threads == 0 ? "weft gpu" : "weft cpu",
              "",
              List.of(new double[] {sizesAndRates[i + 1]})));
    }
    return new Curves(points.getFirst().contestant(), "", points);
  }

  private static Curves.Crossover crossover(Curves... curves) {
    List<Curves.Crossover> all = Curves.crossovers(List.of(curves));
    assertThat(all).hasSize(1);
    return all.getFirst();
  }

  /** From 1/4 of the rate to 4 times of it over a factor of 100 in size: half way, at 10 times. */
  @Test
  void linesCrossBetweenThePoints() {
    Curves host = curve(2, 1000, 8, 10_000, 8, 100_000, 8);
    Curves device = curve(0, 1000, 2, 100_000, 32);

    Curves.Crossover at = crossover(host, device);

    assertThat(at.size().orElseThrow()).isCloseTo(10_000, within(1e-6));
    assertThat(at.words(Text::bytes)).startsWith("GPU, resident: faster than the host from 9.77");
  }

  @Test
  void theBestOfTheHostCounts() {
    Curves slow = curve(1, 1000, 1, 100_000, 1);
    Curves host = curve(2, 1000, 8, 100_000, 8);
    Curves device = curve(0, 1000, 2, 100_000, 32);

    assertThat(crossover(slow, host, device).size().orElseThrow()).isCloseTo(10_000, within(1e-6));
  }

  @Test
  void withoutACrossingTheOneThatIsAheadIsTold() {
    Curves host = curve(2, 1000, 8, 100_000, 8);

    assertThat(crossover(host, curve(0, 1000, 9, 100_000, 10)).words(Text::bytes))
        .contains("faster than the host at every size");
    assertThat(crossover(host, curve(0, 1000, 2, 100_000, 3)).words(Text::bytes))
        .contains("slower than the host at every size");
    assertThat(Curves.crossovers(List.of(host))).isEmpty();
  }

  /** Sizes that only one of them has say nothing. */
  @Test
  void sizesApartDoNotCross() {
    Curves host = curve(2, 1000, 8, 2000, 8, 4000, 8);
    Curves device = curve(0, 10_000, 2, 20_000, 32);

    assertThat(Curves.crossovers(List.of(host, device))).isEmpty();
  }

  @Test
  void onlySquareProductsAreOnOneAxis() {
    Map<String, List<Curves>> curves = Curves.of(SampleResults.gpu("a"), Suite.GEMM);

    assertThat(curves).containsOnlyKeys("gemm f32, 2 threads"); // three sizes or more
    assertThat(curves.get("gemm f32, 2 threads"))
        .extracting(Curves::name)
        .contains("weft cpu", "weft gpu", "MKL")
        .doesNotContain("weft scalar");
    assertThat(curves.get("gemm f32, 2 threads").getFirst().sizes())
        .containsExactly(64, 256, 1024, 2048);
  }
}
