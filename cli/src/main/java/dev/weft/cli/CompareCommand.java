package dev.weft.cli;

import dev.weft.compare.Agreement;
import dev.weft.compare.FillAgreement;
import dev.weft.compare.LayerAgreement;
import dev.weft.compare.Technique;
import dev.weft.interop.Json;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
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

  @Option(names = "--smoke", hidden = true) // figures that mean nothing, soon
  private boolean smoke;

  @Option(names = "--json", description = "write JSON")
  private boolean json;

  /** How long everything is measured. */
  private enum Effort {
    FULL(512L << 20, 1_000_003),
    QUICK(64L << 20, 20_011),
    SMOKE(1L << 20, 5_003);

    private final long memoryBytes;
    private final int elements;

    Effort(long memoryBytes, int elements) {
      this.memoryBytes = memoryBytes;
      this.elements = elements;
    }

    /** Of fills that stay in a cache of {@code bytes}; 0 for layers. */
    Throughput cached(long bytes) {
      return switch (this) {
        case FULL ->
            new Throughput(bytes, (bytes == 0 ? 1000 : 400) * MILLI, 30 * MILLI, 11, 2000 * MILLI);
        case QUICK -> new Throughput(bytes, 200 * MILLI, 8 * MILLI, 5, 150 * MILLI);
        case SMOKE -> new Throughput(bytes, 1, 1, 1, 1);
      };
    }

    Throughput memory() {
      return switch (this) {
        case FULL -> new Throughput(memoryBytes, 0, 1, 11, 4000 * MILLI);
        case QUICK -> new Throughput(memoryBytes, 0, 1, 5, 250 * MILLI);
        case SMOKE -> new Throughput(memoryBytes, 0, 1, 1, 1);
      };
    }
  }

  CompareCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() {
    long begin = System.nanoTime();
    Effort effort = smoke ? Effort.SMOKE : quick ? Effort.QUICK : Effort.FULL;
    Map<String, String> missing = new LinkedHashMap<>();
    List<Technique> techniques = Technique.all(missing::put);
    try {
      // First, because vectors of several widths in one JVM spoil each other's compiled code.
      List<CompareReport.Figures> figures = measure(effort, techniques);
      Map<Technique, Map<String, Double>> rates = measureLayers(effort, techniques);
      FillAgreement fills = FillAgreement.of(effort.elements);
      List<Agreement> agreements = new ArrayList<>();
      try (ProgressBar progress = new ProgressBar(streams, "agreement", fills.cases().size())) {
        agreements.addAll(fills.agreements(techniques, fills.run(techniques, progress::at)));
      }
      try (ProgressBar progress =
          new ProgressBar(streams, "layers", LayerAgreement.operations().size())) {
        agreements.addAll(LayerAgreement.of(techniques, progress::at));
      }
      double seconds = (System.nanoTime() - begin) * 1e-9;
      CompareReport.Results results =
          new CompareReport.Results(
              techniques, missing, fills, agreements, figures, rates, seconds);
      streams.print(
          json ? Json.writePretty(CompareReport.facts(results)) : CompareReport.text(results));
      if (results.agree()) {
        return Exit.OK;
      }
      Agreement wrong = results.wrong().getFirst();
      streams.complain(
          "weft compare: "
              + wrong.technique()
              + " differs in "
              + wrong.operation()
              + " "
              + wrong.dtype()
              + ": "
              + wrong.detail());
      return Exit.MISMATCH;
    } finally {
      for (Technique technique : techniques) {
        technique.close();
      }
    }
  }

  private List<CompareReport.Figures> measure(Effort effort, List<Technique> techniques) {
    long cache = 512 << 10; // half of a core's second-level cache on the machines of today
    return List.of(
        measure("cache", cache, effort.cached(cache), measured(techniques)),
        measure("memory", effort.memoryBytes, effort.memory(), widest(techniques)));
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

  private Map<Technique, Map<String, Double>> measureLayers(
      Effort effort, List<Technique> techniques) {
    Throughput throughput = effort.cached(0);
    List<Technique> measured = measured(techniques);
    Map<Technique, Map<String, Double>> rates = new LinkedHashMap<>();
    try (ProgressBar progress = new ProgressBar(streams, "layers", measured.size())) {
      for (Technique technique : measured) {
        progress.at(rates.size());
        rates.put(technique, LayerThroughput.rates(technique, throughput));
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
