package dev.weft.cli;

import dev.weft.DType;
import dev.weft.interop.Json;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
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

  @Option(names = "--quick", description = "smaller tensors, shorter samples: less than 30 s")
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
      List<Figures> figures = measure(techniques);
      Agreement agreement = Agreement.of(quick ? 20_011 : 1_000_003);
      List<Agreement.Mismatch> mismatches;
      try (ProgressBar progress = new ProgressBar(streams, "agreement", agreement.cases().size())) {
        mismatches = agreement.run(techniques, progress);
      }
      double seconds = (System.nanoTime() - begin) * 1e-9;
      streams.print(
          json
              ? Json.writePretty(
                  facts(techniques, missing, agreement, mismatches, figures, seconds))
              : text(techniques, missing, agreement, mismatches, figures, seconds));
      if (mismatches.isEmpty()) {
        return Exit.OK;
      }
      streams.complain("weft compare: " + mismatches.getFirst());
      return Exit.MISMATCH;
    } finally {
      for (Technique technique : techniques) {
        technique.close();
      }
    }
  }

  /**
   * The throughput into one kind of memory.
   *
   * @param place {@code cache} or {@code memory}
   * @param roofs bytes per second of plain stores, by number of threads
   * @param rates elements per second, by technique and load
   */
  private record Figures(
      String place,
      long bytes,
      Map<Integer, Double> roofs,
      Map<Technique, Map<String, Double>> rates) {
    double roofFraction(Technique technique, String load) {
      int size = Throughput.loads().get(load).dtype().byteSize();
      return rates.get(technique).get(load) * size / roofs.get(technique.threads());
    }
  }

  private List<Figures> measure(List<Technique> techniques) {
    // 512 KiB: half of a core's second-level cache on the machines of today.
    Throughput cache =
        quick
            ? new Throughput(512 << 10, 300 * MILLI, 8 * MILLI, 5, 200 * MILLI)
            : new Throughput(512 << 10, 400 * MILLI, 30 * MILLI, 11, 2000 * MILLI);
    Throughput memory =
        quick
            ? new Throughput(64L << 20, 0, 1, 5, 250 * MILLI)
            : new Throughput(512L << 20, 0, 1, 11, 4000 * MILLI);
    String best = techniques.getLast().family();
    List<Technique> widest =
        techniques.stream().filter(technique -> technique.family().equals(best)).toList();
    List<Technique> measured =
        techniques.stream()
            .filter(technique -> widest.contains(technique) || !technique.isVectorWidth())
            .toList();
    return List.of(
        measure("cache", 512 << 10, cache, measured),
        measure("memory", quick ? 64L << 20 : 512L << 20, memory, widest));
  }

  private Figures measure(
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
    return new Figures(place, bytes, roofs, rates);
  }

  private String text(
      List<Technique> techniques,
      Map<String, String> missing,
      Agreement agreement,
      List<Agreement.Mismatch> mismatches,
      List<Figures> figures,
      double seconds) {
    StringBuilder text = new StringBuilder();
    text.append(machine()).append("\n\n");
    text.append("Agreement: bits of ")
        .append(techniques.size())
        .append(" techniques, ")
        .append(techniques.getFirst().name())
        .append(" the reference\n");
    text.append(agreementTable(agreement, mismatches)).append('\n');
    for (Figures one : figures) {
      text.append("Throughput into ")
          .append(one.place())
          .append(" (")
          .append(Units.bytes(one.bytes()))
          .append("): G elements/s (of the store roof)\n");
      text.append(throughputTable(one)).append('\n');
    }
    missing.forEach(
        (name, reason) ->
            text.append("Not here: ").append(name).append(": ").append(reason).append('\n'));
    text.append(verdict(techniques.size(), agreement, mismatches, figures.getFirst(), seconds));
    return text.append('\n').toString();
  }

  private static String machine() {
    Machine machine = Machine.here();
    return machine.cpu() + ", " + machine.threads() + " threads, JDK " + machine.jdk();
  }

  private static Table agreementTable(Agreement agreement, List<Agreement.Mismatch> mismatches) {
    Table table = new Table("fill", "f32", "f64", "f16", "bf16", "parts");
    Set<String> names = new LinkedHashSet<>();
    agreement.cases().forEach(one -> names.add(one.fill()));
    for (String name : names) {
      List<Object> cells = new ArrayList<>(List.of(name));
      for (DType dtype : DType.values()) {
        cells.add(
            mismatches.stream()
                .filter(it -> it.where().fill().equals(name) && it.where().dtype() == dtype)
                .findFirst()
                .map(it -> "DIFFERS " + it.technique() + " @" + it.element())
                .orElse("equal"));
      }
      Set<String> parts = new LinkedHashSet<>();
      agreement.cases().stream()
          .filter(one -> one.fill().equals(name))
          .forEach(one -> parts.add(one.part()));
      cells.add(String.join(", ", parts));
      table.row(cells.toArray());
    }
    return table;
  }

  private static Table throughputTable(Figures figures) {
    List<String> heads = new ArrayList<>(List.of("technique"));
    Throughput.loads().keySet().forEach(load -> heads.add(">" + load));
    Table table = new Table(heads.toArray(String[]::new));
    figures
        .rates()
        .forEach(
            (technique, row) -> {
              List<Object> cells = new ArrayList<>(List.of(technique.name()));
              row.forEach(
                  (load, rate) ->
                      cells.add(
                          Units.format(
                              "%.2f (%3.0f %%)",
                              rate * 1e-9, 100 * figures.roofFraction(technique, load))));
              table.row(cells.toArray());
            });
    figures
        .roofs()
        .forEach(
            (threads, rate) -> {
              Object[] cells = new Object[heads.size()];
              Arrays.fill(cells, "");
              cells[0] = "stores × " + threads;
              cells[1] = Units.format("%.1f GB/s", rate * 1e-9);
              table.row(cells);
            });
    return table;
  }

  private static String verdict(
      int techniques,
      Agreement agreement,
      List<Agreement.Mismatch> mismatches,
      Figures cache,
      double seconds) {
    String load = "uniform f32";
    Technique fastest = null;
    for (Technique technique : cache.rates().keySet()) {
      if (fastest == null
          || cache.rates().get(technique).get(load) > cache.rates().get(fastest).get(load)) {
        fastest = technique;
      }
    }
    String agree =
        mismatches.isEmpty()
            ? "all " + techniques + " techniques agree bit for bit in "
            : mismatches.size() + " mismatches in ";
    return Units.format(
        "Verdict: %s%d cases; fastest: %s, %.2f G uniform f32/s in cache, %.0f %% of the store"
            + " roof; %.1f s",
        agree,
        agreement.cases().size(),
        fastest.name(),
        cache.rates().get(fastest).get(load) * 1e-9,
        100 * cache.roofFraction(fastest, load),
        seconds);
  }

  private static Map<String, Object> facts(
      List<Technique> techniques,
      Map<String, String> missing,
      Agreement agreement,
      List<Agreement.Mismatch> mismatches,
      List<Figures> figures,
      double seconds) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("machine", Machine.here().facts());
    facts.put("techniques", techniques.stream().map(Technique::name).toList());
    facts.put("missing", missing);
    facts.put("cases", agreement.cases().size());
    facts.put("agree", mismatches.isEmpty());
    facts.put("mismatches", mismatches.stream().map(Object::toString).toList());
    List<Object> rows = new ArrayList<>();
    for (Figures one : figures) {
      one.rates()
          .forEach(
              (technique, row) ->
                  row.forEach((load, rate) -> rows.add(fact(one, technique, load, rate))));
    }
    facts.put("throughput", rows);
    facts.put("seconds", seconds);
    return facts;
  }

  private static Map<String, Object> fact(
      Figures figures, Technique technique, String load, double rate) {
    int size = Throughput.loads().get(load).dtype().byteSize();
    Map<String, Object> fact = new LinkedHashMap<>();
    fact.put("technique", technique.name());
    fact.put("threads", technique.threads());
    fact.put("load", load);
    fact.put("place", figures.place());
    fact.put("bytes", figures.bytes());
    fact.put("elements_per_second", rate);
    fact.put("bytes_per_second", rate * size);
    fact.put("roof_bytes_per_second", figures.roofs().get(technique.threads()));
    fact.put("roof_fraction", figures.roofFraction(technique, load));
    return fact;
  }
}
