package dev.weft.compare;

import dev.weft.compare.report.HtmlReport;
import dev.weft.testkit.fuzz.Effort;
import dev.weft.testkit.fuzz.Fuzzer;
import dev.weft.testkit.fuzz.Limits;
import dev.weft.testkit.fuzz.Report;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Mutated files of results are read or refused, at a cost in proportion to their size. What is read
 * is written and read again as the same, and has a report.
 */
@Tag("fuzz")
class ResultsFuzzTest {
  /** JMH's own form. */
  private static final String JMH =
      """
      [{"benchmark": "dev.weft.bench.FillBenchmark.fill", "mode": "thrpt", "threads": 1,
        "params": {"backend": "cpu", "distribution": "uniform", "dtype": "f32", "size": "256KiB",
          "threads": "1"},
        "primaryMetric": {"score": 2.5, "scoreUnit": "ops/s", "rawData": [[2.5, 2.25], [3.0]]}}]
      """;

  /** A page has its styles and tables besides, and a chart for every operation. */
  private static final Limits LIMITS = new Limits(64 << 20, 20_000, 5_000_000_000L, 200_000);

  @Test
  void results() throws IOException {
    byte[] whole;
    try (InputStream in =
        ResultsFuzzTest.class.getResourceAsStream("fuzz/gradient-of-1e308.json")) {
      whole = in.readAllBytes();
    }
    Report report =
        Fuzzer.of("results", ResultsFuzzTest::read)
            .refusing(IOException.class, IllegalArgumentException.class)
            .within(LIMITS)
            .seed(JMH.getBytes(StandardCharsets.UTF_8))
            .seed(small())
            .seed(whole)
            .tokens(
                "\"rawData\": [[",
                "\"score\": ",
                "\"scoreUnit\": \"ms/op\"",
                "\"processors\": ",
                "\"counts\": [",
                "\"density\": [",
                "\"gradients\": [",
                "\"NaN\"",
                "\"Infinity\"",
                "\"rate\": ",
                "\"bytes\": ",
                "\"f64\"",
                "1e308",
                "5e-324",
                "-1e308",
                "0.0")
            .run(Effort.of("results", 250));
    System.out.println(report);
    report.requireBoth();
  }

  private static void read(byte[] input) throws IOException {
    Results results = ResultsFile.parse("input.json", input);
    if (Arrays.hashCode(input) % 16 == 0) { // a page takes a hundred times as long as its data
      String page = HtmlReport.of(List.of(results));
      if (!page.contains("</html>")) {
        throw new AssertionError("the report has no end");
      }
    }
    if (results.machine().isPresent()) {
      String once = write(results);
      String twice = write(readAgain(once));
      if (!twice.equals(once)) {
        throw new AssertionError("results do not read back");
      }
    }
  }

  private static String write(Results results) {
    try {
      return ResultsFile.json(results);
    } catch (RuntimeException e) {
      throw new AssertionError("results that were read cannot be written", e);
    }
  }

  private static Results readAgain(String json) {
    try {
      return ResultsFile.parse("again.json", json.getBytes(StandardCharsets.UTF_8));
    } catch (IOException | RuntimeException e) {
      throw new AssertionError("results do not read back", e);
    }
  }

  /** Every kind of entry, in few bytes. */
  private static byte[] small() {
    Machine machine =
        new Machine(
            "a cpu",
            2,
            3e9,
            List.of("avx2"),
            "32 KiB",
            1L << 30,
            List.of(),
            "an os",
            "25",
            Map.of("weft", "0"),
            0.5);
    Results results =
        new Results(
            "small.json",
            "2026-01-01T00:00:00Z",
            "weft bench",
            Optional.of(machine),
            List.of(new Setting("A", "b", "c")),
            List.of(new Roof("store", "f32", 1, 1 << 20, "GB/s", 12.5)),
            List.of(),
            List.of(new Missing("a", "b", "c")),
            List.of(new Agreement("gemm", "f32", "cpu", 3, true, 0, "")),
            List.of(
                new Drawn(
                    "uniform",
                    "[3]",
                    0,
                    1,
                    new long[] {1, 2},
                    new double[] {1, 1},
                    0.5,
                    0.08,
                    0.5,
                    1.0 / 12)),
            List.of(new Signal("he", "relu", new double[] {1, 1}, new double[] {1, 1})));
    return ResultsFile.json(results).getBytes(StandardCharsets.UTF_8);
  }
}
