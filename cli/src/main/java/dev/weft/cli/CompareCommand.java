package dev.weft.cli;

import dev.weft.interop.Json;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code weft compare}: do all techniques write the same bytes, and how fast is each? */
@Command(
    name = "compare",
    mixinStandardHelpOptions = true,
    description =
        "Compares every backend, vector width and thread count: agreement and throughput.",
    footer = {
      "",
      "Every fill, type, order and odd slice is written by each technique and compared bit for bit",
      "with scalar code on one thread; a mismatch ends in exit code 5. Throughput is the median of",
      "samples after a warm-up; the roof is plain stores by as many threads in the same run."
    })
final class CompareCommand implements Callable<Integer> {
  private static final long MILLI = 1_000_000;

  private final Streams streams;

  @Option(names = "--quick", description = "smaller tensors, shorter samples: about a minute")
  private boolean quick;

  @Option(names = "--json", description = "write JSON")
  private boolean json;

  CompareCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() {
    long begin = System.nanoTime();
    Map<String, String> missing = new LinkedHashMap<>();
    List<Technique> techniques = Technique.all(missing::put);
    try {
      // First, because vectors of several widths in one JVM spoil each other's compiled code.
      List<CompareReport.Figures> figures = measure(techniques);
      Map<Technique, Map<String, Double>> rates = measureLayers(techniques);
      Agreement agreement = Agreement.of(quick ? 20_011 : 1_000_003);
      List<Agreement.Mismatch> mismatches;
      try (ProgressBar progress = new ProgressBar(streams, "agreement", agreement.cases().size())) {
        mismatches = agreement.run(techniques, progress);
      }
      List<LayerComparison.Mismatch> layers;
      try (ProgressBar progress =
          new ProgressBar(streams, "layers", LayerComparison.operations().size())) {
        layers = LayerComparison.mismatches(techniques, progress);
      }
      double seconds = (System.nanoTime() - begin) * 1e-9;
      CompareReport.Results results =
          new CompareReport.Results(
              techniques, missing, agreement, mismatches, figures, layers, rates, seconds);
      streams.print(
          json ? Json.writePretty(CompareReport.facts(results)) : CompareReport.text(results));
      if (results.agree()) {
        return Exit.OK;
      }
      Object first = mismatches.isEmpty() ? layers.getFirst() : mismatches.getFirst();
      streams.complain("weft compare: " + first);
      return Exit.MISMATCH;
    } finally {
      for (Technique technique : techniques) {
        technique.close();
      }
    }
  }

  private List<CompareReport.Figures> measure(List<Technique> techniques) {
    // 512 KiB: half of a core's second-level cache on the machines of today.
    Throughput cache =
        quick
            ? new Throughput(512 << 10, 300 * MILLI, 8 * MILLI, 5, 200 * MILLI)
            : new Throughput(512 << 10, 400 * MILLI, 30 * MILLI, 11, 2000 * MILLI);
    Throughput memory =
        quick
            ? new Throughput(64L << 20, 0, 1, 5, 250 * MILLI)
            : new Throughput(512L << 20, 0, 1, 11, 4000 * MILLI);
    return List.of(
        measure("cache", 512 << 10, cache, measured(techniques)),
        measure("memory", quick ? 64L << 20 : 512L << 20, memory, widest(techniques)));
  }

  /** The techniques of the last, widest family. */
  private static List<Technique> widest(List<Technique> techniques) {
    String best = techniques.getLast().family();
    return techniques.stream().filter(technique -> technique.family().equals(best)).toList();
  }

  /** All but the narrower vectors. */
  private static List<Technique> measured(List<Technique> techniques) {
    List<Technique> widest = widest(techniques);
    return techniques.stream()
        .filter(technique -> widest.contains(technique) || !technique.isVectorWidth())
        .toList();
  }

  private Map<Technique, Map<String, Double>> measureLayers(List<Technique> techniques) {
    Throughput throughput =
        quick
            ? new Throughput(0, 300 * MILLI, 8 * MILLI, 5, 200 * MILLI)
            : new Throughput(0, 1000 * MILLI, 30 * MILLI, 11, 2000 * MILLI);
    List<Technique> measured = measured(techniques);
    Map<Technique, Map<String, Double>> rates = new LinkedHashMap<>();
    try (ProgressBar progress = new ProgressBar(streams, "layers", measured.size())) {
      for (Technique technique : measured) {
        progress.at(rates.size());
        rates.put(technique, LayerComparison.rates(technique, throughput));
      }
    }
    return rates;
  }

  private CompareReport.Figures measure(
      String place, long bytes, Throughput throughput, List<Technique> techniques) {
    Map<Integer, Double> roofs = new TreeMap<>();
    Map<Technique, Map<String, Double>> rates = new LinkedHashMap<>();
    try (Arena arena = Arena.ofShared();
        ProgressBar progress = new ProgressBar(streams, place, techniques.size())) {
      MemorySegment out = throughput.memory(arena);
      for (int threads : Technique.threadCounts()) {
        roofs.put(threads, throughput.roof(threads, out));
      }
      for (Technique technique : techniques) {
        progress.at(rates.size());
        Map<String, Double> row = new LinkedHashMap<>();
        Throughput.loads()
            .forEach(
                (name, load) -> row.put(name, throughput.elementsPerSecond(technique, load, out)));
        rates.put(technique, row);
      }
    }
    return new CompareReport.Figures(place, bytes, roofs, rates);
  }
}
