package dev.weft.compare.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.compare.Results;
import dev.weft.compare.ResultsFile;
import dev.weft.interop.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The tables of the documents are those of the committed results, and of nothing else. */
class DocumentsTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();

  private static List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(ROOT.resolve("baselines"))) {
      return files.filter(it -> it.toString().endsWith(".json")).sorted().toList();
    }
  }

  private static List<Results> committed() throws IOException {
    List<Results> runs = new ArrayList<>();
    for (Path file : files()) {
      runs.add(ResultsFile.read(file));
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

  /** Reckoned anew from the files' samples: no mean counts a library that was held back. */
  @ParameterizedTest
  @ValueSource(strings = {"README.md", "docs/performance.md"})
  void headlinesAreMeansOverLibrariesThatWereNotHeldBack(String document) throws IOException {
    String text = Files.readString(ROOT.resolve(document));
    for (Path file : files()) {
      Samples samples = Samples.read(file);
      List<List<String>> rows = headline(text, file.getFileName().toString());
      List<String> suites = rows.getFirst().subList(1, rows.getFirst().size());
      int means = 0;
      int heldBack = 0;
      for (List<String> row : rows.subList(1, rows.size())) {
        String library = row.getFirst().replace("*", "");
        for (int s = 0; s < suites.size(); s++) {
          String cell = row.get(s + 1);
          String of = suites.get(s);
          if (cell.startsWith("held back")) {
            assertThat(samples.heldBack(library, of)).as(library + ", " + of).isTrue();
            heldBack++;
          }
          Double shown = cell.contains("×") ? number(cell) : null;
          Double mean =
              library.equals("best of all others") ? samples.best(of) : samples.mean(library, of);
          assertThat(shown == null).as(library + ", " + of + ": " + cell).isEqualTo(mean == null);
          if (mean != null) {
            assertThat(shown).as(library + ", " + of).isCloseTo(mean, within(0.00501 * mean));
            means++;
          }
        }
      }
      assertThat(rows.get(1).getFirst()).isEqualTo("**best of all others**");
      assertThat(means).isPositive();
      assertThat(heldBack).isEqualTo(samples.countHeldBack());
    }
  }

  /** The rows of a file's headline: cells, the first row of names. */
  private static List<List<String>> headline(String text, String file) {
    String begin = "**" + file.replace(".json", "") + "**: ";
    assertThat(text).containsOnlyOnce(begin);
    return text.substring(text.indexOf(begin))
        .lines()
        .dropWhile(it -> !it.startsWith("| library"))
        .takeWhile(it -> it.startsWith("|"))
        .filter(it -> !it.startsWith("|---"))
        .map(it -> List.of(it.substring(2, it.length() - 2).split(" \\| ")))
        .toList();
  }

  private static double number(String cell) {
    return Double.parseDouble(cell.substring(0, cell.indexOf('×')).replaceAll("[*\u202F]", ""));
  }

  /**
   * A file's samples by task, read without the code that makes the tables.
   *
   * @param tasks by suite and what identifies a task: medians by contestant
   * @param roofs multiply-adds of f32 by threads
   */
  private record Samples(Map<List<String>, Map<String, Double>> tasks, Map<String, Double> roofs) {
    private static final Map<String, String> SUITES =
        Map.of(
            "fill",
            "fills",
            "gemm",
            "matrix products",
            "dense",
            "dense layers",
            "train",
            "training steps");

    static Samples read(Path path) throws IOException {
      Map<?, ?> file = (Map<?, ?>) Json.parse(path.toString(), Files.readAllBytes(path));
      Map<List<String>, Map<String, Double>> tasks = new LinkedHashMap<>();
      for (Object each : (List<?>) file.get("results")) {
        Map<?, ?> result = (Map<?, ?>) each;
        Map<?, ?> it = (Map<?, ?>) result.get("weft");
        List<String> task =
            Stream.of("suite", "operation", "size", "dtype", "memory", "threads")
                .map(name -> String.valueOf(it.get(name)))
                .toList();
        Map<?, ?> metric = (Map<?, ?>) result.get("primaryMetric");
        double[] all =
            ((List<?>) metric.get("rawData"))
                .stream()
                    .flatMap(jvm -> ((List<?>) jvm).stream())
                    .mapToDouble(rate -> ((Number) rate).doubleValue())
                    .sorted()
                    .toArray();
        double median = (all[(all.length - 1) / 2] + all[all.length / 2]) / 2;
        tasks
            .computeIfAbsent(task, key -> new LinkedHashMap<>())
            .put((String) it.get("contestant"), median);
      }
      Map<String, Double> roofs = new LinkedHashMap<>();
      for (Object each : (List<?>) file.get("roofs")) {
        Map<?, ?> roof = (Map<?, ?>) each;
        if (roof.get("kind").equals("fma") && roof.get("dtype").equals("f32")) {
          roofs.put(String.valueOf(roof.get("threads")), ((Number) roof.get("rate")).doubleValue());
        }
      }
      return new Samples(tasks, roofs);
    }

    private static String library(String contestant) {
      int end = contestant.length();
      for (String sign : List.of(" (", ", ")) {
        int at = contestant.indexOf(sign);
        end = at < 0 ? end : Math.min(end, at);
      }
      return contestant.substring(0, end);
    }

    /** Whether the library did something of a suite without being at its best. */
    boolean heldBack(String library, String suite) {
      double share = 0;
      Map<Integer, Double> byThreads = new TreeMap<>();
      for (Map.Entry<List<String>, Map<String, Double>> task : tasks.entrySet()) {
        List<String> key = task.getKey();
        Double measured = roofs.get(key.get(5));
        if (key.get(0).equals("gemm")
            && key.get(2).equals("1024x1024x1024")
            && key.get(3).equals("f32")
            && measured != null) {
          double roof = Math.max(measured, Collections.max(task.getValue().values()));
          for (Map.Entry<String, Double> it : task.getValue().entrySet()) {
            if (library(it.getKey()).equals(library)) {
              share = Math.max(share, it.getValue() / roof);
              byThreads.put(Integer.valueOf(key.get(5)), it.getValue());
            }
          }
        }
      }
      return !suite.equals("fills")
          && share > 0
          && (share < 0.6
              || List.copyOf(byThreads.values()).getLast() < byThreads.getOrDefault(1, 0.0))
          && !ratios(library, suite).isEmpty();
    }

    int countHeldBack() {
      Set<List<String>> held = new HashSet<>();
      for (Map.Entry<List<String>, Map<String, Double>> task : tasks.entrySet()) {
        for (String contestant : task.getValue().keySet()) {
          String suite = SUITES.get(task.getKey().getFirst());
          if (!contestant.startsWith("weft") && heldBack(library(contestant), suite)) {
            held.add(List.of(library(contestant), suite));
          }
        }
      }
      return held.size();
    }

    Double mean(String library, String suite) {
      return heldBack(library, suite) ? null : geometric(ratios(library, suite));
    }

    Double best(String suite) {
      List<Double> ratios = new ArrayList<>();
      for (Map<String, Double> rates : of(suite)) {
        List<String> others = rates.keySet().stream().filter(it -> !it.startsWith("weft")).toList();
        Double weft = weft(rates);
        if (weft != null && others.stream().anyMatch(it -> !heldBack(library(it), suite))) {
          ratios.add(weft / others.stream().mapToDouble(rates::get).max().orElseThrow());
        }
      }
      return geometric(ratios);
    }

    private List<Double> ratios(String library, String suite) {
      List<Double> ratios = new ArrayList<>();
      for (Map<String, Double> rates : of(suite)) {
        Double weft = weft(rates);
        rates.forEach(
            (who, rate) -> {
              if (weft != null && !who.startsWith("weft") && library(who).equals(library)) {
                ratios.add(weft / rate);
              }
            });
      }
      return ratios;
    }

    private List<Map<String, Double>> of(String suite) {
      return tasks.entrySet().stream()
          .filter(it -> SUITES.get(it.getKey().getFirst()).equals(suite))
          .map(Map.Entry::getValue)
          .toList();
    }

    /** weft's fastest; one that does less, as its name says behind a comma, only if alone. */
    private static Double weft(Map<String, Double> rates) {
      for (boolean less : new boolean[] {false, true}) {
        OptionalDouble best =
            rates.entrySet().stream()
                .filter(it -> it.getKey().startsWith("weft"))
                .filter(it -> it.getKey().contains(", ") == less)
                .mapToDouble(Map.Entry::getValue)
                .max();
        if (best.isPresent()) {
          return best.getAsDouble();
        }
      }
      return null;
    }

    private static Double geometric(List<Double> ratios) {
      double product = 1;
      for (double ratio : ratios) {
        product *= ratio;
      }
      return ratios.isEmpty() ? null : Math.pow(product, 1.0 / ratios.size());
    }
  }

  /** What differs from one JVM to the next is seen in the interval only if there are several. */
  @Test
  void ratesBesideOtherLibrariesAreOfAtLeastFiveJvms() throws IOException {
    for (Path file : files()) {
      Map<List<Object>, List<Map<?, ?>>> tasks = new LinkedHashMap<>();
      Map<?, ?> content = (Map<?, ?>) Json.parse(file.toString(), Files.readAllBytes(file));
      for (Object each : (List<?>) content.get("results")) {
        Map<?, ?> it = (Map<?, ?>) ((Map<?, ?>) each).get("weft");
        List<Object> task = new ArrayList<>();
        for (String name : List.of("suite", "operation", "size", "dtype", "memory", "threads")) {
          task.add(it.get(name));
        }
        tasks.computeIfAbsent(task, key -> new ArrayList<>()).add((Map<?, ?>) each);
      }
      int compared = 0;
      for (List<Map<?, ?>> all : tasks.values()) {
        List<Map<?, ?>> weft = all.stream().filter(DocumentsTest::byWeft).toList();
        if (weft.size() < all.size()) {
          compared += weft.size();
          assertThat(weft)
              .allSatisfy(
                  it -> {
                    Map<?, ?> metric = (Map<?, ?>) it.get("primaryMetric");
                    assertThat((List<?>) metric.get("rawData"))
                        .as(file.getFileName() + ": " + it.get("weft"))
                        .hasSizeGreaterThanOrEqualTo(5);
                  });
        }
      }
      assertThat(compared).isPositive();
    }
  }

  private static boolean byWeft(Map<?, ?> result) {
    return ((String) ((Map<?, ?>) result.get("weft")).get("contestant")).startsWith("weft");
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
