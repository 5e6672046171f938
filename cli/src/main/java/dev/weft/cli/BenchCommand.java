package dev.weft.cli;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/**
 * {@code weft bench}: the launcher hands it over to JMH and builds the suites first; only a JVM
 * that was started without the launcher comes here.
 */
@Command(
    name = "bench",
    description = {
      "Runs the JMH suites: bench [REGEX] [JMH options]; bench -h lists the options.",
      "bench --suite all measures every backend in one run; bench --suite -h lists its options."
    })
final class BenchCommand implements Callable<Integer> {
  @Parameters(paramLabel = "JMH options", arity = "0..*")
  private List<String> options = List.of();

  @Override
  public Integer call() {
    throw UsageException.of(
        "options",
        "need the launcher ./weft of a checkout, which builds the suites",
        "options",
        String.join(" ", options));
  }
}
