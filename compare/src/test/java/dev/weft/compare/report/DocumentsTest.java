package dev.weft.compare.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.compare.Results;
import dev.weft.compare.ResultsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The tables of the documents are those of the committed results, and of nothing else. */
class DocumentsTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();

  private static List<Results> committed() throws IOException {
    List<Results> runs = new ArrayList<>();
    try (Stream<Path> files = Files.list(ROOT.resolve("baselines"))) {
      for (Path file : files.filter(it -> it.toString().endsWith(".json")).sorted().toList()) {
        runs.add(ResultsFile.read(file));
      }
    }
    return runs;
  }

  @ParameterizedTest
  @ValueSource(strings = {"README.md", "docs/performance.md"})
  void tablesAreThoseOfTheCommittedResults(String document) throws IOException {
    String text = Files.readString(ROOT.resolve(document));

    assertThat(MarkdownReport.update(text, committed()))
        .as("./weft report --markdown %s baselines/*.json", document)
        .isEqualTo(text);
  }

  /** The interval, the rate and the machine are there to be compared with, by --against. */
  @Test
  void committedResultsSayAllThatALaterRunNeeds() throws IOException {
    assertThat(committed())
        .isNotEmpty()
        .allSatisfy(
            run -> {
              assertThat(run.machine()).isPresent();
              assertThat(run.roofs()).isNotEmpty();
              assertThat(run.agreements()).isNotEmpty().allMatch(it -> it.holds());
              assertThat(run.measurements()).anyMatch(it -> it.byWeft());
            });
  }
}
