package dev.weft.compare.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.compare.Measurement;
import dev.weft.compare.Results;
import dev.weft.interop.Json;
import dev.weft.testkit.Availability;
import dev.weft.testkit.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The page in Chromium, by {@code src/test/browser/report.mjs}: no fault, no request, legible on a
 * telephone, numbers equal to the files'. Needs Node.js, Chromium and {@code npm ci} in that
 * folder; without them it is skipped, and with {@code -Dweft.test.require=browser} it fails. Its
 * pictures are in {@code target/report}.
 */
@Tag("browser")
class HtmlReportBrowserTest {
  private static final Path SCRIPTS = Path.of("src/test/browser").toAbsolutePath();
  private static final Path PICTURES = Path.of("target/report").toAbsolutePath();

  private static String node;
  private static String chromium;

  @TempDir private Path directory;

  @BeforeAll
  static void find() {
    Optional<Path> foundNode = Programs.onPath("node").stream().findFirst();
    Optional<Path> foundChromium =
        Stream.of("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
            .flatMap(name -> Programs.onPath(name).stream())
            .findFirst();
    boolean modules = Files.isDirectory(SCRIPTS.resolve("node_modules/playwright-core"));
    Availability.need(
        "browser",
        foundNode.isPresent() && foundChromium.isPresent() && modules,
        () ->
            "report: need node, chromium and npm ci in "
                + SCRIPTS
                + ", got node="
                + foundNode
                + ", chromium="
                + foundChromium
                + ", node_modules="
                + modules);
    node = foundNode.orElseThrow().toString();
    chromium = foundChromium.orElseThrow().toString();
  }

  @Test
  void oneFile() throws Exception {
    assertThat(faults(List.of(SampleResults.gpu("a.json")), "one")).isEmpty();
  }

  @Test
  void twoFiles() throws Exception {
    List<Results> files =
        List.of(SampleResults.cpu("before.json"), SampleResults.gpu("after.json"));
    assertThat(faults(files, "two")).isEmpty();
  }

  @Test
  void librariesThatWereHeldBack() throws Exception {
    Results file = SampleResults.contest("AMD EPYC", 100, "generic C, of no processor’s vectors");
    assertThat(faults(List.of(file, SampleResults.cpu("b.json")), "held-back")).isEmpty();
  }

  @Test
  void theLongestFile() throws Exception {
    assertThat(faults(List.of(SampleResults.large("a.json")), "")).isEmpty();
  }

  /** Each of these must be found. */
  @Test
  void faultsAreSeen() throws Exception {
    List<Results> files = List.of(SampleResults.cpu("a.json"));
    String page = HtmlReport.of(files);
    String rate = "data-rate=\"";
    int digit = page.indexOf(rate) + rate.length();
    String spoilt =
        page.substring(0, digit)
            + "9"
            + page.substring(digit)
                .replace(
                    "</main>",
                    "<div style=\"width:1500px\">wide</div>"
                        + "<img src=\"missing.png\" alt=\"\"/><script>throw new Error('x')</script>"
                        + "<svg class=\"chart\" viewBox=\"0 0 9 9\"><text x=\"5\">beyond</text></svg>"
                        + "</main>");

    assertThat(faults(spoilt, files, "", 1))
        .contains("need a body of 400 pixels", "request: ", "error: Error: x", "cut off")
        .containsPattern("need [\\d.]+ [\\d.]+ [\\d.]+, got 9");
  }

  private String faults(List<Results> files, String pictures) throws Exception {
    return faults(HtmlReport.of(files), files, pictures, 0);
  }

  /** What the script says; it keeps pictures only if they have a name. */
  private String faults(String html, List<Results> files, String pictures, int code)
      throws IOException, InterruptedException {
    Path page = Files.writeString(directory.resolve("report.html"), html);
    Path facts = Files.writeString(directory.resolve("facts.json"), Json.write(facts(files)));
    List<String> command =
        new ArrayList<>(List.of(node, "report.mjs", page.toString(), facts.toString(), chromium));
    if (!pictures.isEmpty()) {
      command.add(Files.createDirectories(PICTURES.resolve(pictures)).toString());
    }
    Path log = directory.resolve("log");
    Process process =
        new ProcessBuilder(command)
            .directory(SCRIPTS.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    boolean ended = process.waitFor(5, TimeUnit.MINUTES);
    if (!ended) {
      process.destroyForcibly();
    }
    String said = Files.readString(log);
    assertThat(ended).as(said).isTrue();
    assertThat(process.exitValue()).as(said).isEqualTo(code);
    return said;
  }

  private static List<Object> facts(List<Results> files) {
    List<Object> facts = new ArrayList<>();
    for (int f = 0; f < files.size(); f++) {
      for (Measurement it : files.get(f).measurements()) {
        facts.add(
            Map.of(
                "file", Page.letter(f),
                "task", it.task().toString(),
                "contestant", it.contestant(),
                "rate", Double.toString(it.rate()),
                "low", Double.toString(it.low()),
                "high", Double.toString(it.high())));
      }
    }
    return facts;
  }
}
