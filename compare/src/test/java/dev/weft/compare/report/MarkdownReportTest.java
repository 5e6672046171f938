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
  void aDocumentNeedsMarksThatAreKnown() {
    assertThatThrownBy(() -> MarkdownReport.update("none", List.of()))
        .hasMessageStartingWith("report: need a document with");
    assertThatThrownBy(() -> table("other", SampleResults.cpu("a")))
        .hasMessage("report: need headline or results, got weft report: other");
  }
}
