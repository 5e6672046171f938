package dev.weft.bench;

import dev.weft.Probe;
import dev.weft.Weft;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.VerboseMode;

/** The suites that need a GPU, left out with one line where there is none. */
final class GpuSuites {
  /** JMH's regular expression for them. */
  static final String NAMES = "\\.Gpu\\w+Benchmark\\.";

  private GpuSuites() {}

  /** Why there is no GPU, and the remedy; empty if there is one. */
  static Optional<String> missing() {
    Probe probe =
        Weft.backends().stream()
            .filter(info -> info.name().equals("gpu"))
            .findFirst()
            .orElseThrow()
            .probe();
    return probe.available()
        ? Optional.empty()
        : Optional.of(probe.reason() + "; remedy: " + probe.remedy());
  }

  /**
   * JMH's arguments without the suites that cannot run, which {@code say} is told in one line.
   *
   * @param missing why they cannot; empty if they can
   * @return empty if nothing else was asked for
   */
  static Optional<List<String>> arguments(
      List<String> args, Optional<String> missing, Consumer<String> say) {
    List<String> all = selected(args);
    List<String> gpu = all.stream().filter(name -> name.startsWith("Gpu")).toList();
    if (missing.isEmpty() || gpu.isEmpty()) {
      return Optional.of(args);
    }
    say.accept("weft bench: " + String.join(", ", gpu) + " need a gpu: " + missing.get());
    if (gpu.size() == all.size()) {
      return Optional.empty();
    }
    List<String> others = new ArrayList<>(args);
    others.addAll(List.of("-e", NAMES));
    return Optional.of(others);
  }

  /** The simple names of the suites that arguments select; none if JMH does not understand them. */
  private static List<String> selected(List<String> args) {
    try {
      CommandLineOptions options = new CommandLineOptions(args.toArray(String[]::new));
      return BenchmarkList.defaultList()
          .find(
              OutputFormatFactory.createFormatInstance(System.err, VerboseMode.SILENT),
              new ArrayList<>(options.getIncludes()),
              new ArrayList<>(options.getExcludes()))
          .stream()
          .map(BenchmarkListEntry::getUserClassQName)
          .map(name -> name.substring(name.lastIndexOf('.') + 1))
          .distinct()
          .toList();
    } catch (CommandLineOptionException e) {
      return List.of(); // JMH says so itself
    }
  }
}
