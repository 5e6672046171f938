package dev.weft.compare.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.compare.Results;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What stands between marks is made of the files, and nothing else is touched. */
class MarkdownReportTest {
  private static final String END = "<!-- weft report: end -->";

  private static String table(String name, Results... runs) {
    String document = "before\n<!-- weft report: " + name + " -->\n" + END + "\nafter\n";
    return MarkdownReport.update(document, List.of(runs));
  }

  @Test
  void theHeadlineCountsBothSides() {
    String text = table("headline", SampleResults.cpu("server.json"));

    assertThat(text).startsWith("before\n").endsWith(END + "\nafter\n");
    Contest.Sum mkl =
        new Contest(SampleResults.cpu("")).sum(dev.weft.compare.Suite.GEMM, "MKL").orElseThrow();
    assertThat(mkl.slower()).isPositive();
    assertThat(text)
        .contains("How many times as fast as others weft is", "**server**: Intel")
        .contains(
            "| MKL | – | "
                + Text.times(mkl.geometricMean())
                + " ("
                + mkl.faster()
                + " · "
                + mkl.same()
                + " · "
                + mkl.slower()
                + ") |");
  }

  @Test
  void resultsSayWhereAndUnderWhichRoofsAndMarkTheFastest() {
    String text = table("results", SampleResults.cpu("server.json"));

    assertThat(text)
        .contains("Xeon", "2.99 GHz measured", "multiply-adds f32, 2 threads 188 GFLOP/s")
        .contains("ND4J, uniform 64MiB; gemm 256x256x256: no native library")
        .containsPattern("\\| gemm 64x64x64 .*\\| \\*\\*19\\.0 ± \\d+ %\\*\\* \\|"); // MKL's
    for (String row : text.lines().filter(it -> it.startsWith("|")).toList()) {
      assertThat(row).endsWith("|");
    }
  }

  @Test
  void theHeadlineBeginsWithTheBestAndHasNoMeanOfWhoWasHeldBack() {
    String text =
        table("headline", SampleResults.contest("AMD EPYC", 100, "generic C"))
            .replace('\u202F', ' ');

    assertThat(text)
        .contains("AMD EPYC, 1 processor; each of weft’s rates is of at least 3 JVMs.")
        .contains("An interval includes the spread over JVMs.")
        .containsSubsequence(
            "| library | fills | matrix products | dense layers |",
            "| **best of all others** | **3.00×** (1 · 0 · 0), least 3.00× (uniform 64MiB f32, 1 thread)"
                + " | **0.669×** (1 · 0 · 2), least 0.250× (gemm 256x256x256 f32, 1 thread)"
                + " | **2.00×** (1 · 0 · 0), least 2.00× (forward relu 32x784x128 f32, 1 thread) |",
            "| TensorFlow | 3.00× (1 · 0 · 0) | – | 2.00× (1 · 0 · 0) |",
            "| MKL | 4.00× (1 · 0 · 0) | held back † | – |",
            "| OpenBLAS | – | 1.06× (1 · 1 · 1) | – |",
            "| BLIS | – | held back † | held back † |",
            "† held back, so in no mean: its best product of 1024x1024x1024 f32 is less than 0.6 of",
            "BLIS 59.0 % (59.0 of 100 GFLOP/s, 1 thread): ran generic C; MKL 50.0 %",
            "Not known whether held back, as no such product was measured beside its roof:"
                + " TensorFlow.");
  }

  @Test
  void aFileWithoutTheRoofMarksNobody() {
    Results file = SampleResults.contest("AMD EPYC", 0, "generic C");

    assertThat(table("headline", file) + table("results", file))
        .contains("beside its roof: OpenBLAS, BLIS, MKL, TensorFlow.")
        .contains("| BLIS | – | 1.01× (2 · 0 · 1) | 4.00× (2 · 0 · 0) |")
        .doesNotContain("†");
  }

  @Test
  void resultsSayWhatRanWhichVariablesWereSetAndHowFarTheBestIs() {
    String text = table("results", SampleResults.contest("AMD EPYC", 100, "generic C"));

    assertThat(text)
        .containsSubsequence(
            "* BLIS: BLIS 0.9.0; ran generic C\n",
            "* generic C: was not set; generic C\n",
            "* OPENBLAS_CORETYPE: was generic C; removed\n",
            "| task | weft / best | weft cpu | TensorFlow | MKL | of roof |", // fills
            "| task | weft / best | weft cpu | OpenBLAS | BLIS † | MKL † | of roof |",
            "| gemm 64x64x64 f32, reused, 1 thread | 0.900× | 90.0 ± 0 % |",
            "| gemm 256x256x256 f32, reused, 1 thread | 0.250× |",
            "† held back",
            "| task | weft / best | weft cpu | BLIS (products alone) † | TensorFlow | of roof |",
            "| forward relu 128x784x512 f32, reused, 1 thread | – | **40.0 ± 0 %** |",
            "| forward relu 32x784x128 f32, reused, 1 thread | 2.00× |",
            "† held back");
  }

  @Test
  void eachFileHasItsOwnMeans() {
    String text =
        table(
            "headline",
            SampleResults.cpu("wide.json"),
            SampleResults.contest("AMD EPYC", 100, "generic C"));

    assertThat(text)
        .containsOnlyOnce("How many times")
        .containsSubsequence("**wide**", "**contest**");
    assertThat(text.lines().filter(it -> it.startsWith("| library"))).hasSize(2);
  }

  @Test
  void twiceIsTheSame() {
    List<Results> runs = List.of(SampleResults.cpu("a"), SampleResults.gpu("b"));
    String once = table("results", runs.toArray(Results[]::new));

    assertThat(MarkdownReport.update(once, runs)).isEqualTo(once);
  }

  @Test
  void whatComesFromAFileIsText() {
    String text = table("results", SampleResults.of("a|b", "<script>|\n", new double[] {1, 2}));

    assertThat(text).contains("### a\\|b", "&lt;script>\\| ").doesNotContain("<script");
  }

  @Test
  void whatRanAndWhatWasSetIsText() {
    Results file = SampleResults.contest("AMD EPYC", 100, "<b>|`*a*` [x](y) \\ _z_\n" + END);

    String text = table("headline", file) + table("results", file);

    assertThat(text)
        .contains("ran &lt;b>\\|\\`\\*a\\*\\` \\[x\\](y) \\\\ \\_z\\_ &lt;!-- weft")
        .doesNotContain("<b>", "|`", " [x]");
    assertThat(text.split(END, -1)).hasSize(3);
  }

  @Test
  void aDocumentNeedsMarksThatAreKnown() {
    assertThatThrownBy(() -> MarkdownReport.update("none", List.of()))
        .hasMessageStartingWith("report: need a document with");
    assertThatThrownBy(() -> table("other", SampleResults.cpu("a")))
        .hasMessage("report: need headline or results, got weft report: other");
  }
}
