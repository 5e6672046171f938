package dev.weft.compare.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.compare.Measurement;
import dev.weft.compare.Results;
import dev.weft.compare.Roof;
import dev.weft.compare.Suite;
import dev.weft.compare.Tasks;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Means are of libraries that were at their best; the best of a task is the fastest, whoever. */
class ContestTest {
  private static final double TINY = 1e-12;
  private static final Results FILE = SampleResults.contest("AMD EPYC", 100, "generic C");

  private static Contest.Sum best(Contest contest, Suite suite) {
    return Contest.sum(contest.best(suite)).orElseThrow();
  }

  @Test
  void whoStaysFarBelowTheRoofWasHeldBackAndTheReasonIsTold() {
    assertThat(HeldBack.in(FILE)) // OpenBLAS is at 0.6, which is enough
        .extracting(HeldBack::toString)
        .map(it -> it.replace('\u202F', ' '))
        .containsExactly(
            "BLIS 59.0 % (59.0 of 100 GFLOP/s, 1 thread): ran generic C",
            "MKL 50.0 % (50.0 of 100 GFLOP/s, 1 thread): MKL runs 256-bit code on AMD processors");
    assertThat(HeldBack.unknown(FILE)).containsExactly("TensorFlow");

    assertThat(HeldBack.in(SampleResults.contest("Intel Xeon", 100, "")))
        .extracting(HeldBack::reason)
        .containsExactly("", "");
    assertThat(HeldBack.in(SampleResults.contest("AMD EPYC", 101, "")))
        .extracting(HeldBack::library)
        .containsExactly("OpenBLAS", "BLIS", "MKL");
  }

  /** Other work lowered the roof to 70, and weft's product of twice 80 shows it. */
  @Test
  void aRoofBelowAProductIsNoLimit() {
    Results low = SampleResults.contest("AMD EPYC", 70, "");
    assertThat(HeldBack.in(low)).isEmpty();
    List<Measurement> all =
        low.measurements().stream()
            .map(it -> it.byWeft() && it.task().size().startsWith("1024x") ? twice(it) : it)
            .toList();
    Results refuted = with(low, low.roofs(), all);

    assertThat(HeldBack.in(refuted))
        .extracting(HeldBack::library)
        .containsExactly("OpenBLAS", "BLIS", "MKL");
    assertThat(HeldBack.in(refuted).getFirst().toString().replace('\u202F', ' '))
        .isEqualTo("OpenBLAS 37.5 % (60.0 of 160 GFLOP/s, 1 thread)");
  }

  /** OpenBLAS reaches 60 on one thread. Two of its threads have to reach more. */
  @Test
  void whoIsNoFasterOnMoreThreadsWasHeldBack() {
    assertThat(HeldBack.in(onTwoThreads(60)))
        .extracting(HeldBack::toString)
        .map(it -> it.replace('\u202F', ' '))
        .first()
        .isEqualTo(
            "OpenBLAS 30.0 % (60.0 of 200 GFLOP/s, 2 threads): no faster than on one thread");
    assertThat(HeldBack.in(onTwoThreads(61)))
        .extracting(HeldBack::library)
        .containsExactly("BLIS", "MKL");
  }

  private static Results onTwoThreads(double rate) {
    Map<String, String> params =
        Map.of("mnk", "1024x1024x1024", "library", "openblas", "dtype", "f32", "threads", "2");
    String benchmark = "dev.weft.bench.PeerGemmBenchmark.call";
    Tasks.Done done = Tasks.of(benchmark, params, 1).orElseThrow();
    List<Measurement> all = new ArrayList<>(FILE.measurements());
    all.add(
        new Measurement(
            benchmark, params, done.task(), done.contestant(), "", List.of(new double[] {rate})));
    List<Roof> roofs = new ArrayList<>(FILE.roofs());
    roofs.add(new Roof("fma", "f32", 2, 0, "GFLOP/s", 200));
    return with(FILE, roofs, all);
  }

  private static Results with(Results file, List<Roof> roofs, List<Measurement> all) {
    return new Results(
        file.name(),
        file.created(),
        file.command(),
        file.machine(),
        file.environment(),
        roofs,
        all,
        file.missing(),
        file.agreements(),
        file.drawn(),
        file.signals());
  }

  private static Measurement twice(Measurement it) {
    List<double[]> samples =
        it.samples().stream()
            .map(fork -> Arrays.stream(fork).map(rate -> 2 * rate).toArray())
            .toList();
    return new Measurement(
        it.benchmark(), it.params(), it.task(), it.contestant(), it.ran(), samples);
  }

  @Test
  void whoWasHeldBackIsInNoMean() {
    Contest contest = new Contest(FILE);

    assertThat(contest.sum(Suite.GEMM, "BLIS")).isEmpty();
    assertThat(contest.sum(Suite.DENSE, "BLIS")).isEmpty(); // whose products alone were timed
    assertThat(contest.sum(Suite.GEMM, "MKL")).isEmpty();
    Contest.Sum openblas = contest.sum(Suite.GEMM, "OpenBLAS").orElseThrow();
    assertThat(openblas.geometricMean()).isCloseTo(Math.cbrt(0.9 * 80 / 60 * 1), within(TINY));
    assertThat(openblas.faster()).isEqualTo(1);
    assertThat(openblas.same()).isEqualTo(1);
    assertThat(openblas.slower()).isEqualTo(1);
    assertThat(contest.sum(Suite.FILL, "MKL").orElseThrow().geometricMean())
        .as("a fill is not made of products")
        .isCloseTo(4, within(TINY));
    assertThat(contest.fairPairs()).hasSize(3 + 1 + 2);
    assertThat(contest.pairs()).hasSize(7 + 3 + 2);
    assertThat(contest.jvms()).isEqualTo(3);
  }

  @Test
  void theBestOfATaskIsTheFastestOtherWhoeverItIs() {
    Contest contest = new Contest(FILE);

    Contest.Sum products = best(contest, Suite.GEMM);
    assertThat(products.geometricMean()) // 50 / 200: BLIS was held back, and faster all the same
        .isCloseTo(Math.cbrt(0.9 * 80 / 60 * 0.25), within(TINY));
    assertThat(products.least().weft().task().size()).isEqualTo("256x256x256");
    assertThat(products.least().ratio()).isEqualTo(0.25);
    assertThat(products.tasks()).isEqualTo(3);
    Contest.Sum layers = best(contest, Suite.DENSE);
    assertThat(layers.tasks()).as("one had BLIS alone, which was held back").isEqualTo(1);
    assertThat(layers.geometricMean()).isCloseTo(2, within(TINY));
    assertThat(best(contest, Suite.FILL).geometricMean()).isCloseTo(3, within(TINY));
  }

  /** If the libraries were counted, the means would be others. */
  @Test
  void withoutTheRoofNothingIsKnownAndAllAreCounted() {
    Results file = SampleResults.contest("AMD EPYC", 0, "generic C");
    Contest contest = new Contest(file);

    assertThat(HeldBack.in(file)).isEmpty();
    assertThat(HeldBack.unknown(file)).containsExactly("OpenBLAS", "BLIS", "MKL", "TensorFlow");
    assertThat(contest.sum(Suite.GEMM, "BLIS").orElseThrow().geometricMean())
        .isCloseTo(Math.cbrt(3 * 80 / 59.0 * 0.25), within(TINY));
    Contest.Sum layers = best(contest, Suite.DENSE);
    assertThat(layers.tasks()).isEqualTo(2);
    assertThat(layers.geometricMean()).isCloseTo(Math.sqrt(4 * 2), within(TINY));
    assertThat(contest.fairPairs()).hasSize(12);
  }

  @Test
  void aLibraryIsListedWithItsVersionAndWhatRan() {
    assertThat(new Contest(FILE).libraries())
        .containsExactly(java.util.Map.entry("BLIS", "BLIS 0.9.0; ran generic C"));
  }
}
