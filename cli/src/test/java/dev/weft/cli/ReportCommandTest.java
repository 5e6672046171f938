package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReportCommandTest {
  @TempDir private Path directory;

  private Path file(String name, String text) throws IOException {
    return Files.writeString(directory.resolve(name), text);
  }

  private Path jmh(String name, String library, double rate) throws IOException {
    return file(
        name,
        """
        [{"benchmark": "dev.weft.bench.PeerGemmBenchmark.call", "mode": "thrpt",
          "params": {"mnk": "64x64x64", "dtype": "f32", "library": "%s", "threads": "1"},
          "primaryMetric": {"scoreUnit": "GFLOP/s", "rawData": [[%s, %s]]}}]
        """
            .formatted(library, rate, rate));
  }

  @Test
  void aPageIsMadeOfTheFiles() throws Exception {
    Path page = directory.resolve("report.html");
    Run run =
        Run.of(
            "report",
            jmh("a.json", "weft cpu", 50).toString(),
            jmh("b.json", "mkl", 125).toString(), // added to the file before it
            "--out",
            page.toString());

    assertThat(run.code()).as(run.err()).isZero();
    String text = Files.readString(page);
    assertThat(text).contains("a.json", "weft cpu", "MKL", "125").doesNotContain("b.json");
    Run piped = Run.of("report", directory.resolve("a.json").toString(), "--out", "-");
    assertThat(piped.out()).startsWith("<!DOCTYPE html>").contains("weft cpu");
  }

  @Test
  void markedTablesAreWrittenAnew() throws Exception {
    Path document =
        file(
            "d.md",
            "before\n<!-- weft report: results -->\nold\n<!-- weft report: end -->\nafter\n");

    Run run =
        Run.of(
            "report",
            jmh("a.json", "weft cpu", 50).toString(),
            jmh("b.json", "mkl", 125).toString(),
            "--markdown",
            document.toString());

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(Files.readString(document))
        .startsWith("before\n<!-- weft report: results -->\n")
        .endsWith("<!-- weft report: end -->\nafter\n")
        .contains("125 ± 0 %", "MKL")
        .doesNotContain("old");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "good.json | --out | | need a value",
        "good.json | | | --out: need a value, none given",
        "none.json | --out | x.html | RESULTS.json: need a file that exists",
        "bad.json | --out | x.html | results: need what weft bench --suite or JMH writes, got file=bad.json",
        "text.json | --out | x.html | text.json",
        "good.json | --markdown | text.json | report: need a document with",
      })
  void badInputIsOneLine(String results, String option, String value, String complaint)
      throws Exception {
    jmh("good.json", "mkl", 1);
    file("bad.json", "[{}]");
    file("text.json", "hello");
    var args = new java.util.ArrayList<String>();
    args.add("report");
    args.add(directory.resolve(results).toString());
    if (option != null) {
      args.add(option);
    }
    if (value != null) {
      args.add(directory.resolve(value).toString());
    }

    Run run = Run.of(args.toArray(String[]::new));

    assertThat(run.code()).isIn(1, 2);
    assertThat(run.err().strip().lines()).hasSize(1);
    assertThat(run.err()).contains(complaint);
    assertThat(directory.resolve("x.html")).doesNotExist();
  }
}
