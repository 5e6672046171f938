package dev.weft.compare.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.compare.Agreement;
import dev.weft.compare.Drawn;
import dev.weft.compare.Measurement;
import dev.weft.compare.Missing;
import dev.weft.compare.Results;
import dev.weft.compare.Roof;
import dev.weft.compare.Setting;
import dev.weft.compare.Signal;
import dev.weft.compare.Suite;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

/** The page is well-formed, says what the files say, and needs nothing but itself. */
class HtmlReportTest {
  private static final int MEGABYTE = 1_000_000;
  private static final String HOSTILE =
      "<script>alert(1)</script>\"' ]]> &amp; \u0000\uD800 </style>";

  private static Document parse(String page) throws Exception {
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    return factory.newDocumentBuilder().parse(new InputSource(new StringReader(page)));
  }

  private static List<Element> elements(Document page, String tag) {
    NodeList nodes = page.getElementsByTagName(tag);
    List<Element> elements = new ArrayList<>();
    for (int i = 0; i < nodes.getLength(); i++) {
      elements.add((Element) nodes.item(i));
    }
    return elements;
  }

  private static List<Element> with(Document page, String tag, String attribute) {
    return elements(page, tag).stream().filter(it -> it.hasAttribute(attribute)).toList();
  }

  private static List<String> sections(Document page) {
    return elements(page, "section").stream().map(it -> it.getAttribute("id")).toList();
  }

  private static Element section(Document page, String id) {
    return elements(page, "section").stream()
        .filter(it -> it.getAttribute("id").equals(id))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void everyMeasurementIsThereWithItsExactNumbers() throws Exception {
    List<Results> files = List.of(SampleResults.cpu("a.json"), SampleResults.gpu("b.json"));

    Document page = parse(HtmlReport.of(files));

    Map<List<String>, List<String>> shown = new HashMap<>();
    for (Element row : with(page, "tr", "data-rate")) {
      List<String> key =
          List.of(
              row.getAttribute("data-file"),
              row.getAttribute("data-task"),
              row.getAttribute("data-contestant"));
      List<String> rates =
          List.of(
              row.getAttribute("data-rate"),
              row.getAttribute("data-low"),
              row.getAttribute("data-high"));
      assertThat(shown.put(key, rates)).as("twice: " + key).isNull();
    }
    Map<List<String>, List<String>> measured = new HashMap<>();
    for (int f = 0; f < files.size(); f++) {
      for (Measurement it : files.get(f).measurements()) {
        measured.put(
            List.of(f == 0 ? "A" : "B", it.task().toString(), it.contestant()),
            List.of("" + it.rate(), "" + it.low(), "" + it.high()));
      }
    }
    assertThat(shown).isEqualTo(measured);
  }

  @Test
  void everyRatioIsThatOfTheRates() throws Exception {
    Results file = SampleResults.cpu("a.json");

    Document page = parse(HtmlReport.of(List.of(file)));

    List<Double> best =
        with(page, "tr", "data-best-task").stream()
            .map(it -> Double.valueOf(it.getAttribute("data-ratio")))
            .toList();
    List<Double> expected = new ArrayList<>();
    for (Suite suite : Suite.values()) {
      new Contest(file).best(suite).forEach(it -> expected.add(it.ratio()));
    }
    assertThat(best).containsExactlyInAnyOrderElementsOf(expected).isNotEmpty();
    List<Element> rows = with(page, "tr", "data-pair-task");
    assertThat(rows).hasSameSizeAs(new Contest(file).pairs()).isNotEmpty();
    for (Element row : rows) {
      double weft = rate(file, row, "data-pair-weft");
      double other = rate(file, row, "data-pair-other");
      assertThat(row.getAttribute("data-ratio")).isEqualTo(Double.toString(weft / other));
      String verdict = row.getAttribute("class");
      assertThat(row.getTextContent())
          .contains(verdict.equals("same") ? "= undecided" : verdict.equals("faster") ? "▲" : "▼");
    }
    assertThat(rows)
        .extracting(it -> it.getAttribute("class"))
        .contains("faster", "same", "slower");
  }

  private static double rate(Results file, Element row, String who) {
    return file.measurements().stream()
        .filter(it -> it.task().toString().equals(row.getAttribute("data-pair-task")))
        .filter(it -> it.contestant().equals(row.getAttribute(who)))
        .findFirst()
        .orElseThrow()
        .rate();
  }

  /** A library that is ahead is among the first things that a reader sees. */
  @Test
  void theSummarySaysWhereWeftIsSlower() throws Exception {
    Document page = parse(HtmlReport.of(List.of(SampleResults.cpu("a.json"))));

    String summary = section(page, "summary").getTextContent();

    long slower =
        new Contest(SampleResults.cpu("a"))
            .pairs().stream().filter(it -> it.verdict() == dev.weft.compare.Verdict.SLOWER).count();
    assertThat(slower).isPositive();
    assertThat(summary)
        .contains("slower in " + slower)
        .contains("Where weft is slower")
        .containsPattern("0\\.7\\d\\d× MKL, gemm 64x64x64");
  }

  /** Marked wherever it is named, with its reason; and counted nowhere. */
  @Test
  void whoWasHeldBackIsMarkedAndInNoMean() throws Exception {
    Results file = SampleResults.contest("AMD EPYC", 100, "generic C");

    Document page = parse(HtmlReport.of(List.of(file)));

    String blis = "BLIS 59.0 % (59.0 of 100 GFLOP/s, 1 thread): ran generic C";
    String summary = text(section(page, "summary"));
    assertThat(summary)
        .contains("Of 6 comparisons")
        .contains("faster in 4, slower in 1, and undecided in 1.")
        .contains("Not counted: 6 comparisons with libraries that were held back †, of which")
        .contains("weft is slower in 1. Each of weft’s rates is of at least 3 JVMs.")
        .contains("Matrix products: weft / best of all others")
        .contains("least 0.250×: gemm 256x256x256 f32, 1 thread")
        .contains(blis)
        .contains("beside its roof: TensorFlow.")
        .contains("0.250× BLIS †, gemm 256x256x256"); // slower than it, so it is told
    for (String id : List.of("gemm", "dense", "ratios")) {
      assertThat(text(section(page, id))).contains(blis);
    }
    assertThat(text(section(page, "fill"))).doesNotContain("†");
    assertThat(text(section(page, "ratios")))
        .contains("weft over BLIS †: held back, no mean")
        .contains("weft over the best of all others: 0.669×");
    assertThat(text(section(page, "gemm")))
        .contains("; weft / best 0.900×")
        .contains("nweft cpuOpenBLASBLIS †"); // the sizes' table
    for (Element row : with(page, "tr", "data-rate")) {
      boolean marked = text(row).contains("†");
      boolean products = !row.getAttribute("data-suite").equals("fill");
      assertThat(marked)
          .isEqualTo(products && row.getAttribute("data-contestant").matches("(BLIS|MKL).*"));
    }
    assertThat(with(page, "span", "title"))
        .isNotEmpty()
        .allSatisfy(it -> assertThat(it.getAttribute("title")).startsWith("held back: "));
    assertThat(text(section(page, "machine")))
        .contains("BLIS 0.9.0; ran generic C")
        .contains("generic C" + "not set" + "generic C")
        .contains("OPENBLAS_CORETYPE" + "generic C" + "removed");
  }

  private static String text(Element it) {
    return it.getTextContent().replace('\u202F', ' ').replaceAll("\\s+", " ");
  }

  @Test
  void aFileWithoutTheRoofMarksNobody() throws Exception {
    Results file = SampleResults.contest("AMD EPYC", 0, "generic C");

    String page = HtmlReport.of(List.of(file));

    assertThat(page).doesNotContain("†").contains("roof: OpenBLAS, BLIS, MKL, TensorFlow.");
    assertThat(text(section(parse(page), "summary"))).contains("Of 12 comparisons");
  }

  @Test
  void whatRanAndWhatWasSetIsText() throws Exception {
    String page = HtmlReport.of(List.of(SampleResults.contest("AMD EPYC", 100, HOSTILE)));

    assertThat(page).doesNotContain("<script", "\u0000").contains("&lt;script&gt;");
    assertThat(elements(parse(page), "script")).isEmpty();
  }

  /** The ends of what a file of results can hold. */
  @Test
  void chartsOfTheLargestAndTheSmallestValues() throws Exception {
    Results file = SampleResults.cpu("a.json");
    for (double value : new double[] {1e308, Double.MAX_VALUE, Double.MIN_VALUE, 1e-320, 0}) {
      Signal signal =
          new Signal("i", "tanh", new double[] {1, value, 1}, new double[] {value, 1, value});
      Drawn drawn =
          new Drawn(
              "i",
              "[3]",
              -value,
              value,
              new long[] {1, 2},
              new double[] {0.5, value, 0.5},
              value,
              value,
              value,
              value);
      Results changed =
          new Results(
              file.name(),
              file.created(),
              file.command(),
              file.machine(),
              file.environment(),
              file.roofs(),
              file.measurements(),
              file.missing(),
              file.agreements(),
              List.of(drawn),
              List.of(signal));
      String page = HtmlReport.of(List.of(changed));
      assertThat(page).hasSizeLessThan(MEGABYTE).doesNotContain("\"NaN", "\"Infinity");
      parse(page);
    }
  }

  @Test
  void sectionsFollowWhatTheFilesHave() throws Exception {
    Document one = parse(HtmlReport.of(List.of(SampleResults.cpu("a.json"))));
    assertThat(sections(one))
        .containsExactly(
            "summary",
            "fill",
            "gemm",
            "dense",
            "train",
            "roofline",
            "ratios",
            "agreement",
            "initializers",
            "missing",
            "machine");

    Document two = parse(HtmlReport.of(List.of(SampleResults.cpu("a"), SampleResults.gpu("b"))));
    assertThat(sections(two)).contains("changes");
    assertThat(section(two, "changes").getTextContent())
        .contains("The machines differ", "EPYC", "Xeon");

    Document least =
        parse(HtmlReport.of(List.of(SampleResults.of("a", "weft cpu", new double[] {1}))));
    assertThat(sections(least)).containsExactly("summary", "gemm", "ratios", "missing", "machine");

    for (Document page : List.of(one, two, least)) {
      Set<String> ids = new HashSet<>(sections(page));
      assertThat(with(page, "a", "href"))
          .isNotEmpty()
          .allSatisfy(it -> assertThat(ids).contains(it.getAttribute("href").substring(1)));
    }
  }

  @Test
  void crossoversAreToldOrTheirAbsenceIs() {
    assertThat(HtmlReport.of(List.of(SampleResults.cpu("a"))))
        .contains("No GPU was measured, so there is no crossover.");
    assertThat(HtmlReport.of(List.of(SampleResults.gpu("a"))))
        .contains("GPU, resident: faster than the host from ")
        .contains("GPU, end to end: faster than the host from ")
        .doesNotContain("no crossover");
  }

  @Test
  void whatDidNotRunIsListedWithItsReason() throws Exception {
    Document page = parse(HtmlReport.of(List.of(SampleResults.cpu("a.json"))));

    assertThat(section(page, "missing").getTextContent())
        .contains("ND4J", "no native library for this processor", "gemm 256x256x256");
    assertThat(section(page, "summary").getTextContent()).contains("2 contestants");
  }

  @Test
  void everyChartHasItsTableAndIsToldToThoseWhoCannotSeeIt() throws Exception {
    Document page = parse(HtmlReport.of(List.of(SampleResults.gpu("a.json"))));

    assertThat(elements(page, "svg"))
        .isNotEmpty()
        .allSatisfy(
            svg -> {
              Element parent = (Element) svg.getParentNode();
              if (parent.getTagName().equals("figure")) {
                assertThat(svg.getAttribute("role")).isEqualTo("img");
                assertThat(svg.getAttribute("aria-label")).isNotBlank();
                assertThat(svg.getAttribute("viewBox")).isNotBlank();
                Element details = (Element) parent.getElementsByTagName("details").item(0);
                assertThat(details.getElementsByTagName("td").getLength()).isPositive();
              } else { // a drawing within a row of the figures that it shows
                assertThat(parent.getTagName()).isIn("td", "th");
                assertThat(svg.getAttribute("aria-hidden")).isEqualTo("true");
              }
            });
    assertThat(elements(page, "th"))
        .allSatisfy(it -> assertThat(it.getAttribute("scope")).isIn("col", "row", "rowgroup"));
  }

  @Test
  void thePageNeedsNothingButItself() {
    String page = HtmlReport.of(List.of(SampleResults.cpu("a"), SampleResults.gpu("b")));

    assertThat(page.replace("http://www.w3.org/2000/svg", ""))
        .doesNotContain("http:", "https:", "<script", "@import", "url(", "src=");
    assertThat(page).contains("prefers-color-scheme: dark", "@media print", "viewport");
  }

  @Test
  void aLongRunWeighsLessThanAMegabyte() {
    Results large = SampleResults.large("a.json");
    assertThat(large.measurements()).hasSizeGreaterThanOrEqualTo(300);

    assertThat(HtmlReport.of(List.of(large)).getBytes(StandardCharsets.UTF_8))
        .hasSizeLessThan(MEGABYTE);
  }

  @Test
  void whatComesFromAFileIsText() throws Exception {
    Results plain = SampleResults.of("a", "weft cpu", new double[] {1, 1, 1});
    Measurement it = plain.measurements().getFirst();
    Results hostile =
        new Results(
            HOSTILE,
            HOSTILE,
            HOSTILE,
            Optional.of(
                new dev.weft.compare.Machine(
                    HOSTILE,
                    1,
                    1,
                    List.of(HOSTILE),
                    HOSTILE,
                    1,
                    List.of(HOSTILE),
                    HOSTILE,
                    HOSTILE,
                    Map.of(HOSTILE, HOSTILE),
                    1)),
            List.of(new Setting(HOSTILE, HOSTILE, HOSTILE)),
            List.of(new Roof(HOSTILE, HOSTILE, 1, 1, HOSTILE, 1)),
            List.of(
                it,
                new Measurement(
                    "b", Map.of(), it.task(), HOSTILE, HOSTILE, List.of(new double[] {2, 3}))),
            List.of(new Missing(HOSTILE, HOSTILE, HOSTILE)),
            List.of(new Agreement(HOSTILE, HOSTILE, HOSTILE, 1, false, 2, HOSTILE)),
            List.of(
                new Drawn(
                    HOSTILE,
                    HOSTILE,
                    0,
                    1,
                    new long[] {1},
                    new double[0],
                    0,
                    1,
                    Double.NaN,
                    Double.NaN)),
            List.of(new Signal(HOSTILE, HOSTILE, new double[] {1, 2}, new double[] {2, 1})));

    String text = HtmlReport.of(List.of(hostile, hostile));

    assertThat(text).doesNotContain("<script", "\u0000").contains("&lt;script&gt;");
    Document page = parse(text);
    assertThat(elements(page, "script")).isEmpty();
    assertThat(with(page, "tr", "data-rate"))
        .extracting(row -> row.getAttribute("data-contestant"))
        .contains(HOSTILE.replace('\u0000', '\uFFFD').replace('\uD800', '\uFFFD'));
    assertThat(section(page, "agreement").getTextContent()).contains("✕ DIFFERS");
    assertThat(section(page, "summary").getTextContent())
        .contains("1 of 1 comparisons of results DIFFER");
  }

  /** The roof of a device's memory is not that of a fill which ends on the host. */
  @Test
  void aFillThatEndsOnTheHostHasNoRoofOfADevice() {
    Results file = SampleResults.gpu("a");

    assertThat(file.measurements())
        .filteredOn(it -> it.task().onDevice() && file.roof(it.task()).isPresent())
        .extracting(it -> it.task().memory())
        .containsOnly("resident");
  }

  @Test
  void noResultsAreNoPage() {
    assertThatThrownBy(() -> HtmlReport.of(List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("report: need results, got none");
  }

  /** Ratios of luminance of text and its ground, as WCAG 2 defines them. */
  @Test
  void textStandsOutFromItsGroundInLightAndDark() {
    String page = HtmlReport.of(List.of(SampleResults.cpu("a")));
    Matcher root = Pattern.compile(":root \\{([^}]*)}").matcher(page);
    for (String mode : List.of("light", "dark", "print")) {
      assertThat(root.find()).isTrue();
      Map<String, String> colours = new HashMap<>();
      Matcher each = Pattern.compile("--(\\w+): #(\\w+)").matcher(root.group(1));
      while (each.find()) {
        String hex = each.group(2);
        colours.put(each.group(1), hex.length() == 6 ? hex : hex.replaceAll("(.)", "$1$1"));
      }
      assertThat(colours).containsKeys("ink", "c7");
      for (String name :
          List.of(
              "ink", "soft", "weft", "roof", "good", "bad", "cross", "c0", "c1", "c2", "c3", "c4",
              "c5", "c6", "c7")) {
        for (String ground : List.of("ground", "raised")) {
          assertThat(contrast(colours.get(name), colours.get(ground)))
              .as(mode + ": " + name + " on " + ground)
              .isGreaterThanOrEqualTo(4.5);
        }
      }
      assertThat(contrast(colours.get("peer"), colours.get("ground")))
          .as(mode + ": bars")
          .isGreaterThanOrEqualTo(3);
    }
    assertThat(contrast("777777", "ffffff"))
        .isLessThan(4.5); // a pair that is known to be too close
  }

  private static double contrast(String a, String b) {
    double light = Math.max(luminance(a), luminance(b));
    double dark = Math.min(luminance(a), luminance(b));
    return (light + 0.05) / (dark + 0.05);
  }

  private static double luminance(String hex) {
    double[] weights = {0.2126, 0.7152, 0.0722};
    double sum = 0;
    for (int i = 0; i < 3; i++) {
      double c = Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16) / 255.0;
      sum += weights[i] * (c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4));
    }
    return sum;
  }
}
