package dev.weft.compare;

import dev.weft.interop.FormatException;
import dev.weft.interop.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleUnaryOperator;

/**
 * Results as JSON. What was measured has the form of JMH's own {@code -rf json}, with what it means
 * added under {@code "weft"}; a file that is nothing but JMH's array is read, too, and so is what
 * the project's script for Python's libraries writes.
 */
public final class ResultsFile {
  private static final String FORMAT = "weft-results/2";
  private static final long MOST_BYTES = 64 << 20;

  private ResultsFile() {}

  /**
   * Reads a file.
   *
   * @throws FormatException if it is not JSON
   * @throws IllegalArgumentException if it is not of this form: {@code results: need …, got file=…}
   * @throws IOException if it cannot be read
   */
  public static Results read(Path file) throws IOException {
    if (Files.size(file) > MOST_BYTES) {
      throw new IllegalArgumentException(
          "results: need at most " + MOST_BYTES + " bytes, got file=" + file);
    }
    return parse(file.getFileName().toString(), Files.readAllBytes(file));
  }

  /** The results in a file of this name and content. */
  static Results parse(String name, byte[] json) throws FormatException {
    Object value = Json.parse(name, json);
    try {
      if (value instanceof List<?> records) {
        List<Missing> missing = new ArrayList<>();
        List<Measurement> measurements = measurements(records, 1, missing);
        return new Results(
            name,
            "",
            "",
            Optional.empty(),
            List.of(),
            List.of(),
            measurements,
            missing,
            List.of(),
            List.of(),
            List.of());
      }
      return results(name, new Fields(value));
    } catch (ClassCastException | NullPointerException | IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "results: need what weft bench --suite or JMH writes, got file="
              + name
              + ": "
              + cut(e.getMessage()),
          e);
    }
  }

  /** What a message says; it may hold a value of the file. */
  private static String cut(String message) {
    String text = String.valueOf(message);
    return text.length() <= 300 ? text : text.substring(0, 300) + "…";
  }

  private static Results results(String name, Fields file) {
    if (!FORMAT.equals(file.text("format"))) {
      throw new IllegalArgumentException("need format " + FORMAT + ", got " + file.text("format"));
    }
    Machine machine = machine(new Fields(file.get("machine")));
    List<Missing> missing = new ArrayList<>();
    for (Fields it : file.list("missing")) {
      missing.add(new Missing(it.text("contestant"), it.text("what"), it.text("reason")));
    }
    List<Measurement> measurements =
        measurements((List<?>) file.get("results"), machine.processors(), missing);
    return new Results(
        name,
        file.text("created"),
        file.text("command"),
        Optional.of(machine),
        file.list("environment").stream().map(ResultsFile::setting).toList(),
        file.list("roofs").stream().map(ResultsFile::roof).toList(),
        measurements,
        missing,
        file.list("agreement").stream().map(ResultsFile::agreement).toList(),
        file.list("drawn").stream().map(ResultsFile::drawn).toList(),
        file.list("signals").stream().map(ResultsFile::signal).toList());
  }

  private static List<Measurement> measurements(
      List<?> records, int processors, List<Missing> missing) {
    List<Measurement> found = new ArrayList<>();
    for (Object value : records) {
      Fields record = new Fields(value);
      String benchmark = record.text("benchmark");
      Map<String, String> params = new LinkedHashMap<>();
      if (record.has("params")) {
        new Fields(record.get("params"))
            .map.forEach((key, it) -> params.put((String) key, (String) it));
      }
      Optional<Tasks.Done> done = Tasks.of(benchmark, params, processors);
      if (done.isEmpty()) {
        missing.add(new Missing(benchmark, params.toString(), "no chart shows it"));
        continue;
      }
      Task task = done.get().task();
      Fields metric = new Fields(record.get("primaryMetric"));
      List<double[]> samples = new ArrayList<>();
      for (Object fork : (List<?>) metric.get("rawData")) {
        samples.add(numbers(fork, raw -> Tasks.rate(raw, metric.text("scoreUnit"), task)));
      }
      String ran = record.has("weft") ? new Fields(record.get("weft")).text("ran") : "";
      found.add(new Measurement(benchmark, params, task, done.get().contestant(), ran, samples));
    }
    return found;
  }

  /** The file's text. */
  public static String json(Results results) {
    Map<String, Object> file = new LinkedHashMap<>();
    file.put("format", FORMAT);
    file.put("created", results.created());
    file.put("command", results.command());
    file.put("machine", facts(results.machine().orElseThrow()));
    file.put("environment", results.environment().stream().map(ResultsFile::facts).toList());
    file.put("roofs", results.roofs().stream().map(ResultsFile::facts).toList());
    file.put("results", results.measurements().stream().map(ResultsFile::facts).toList());
    file.put("missing", results.missing().stream().map(ResultsFile::facts).toList());
    file.put("agreement", results.agreements().stream().map(ResultsFile::facts).toList());
    file.put("drawn", results.drawn().stream().map(ResultsFile::facts).toList());
    file.put("signals", results.signals().stream().map(ResultsFile::facts).toList());
    return Json.writePretty(file);
  }

  private static Map<String, Object> facts(Measurement it) {
    Map<String, Object> metric = new LinkedHashMap<>();
    metric.put("score", it.rate());
    metric.put("scoreError", (it.high() - it.low()) / 2);
    metric.put("scoreConfidence", List.of(it.low(), it.high()));
    metric.put("scoreUnit", it.task().suite().unit());
    metric.put("rawData", it.samples().stream().map(ResultsFile::list).toList());
    Task task = it.task();
    Map<String, Object> meaning = new LinkedHashMap<>();
    meaning.put("suite", task.suite().id());
    meaning.put("operation", task.operation());
    meaning.put("size", task.size());
    meaning.put("dtype", task.dtype());
    meaning.put("memory", task.memory());
    meaning.put("threads", task.threads());
    meaning.put("contestant", it.contestant());
    meaning.put("ran", it.ran());
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("benchmark", it.benchmark());
    facts.put("mode", "thrpt");
    facts.put("forks", it.jvms());
    facts.put("params", it.params());
    facts.put("primaryMetric", metric);
    facts.put("secondaryMetrics", Map.of());
    facts.put("weft", meaning);
    return facts;
  }

  private static Map<String, Object> facts(Machine it) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("cpu", it.cpu());
    facts.put("processors", it.processors());
    facts.put("clock_hertz", number(it.clockHertz()));
    facts.put("simd", it.simd());
    facts.put("caches", it.caches());
    facts.put("memory_bytes", it.memoryBytes());
    facts.put("gpu", it.gpu());
    facts.put("os", it.os());
    facts.put("jdk", it.jdk());
    facts.put("libraries", it.libraries());
    facts.put("load", number(it.load()));
    return facts;
  }

  private static Machine machine(Fields it) {
    Map<String, String> libraries = new LinkedHashMap<>();
    new Fields(it.get("libraries"))
        .map.forEach((key, value) -> libraries.put((String) key, (String) value));
    return new Machine(
        it.text("cpu"),
        it.whole("processors"),
        it.number("clock_hertz"),
        it.texts("simd"),
        it.text("caches"),
        ((Number) it.get("memory_bytes")).longValue(),
        it.texts("gpu"),
        it.text("os"),
        it.text("jdk"),
        libraries,
        it.number("load"));
  }

  private static Map<String, Object> facts(Setting it) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("variable", it.variable());
    facts.put("found", it.found());
    facts.put("done", it.done());
    return facts;
  }

  private static Setting setting(Fields it) {
    return new Setting(it.text("variable"), it.text("found"), it.text("done"));
  }

  private static Map<String, Object> facts(Roof it) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("kind", it.kind());
    facts.put("dtype", it.dtype());
    facts.put("threads", it.threads());
    facts.put("bytes", it.bytes());
    facts.put("unit", it.unit());
    facts.put("rate", it.rate());
    return facts;
  }

  private static Roof roof(Fields it) {
    return new Roof(
        it.text("kind"),
        it.text("dtype"),
        it.whole("threads"),
        ((Number) it.get("bytes")).longValue(),
        it.text("unit"),
        it.number("rate"));
  }

  private static Map<String, Object> facts(Missing it) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("contestant", it.contestant());
    facts.put("what", it.what());
    facts.put("reason", it.reason());
    return facts;
  }

  private static Map<String, Object> facts(Agreement it) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("operation", it.operation());
    facts.put("dtype", it.dtype());
    facts.put("technique", it.technique());
    facts.put("cases", it.cases());
    facts.put("equal_bits", it.equalBits());
    facts.put("error_over_bound", number(it.errorOverBound()));
    facts.put("detail", it.detail());
    return facts;
  }

  private static Agreement agreement(Fields it) {
    return new Agreement(
        it.text("operation"),
        it.text("dtype"),
        it.text("technique"),
        it.whole("cases"),
        (Boolean) it.get("equal_bits"),
        it.number("error_over_bound"),
        it.text("detail"));
  }

  private static Map<String, Object> facts(Drawn it) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("initializer", it.initializer());
    facts.put("shape", it.shape());
    facts.put("low", it.low());
    facts.put("high", it.high());
    facts.put("counts", Arrays.stream(it.counts()).boxed().toList());
    facts.put("density", list(it.density()));
    facts.put("mean", it.mean());
    facts.put("variance", it.variance());
    facts.put("expected_mean", number(it.expectedMean()));
    facts.put("expected_variance", number(it.expectedVariance()));
    return facts;
  }

  private static Drawn drawn(Fields it) {
    return new Drawn(
        it.text("initializer"),
        it.text("shape"),
        it.number("low"),
        it.number("high"),
        ((List<?>) it.get("counts")).stream().mapToLong(count -> (Long) count).toArray(),
        numbers(it.get("density"), x -> x),
        it.number("mean"),
        it.number("variance"),
        it.number("expected_mean"),
        it.number("expected_variance"));
  }

  private static Map<String, Object> facts(Signal it) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("initializer", it.initializer());
    facts.put("activation", it.activation());
    facts.put("activations", list(it.activations()));
    facts.put("gradients", list(it.gradients()));
    return facts;
  }

  private static Signal signal(Fields it) {
    return new Signal(
        it.text("initializer"),
        it.text("activation"),
        numbers(it.get("activations"), x -> x),
        numbers(it.get("gradients"), x -> x));
  }

  /** A number for JSON, which has neither NaN nor infinities: those are text. */
  private static Object number(double value) {
    return Double.isFinite(value) ? (Object) value : Double.toString(value);
  }

  private static List<Object> list(double[] values) {
    return Arrays.stream(values).mapToObj(ResultsFile::number).toList();
  }

  private static double parse(Object value) {
    return value instanceof String text ? Double.parseDouble(text) : ((Number) value).doubleValue();
  }

  private static double[] numbers(Object list, DoubleUnaryOperator unit) {
    return ((List<?>) list).stream().mapToDouble(it -> unit.applyAsDouble(parse(it))).toArray();
  }

  /** An object of JSON, whose fields have to be there. */
  private static final class Fields {
    private final Map<?, ?> map;

    Fields(Object value) {
      if (!(value instanceof Map<?, ?> object)) {
        throw new IllegalArgumentException("need an object, got " + value);
      }
      map = object;
    }

    boolean has(String name) {
      return map.containsKey(name);
    }

    Object get(String name) {
      if (!map.containsKey(name)) {
        throw new IllegalArgumentException("need the field " + name);
      }
      return map.get(name);
    }

    String text(String name) {
      return (String) get(name);
    }

    double number(String name) {
      return parse(get(name));
    }

    int whole(String name) {
      long value = (Long) get(name);
      if (value != (int) value) {
        throw new IllegalArgumentException("need a whole number of 32 bits, got " + value);
      }
      return (int) value;
    }

    List<String> texts(String name) {
      return ((List<?>) get(name)).stream().map(String.class::cast).toList();
    }

    List<Fields> list(String name) {
      return ((List<?>) get(name)).stream().map(Fields::new).toList();
    }
  }
}
