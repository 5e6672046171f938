package dev.weft;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The calibration of this machine: in this process's memory, in a file, or to be measured. */
final class Calibrations {
  private static final System.Logger LOG = System.getLogger("dev.weft");

  /** Of the model and of what is measured: another number is another calibration. */
  private static final int MODEL = 1;

  /**
   * So long after figures that contradict themselves others are measured, if they are asked for: a
   * program that plans again and again does not spend its time on them.
   */
  static final long AGAIN_NANOS = 60_000_000_000L;

  private static final Object MEASURING = new Object();
  private static volatile Stopwatch stopwatch = Stopwatch.REAL;
  private static volatile Last last;

  private Calibrations() {}

  /** What this process found or measured last, when, and the file that was asked for then. */
  private record Last(Calibration calibration, Optional<Path> file, long nanos) {}

  /** What this process found or measured last, if it is for {@code key}. */
  private static Optional<Last> last(String key) {
    Optional<Path> file = CalibrationFile.of(key);
    return Optional.ofNullable(last)
        .filter(each -> each.calibration.key().equals(key) && each.file.equals(file));
  }

  /** The calibration for these backends, if there is one; measures nothing. */
  static Optional<Calibration> find(List<Weft.Candidate> candidates) {
    String key = key(candidates);
    Optional<Calibration> known =
        last(key).map(Last::calibration).filter(each -> each.contradictions().isEmpty());
    if (known.isPresent()) {
      return known;
    }
    Optional<Path> file = CalibrationFile.of(key);
    Optional<Calibration> read = file.flatMap(path -> CalibrationFile.read(path, key));
    read.ifPresent(calibration -> last = new Last(calibration, file, stopwatch.nanos()));
    return read;
  }

  /** What was measured last, if it contradicts itself and nothing better is there. */
  static Optional<Calibration> refused(List<Weft.Candidate> candidates) {
    return last(key(candidates))
        .map(Last::calibration)
        .filter(each -> !each.contradictions().isEmpty());
  }

  /** The same, measured now if there is none; one thread measures for all. */
  static Calibration findOrMeasure(List<Weft.Candidate> candidates) {
    Optional<Calibration> found = find(candidates);
    if (found.isPresent()) {
      return found.get();
    }
    synchronized (MEASURING) {
      return find(candidates)
          .or(() -> refused(candidates).filter(each -> !isOver()))
          .orElseGet(() -> measure(candidates));
    }
  }

  /** Whether it is time to measure again. */
  private static boolean isOver() {
    return stopwatch.nanos() - last.nanos > AGAIN_NANOS;
  }

  /** Measures every backend that opens, and keeps the result unless it contradicts itself. */
  static Calibration measure(List<Weft.Candidate> candidates) {
    synchronized (MEASURING) {
      long begin = stopwatch.nanos();
      List<Weft.Candidate> different = new ArrayList<>();
      Set<List<Object>> devices = new HashSet<>();
      for (Weft.Candidate candidate : candidates) {
        Probe probe = candidate.info().probe();
        String device = probe.detail().isEmpty() ? candidate.info().name() : probe.detail();
        if (probe.available() && devices.add(List.of(candidate.provider(), device))) {
          different.add(candidate);
        }
      }
      CalibrationRounds.Result result;
      try (CalibrationRounds rounds = new CalibrationRounds(stopwatch)) {
        result = rounds.measure(different);
      }
      if (result.costs().isEmpty()) {
        throw new BackendUnavailableException(
            "calibrate: need an available backend\n" + Weft.explain());
      }
      String key = key(candidates);
      double seconds = (stopwatch.nanos() - begin) * 1e-9;
      Calibration calibration =
          new Calibration(key, Instant.now(), seconds, result.costs(), result.contradictions());
      Optional<Path> file = CalibrationFile.of(key);
      if (calibration.contradictions().isEmpty()) {
        CalibrationFile.keep(file, calibration);
      } else {
        LOG.log(System.Logger.Level.WARNING, "calibrate: {0}", calibration.refusal());
        if (find(candidates).isPresent()) {
          return calibration; // and go by the earlier one
        }
      }
      last = new Last(calibration, file, stopwatch.nanos());
      return calibration;
    }
  }

  /** What a calibration is valid for. */
  static String key(List<Weft.Candidate> candidates) {
    String backends =
        candidates.stream()
            .map(Weft.Candidate::info)
            .filter(info -> info.probe().available())
            .map(info -> info.name() + " (" + info.probe().detail() + ")")
            .collect(Collectors.joining(", "));
    return String.join(
        "; ",
        "model " + MODEL,
        "weft " + version(),
        "jdk " + System.getProperty("java.vm.version") + " " + mode(),
        System.getProperty("os.name") + " " + System.getProperty("os.arch"),
        processor() + " × " + Runtime.getRuntime().availableProcessors(),
        backends);
  }

  private static String version() {
    String version = Weft.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }

  /** {@code mixed mode}, or {@code interpreted mode}. */
  private static String mode() {
    return System.getProperty("java.vm.info", "").split(",")[0];
  }

  private static String processor() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse("unnamed processor");
    } catch (IOException e) { // not Linux
      String name = System.getenv("PROCESSOR_IDENTIFIER"); // Windows
      return name == null ? "unnamed processor" : name;
    }
  }

  /** As if this process had neither read nor measured any. */
  static void forget() {
    last = null;
  }

  /** Measures time by {@code other} from now on. */
  static void use(Stopwatch other) {
    stopwatch = other;
  }
}
