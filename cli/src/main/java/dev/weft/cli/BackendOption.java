package dev.weft.cli;

import dev.weft.Backend;
import dev.weft.BackendInfo;
import dev.weft.BackendOptions;
import dev.weft.Weft;
import dev.weft.Work;
import java.util.function.BiFunction;
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
    return open(Weft::open);
  }

  /** The backend that is asked for by name, so that a wrong one fails soon; null for auto. */
  Backend openNamed() {
    return wanted().equals("auto") ? null : open();
  }

  /**
   * The backend that is asked for; if that is {@code auto}, the one for {@code work} by the
   * machine's calibration, where there is one. A line on standard error tells a choice other than
   * the best by rank.
   */
  Backend open(Streams streams, String command, Work work) {
    Backend opened = open((wanted, options) -> Weft.open(wanted, options, work));
    if (wanted().equals("auto")) {
      String name = opened.info().name();
      boolean ranked = ranked().equals(name);
      Weft.calibration()
          .filter(calibration -> !ranked)
          .filter(calibration -> calibration.plan(work).chosen().equals(name))
          .ifPresent(
              calibration ->
                  streams.complain(
                      command
                          + ": --backend auto takes "
                          + name
                          + " by the calibration of "
                          + calibration.made()
                          + ": "
                          + calibration.plan(work).reason()));
    }
    return opened;
  }

  /** The best by rank. */
  private static String ranked() {
    return Weft.backends().stream()
        .filter(info -> info.probe().available())
        .map(BackendInfo::name)
        .findFirst()
        .orElse("");
  }

  private String wanted() {
    return name == null ? Weft.defaultName() : name;
  }

  private Backend open(BiFunction<String, BackendOptions, Backend> opener) {
    int count = threads == null ? 0 : threads;
    BackendOptions options =
        UsageException.blame("--threads", () -> BackendOptions.DEFAULT.withThreads(count));
    String wanted = wanted();
    String source = name == null ? Weft.BACKEND_VARIABLE : "--backend";
    if (wanted.startsWith("gpu:") && !wanted.matches("gpu:[0-9]{1,4}")) {
      throw UsageException.of(source, "need gpu:K with a device number", "backend", wanted);
    }
    return UsageException.blame(source, () -> opener.apply(wanted, options));
  }
}
