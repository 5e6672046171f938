package dev.weft.cli;

import dev.weft.DType;
import dev.weft.compare.Agreement;
import dev.weft.compare.FillAgreement;
import dev.weft.compare.LayerAgreement;
import dev.weft.compare.Machine;
import dev.weft.compare.Technique;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What {@code weft compare} says. */
final class CompareReport {
  private CompareReport() {}

  /**
   * All that was found.
   *
   * @param missing reasons by the name of what does not run here
   * @param fills what fills were compared in
   * @param agreements of fills and layers
   * @param figures of fills
   * @param rates of layers, by technique and load
   */
  record Results(
      List<Technique> techniques,
      Map<String, String> missing,
      FillAgreement fills,
      List<Agreement> agreements,
      List<Figures> figures,
      Map<Technique, Map<String, Double>> rates,
      double seconds) {
    boolean agree() {
      return wrong().isEmpty();
    }

    List<Agreement> wrong() {
      return agreements.stream().filter(it -> !it.holds()).toList();
    }

    /** Whether every bit is the same, or only as good as promised. */
    boolean equal() {
      return agreements.stream().allMatch(Agreement::equalBits);
    }

    int cases() {
      return fills.cases().size() + LayerAgreement.operations().size();
    }
  }

  /**
   * The throughput into one kind of memory.
   *
   * @param place {@code cache} or {@code memory}
   * @param roofs bytes per second of plain stores, by number of threads
   * @param rates elements per second, by technique and load
   */
  record Figures(
      String place,
      long bytes,
      Map<Integer, Double> roofs,
      Map<Technique, Map<String, Double>> rates) {
    double roofFraction(Technique technique, String load) {
      int size = Throughput.loads().get(load).dtype().byteSize();
      return rates.get(technique).get(load) * size / roofs.get(technique.threads());
    }
  }

  /** The report in words and tables. */
  static String text(Results r) {
    StringBuilder text = new StringBuilder();
    text.append(machine()).append("\n\n");
    text.append("Agreement: bits of ")
        .append(r.techniques.size())
        .append(" techniques, ")
        .append(r.techniques.getFirst().name())
        .append(" the reference\n");
    text.append(agreementTable(r)).append('\n');
    text.append(
        "Agreement of layers: every bit of every result; of a GPU, products within their bound\n");
    text.append(layerTable(r.agreements)).append('\n');
    for (Figures one : r.figures) {
      text.append("Throughput into ")
          .append(one.place())
          .append(" (")
          .append(Units.bytes(one.bytes()))
          .append("): G elements/s (of the store roof)\n");
      text.append(throughputTable(one)).append('\n');
    }
    text.append("Throughput of layers in f32, batch 128, 784 → 128 (training: → 10)\n");
    text.append(rateTable(r.rates)).append('\n');
    r.missing.forEach(
        (name, reason) ->
            text.append("Not here: ").append(Printable.line(name + ": " + reason)).append('\n'));
    text.append(verdict(r));
    return text.append('\n').toString();
  }

  private static Table layerTable(List<Agreement> agreements) {
    Table table = new Table("operation", "f32", "f64");
    Set<String> names = new LinkedHashSet<>();
    LayerAgreement.operations()
        .forEach(name -> names.add(name.substring(0, name.lastIndexOf(' '))));
    for (String name : names) {
      table.row(name, cell(agreements, name, "f32"), cell(agreements, name, "f64"));
    }
    return table;
  }

  /** How all techniques agree in an operation and type. */
  private static String cell(List<Agreement> agreements, String operation, String dtype) {
    List<Agreement> all =
        agreements.stream()
            .filter(it -> it.operation().equals(operation) && it.dtype().equals(dtype))
            .toList();
    Optional<Agreement> worst = all.stream().max(Comparator.comparing(Agreement::errorOverBound));
    if (worst.isEmpty() || all.stream().allMatch(Agreement::equalBits)) {
      return "equal";
    }
    Agreement it = worst.get();
    return it.holds()
        ? Units.format("%.2g of its bound (%s)", it.errorOverBound(), it.technique())
        : "DIFFERS " + it.technique();
  }

  private static Table rateTable(Map<Technique, Map<String, Double>> rates) {
    List<String> heads = new ArrayList<>(List.of("technique"));
    rates.values().iterator().next().keySet().forEach(load -> heads.add(">" + load));
    Table table = new Table(heads.toArray(String[]::new));
    rates.forEach(
        (technique, row) -> {
          List<Object> cells = new ArrayList<>(List.of(technique.name()));
          row.values()
              .forEach(rate -> cells.add(Units.format(rate < 1000 ? "%.1f" : "%,.0f", rate)));
          table.row(cells.toArray());
        });
    return table;
  }

  private static String machine() {
    Machine machine = Machine.here();
    return machine.cpu() + ", " + machine.processors() + " threads, JDK " + machine.jdk();
  }

  private static Table agreementTable(Results r) {
    Table table = new Table("fill", "f32", "f64", "f16", "bf16", "parts");
    Set<String> names = new LinkedHashSet<>();
    r.fills.cases().forEach(one -> names.add(one.fill()));
    for (String name : names) {
      List<Object> cells = new ArrayList<>(List.of(name));
      for (DType dtype : DType.values()) {
        cells.add(cell(r.agreements, name, dtype.id()));
      }
      Set<String> parts = new LinkedHashSet<>();
      r.fills.cases().stream()
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

  private static String verdict(Results r) {
    Figures cache = r.figures.getFirst();
    String load = "uniform f32";
    Technique fastest = null;
    for (Technique technique : cache.rates().keySet()) {
      if (fastest == null
          || cache.rates().get(technique).get(load) > cache.rates().get(fastest).get(load)) {
        fastest = technique;
      }
    }
    int wrong = r.wrong().size();
    String agree =
        wrong > 0
            ? wrong + " mismatches in "
            : "all "
                + r.techniques.size()
                + " techniques agree "
                + (r.equal() ? "bit for bit in " : "bit for bit, or a GPU within its bounds, in ");
    return Units.format(
        "Verdict: %s%d cases; fastest: %s, %.2f G uniform f32/s in cache, %.0f %% of the store"
            + " roof; %.1f s",
        agree,
        r.cases(),
        fastest.name(),
        cache.rates().get(fastest).get(load) * 1e-9,
        100 * cache.roofFraction(fastest, load),
        r.seconds);
  }

  private static Map<String, Object> fact(Agreement it) {
    Map<String, Object> fact = new LinkedHashMap<>();
    fact.put("operation", it.operation());
    fact.put("dtype", it.dtype());
    fact.put("technique", it.technique());
    fact.put("equal_bits", it.equalBits());
    fact.put("error_over_bound", it.holds() ? (Object) it.errorOverBound() : null);
    return fact;
  }

  /** The report as JSON's objects. */
  static Map<String, Object> facts(Results r) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("machine", Facts.of(Machine.here()));
    facts.put("techniques", r.techniques.stream().map(Technique::name).toList());
    facts.put("missing", r.missing);
    facts.put("cases", r.cases());
    facts.put("agree", r.agree());
    List<String> mismatches =
        r.wrong().stream()
            .map(
                it ->
                    it.technique()
                        + " differs in "
                        + it.operation()
                        + " "
                        + it.dtype()
                        + ": "
                        + it.detail())
            .toList();
    facts.put("mismatches", mismatches);
    facts.put("agreement", r.agreements.stream().map(CompareReport::fact).toList());
    List<Object> rows = new ArrayList<>();
    for (Figures one : r.figures) {
      one.rates()
          .forEach(
              (technique, row) ->
                  row.forEach((load, rate) -> rows.add(fact(one, technique, load, rate))));
    }
    facts.put("throughput", rows);
    List<Object> layers = new ArrayList<>();
    r.rates.forEach(
        (technique, row) ->
            row.forEach(
                (load, rate) -> {
                  Map<String, Object> fact = new LinkedHashMap<>();
                  fact.put("technique", technique.name());
                  fact.put("threads", technique.threads());
                  fact.put("load", load);
                  fact.put("rate", rate);
                  layers.add(fact);
                }));
    facts.put("layers", layers);
    facts.put("seconds", r.seconds);
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
