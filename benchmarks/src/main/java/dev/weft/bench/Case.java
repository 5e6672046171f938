package dev.weft.bench;

import dev.weft.compare.Task;
import dev.weft.compare.Tasks;
import dev.weft.compare.report.Changes;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * One benchmark with its parameters: what one JVM of JMH runs.
 *
 * @param suite the benchmark's class, a simple name
 * @param method of it
 * @param params by name
 */
record Case(String suite, String method, Map<String, String> params) {
  private static final Set<String> COMPILED_AHEAD =
      Set.of("openblas", "mkl", "blis", "onednn", "pytorch", "nd4j", "tensorflow");

  private static final String PACKAGE = Case.class.getPackageName() + ".";

  /** With parameters as names and values in turn. */
  static Case of(String suite, String method, String... params) {
    Map<String, String> map = new LinkedHashMap<>();
    for (int i = 0; i < params.length; i += 2) {
      map.put(params[i], params[i + 1]);
    }
    return new Case(suite, method, map);
  }

  /** The case that a result of {@code benchmark} is of. */
  static Case of(String benchmark, Map<String, String> params) {
    String[] parts = benchmark.substring(PACKAGE.length()).split("\\.");
    return new Case(parts[0], parts[1], params);
  }

  /** The case that was measured in a change. */
  static Case of(Changes.Change change) {
    return of(change.after().benchmark(), change.after().params());
  }

  /** The same with parameter {@code name} set. */
  Case with(String name, String value) {
    Map<String, String> map = new LinkedHashMap<>(params);
    map.put(name, value);
    return new Case(suite, method, map);
  }

  /** What it does. */
  Task task() {
    return done().task();
  }

  /** Who does it. */
  String contestant() {
    return done().contestant();
  }

  private Tasks.Done done() {
    return Tasks.of(benchmark(), params, Runtime.getRuntime().availableProcessors()).orElseThrow();
  }

  /** Both in words. */
  String name() {
    return task() + ", " + contestant();
  }

  /** Whether the code that is timed is compiled ahead of the run, not by the JVM in it. */
  boolean compiledAhead() {
    return library() != null && COMPILED_AHEAD.contains(library());
  }

  /** Whose code it is, as parameters write it; null for weft's own. */
  String library() {
    return params.get("library");
  }

  /** JMH's name of the benchmark. */
  String benchmark() {
    return PACKAGE + suite + "." + method;
  }

  /** JMH's regular expression of this benchmark alone. */
  String pattern() {
    return "^" + benchmark().replace(".", "\\.") + "$";
  }
}
