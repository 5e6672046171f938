package dev.weft.cli;

import dev.weft.compare.Results;
import dev.weft.compare.ResultsFile;
import dev.weft.compare.report.HtmlReport;
import dev.weft.compare.report.MarkdownReport;
import dev.weft.interop.AtomicFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code weft report}: files of results as a page, or as the tables of a document. */
@Command(
    name = "report",
    mixinStandardHelpOptions = true,
    description = "Shows what weft bench --suite and JMH's -rf json wrote, as one page.",
    footer = {
      "",
      "The first file is what the others are compared with. A file of JMH's own form says nothing of",
      "a machine: its results are added to those of the file before it."
    })
final class ReportCommand implements Callable<Integer> {
  private final Streams streams;

  @Parameters(paramLabel = "RESULTS.json", arity = "1..*", description = "files of results")
  private List<String> files;

  @ArgGroup(multiplicity = "1")
  private Target target;

  /** One of them. */
  static final class Target {
    @Option(names = "--out", paramLabel = "REPORT.html", description = "the page; - for stdout")
    private String page;

    @Option(
        names = "--markdown",
        paramLabel = "FILE.md",
        description = "a document whose marked tables are written anew")
    private String document;
  }

  ReportCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws IOException {
    List<Results> runs = runs();
    if (target.document != null) {
      Path document = Names.input("--markdown", target.document);
      write(document, MarkdownReport.update(Files.readString(document), runs));
    } else if (target.page.equals("-")) {
      streams.print(HtmlReport.of(runs));
    } else {
      write(Path.of(target.page), HtmlReport.of(runs));
    }
    return Exit.OK;
  }

  private List<Results> runs() throws IOException {
    List<Results> runs = new ArrayList<>();
    for (String file : files) {
      Results read = ResultsFile.read(Names.input("RESULTS.json", file));
      if (read.machine().isEmpty() && !runs.isEmpty()) {
        runs.add(runs.removeLast().with(read));
      } else {
        runs.add(read);
      }
    }
    return runs;
  }

  private static void write(Path file, String text) throws IOException {
    AtomicFile.write(file, text.getBytes(StandardCharsets.UTF_8));
  }
}
