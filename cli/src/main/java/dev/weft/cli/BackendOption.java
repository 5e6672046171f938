package dev.weft.cli;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.Weft;
import picocli.CommandLine.Option;

/** The options that choose a backend. */
final class BackendOption {
  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description =
          "auto, cpu, scalar, gpu or gpu:K; else -Dweft.backend or WEFT_BACKEND; else auto")
  private String name;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "threads of the CPU; 0 (default): all")
  private Integer threads;

  /** The backend that is asked for. */
  Backend open() {
    int count = threads == null ? 0 : threads;
    BackendOptions options =
        UsageException.blame("--threads", () -> BackendOptions.DEFAULT.withThreads(count));
    String wanted = name == null ? Weft.defaultName() : name;
    String source = name == null ? Weft.BACKEND_VARIABLE : "--backend";
    if (wanted.startsWith("gpu:") && !wanted.matches("gpu:[0-9]{1,4}")) {
      throw UsageException.of(source, "need gpu:K with a device number", "backend", wanted);
    }
    return UsageException.blame(source, () -> Weft.open(wanted, options));
  }
}
