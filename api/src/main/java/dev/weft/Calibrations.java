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

  private static final Object MEASURING = new Object();
  private static volatile Kept kept;

  private Calibrations() {}

  /** What this process found or measured last, and the file that was asked for then. */
  private record Kept(Calibration calibration, Optional<Path> file) {
    boolean fits(String key, Optional<Path> wanted) {
      return calibration.key().equals(key) && file.equals(wanted);
    }
  }

  /** The calibration for these backends, if there is one; measures nothing. */
  static Optional<Calibration> find(List<Weft.Candidate> candidates) {
    String key = key(candidates);
    Optional<Path> file = CalibrationFile.of(key);
    Kept last = kept;
    if (last != null && last.fits(key, file)) {
      return Optional.of(last.calibration);
    }
    Optional<Calibration> read = file.flatMap(path -> CalibrationFile.read(path, key));
    read.ifPresent(calibration -> kept = new Kept(calibration, file));
    return read;
  }

  /** The same, measured now if there is none; one thread measures for all. */
  static Calibration findOrMeasure(List<Weft.Candidate> candidates) {
    Optional<Calibration> found = find(candidates);
    if (found.isPresent()) {
      return found.get();
    }
    synchronized (MEASURING) {
      return find(candidates).orElseGet(() -> measure(candidates));
    }
  }

  /** Measures every backend that opens, and keeps the result. */
  static Calibration measure(List<Weft.Candidate> candidates) {
    synchronized (MEASURING) {
      long begin = System.nanoTime();
      List<BackendCosts> costs = new ArrayList<>();
      Set<List<Object>> devices = new HashSet<>();
      boolean settled = true;
      for (Weft.Candidate candidate : candidates) {
        Probe probe = candidate.info().probe();
        String device = probe.detail().isEmpty() ? candidate.info().name() : probe.detail();
        if (probe.available() && devices.add(List.of(candidate.provider(), device))) {
          settled &= measure(candidate, costs);
        }
      }
      if (costs.isEmpty()) {
        throw new BackendUnavailableException(
            "calibrate: need an available backend\n" + Weft.explain());
      }
      String key = key(candidates);
      double seconds = (System.nanoTime() - begin) * 1e-9;
      Calibration calibration = new Calibration(key, Instant.now(), seconds, costs);
      Optional<Path> file = CalibrationFile.of(key);
      if (settled) {
        file.ifPresent(path -> CalibrationFile.write(path, calibration));
      }
      kept = new Kept(calibration, file);
      return calibration;
    }
  }

  /** Adds the costs of a backend, if it works; whether they may be kept. */
  private static boolean measure(Weft.Candidate candidate, List<BackendCosts> costs) {
    String name = candidate.info().name();
    try (Backend backend = candidate.open(BackendOptions.DEFAULT);
        CalibrationRun run = new CalibrationRun(backend)) {
      costs.add(run.costs(name));
      if (!run.isSettled()) {
        LOG.log(
            System.Logger.Level.WARNING,
            "calibrate: {0}: this process was busy until the end, so the figures may be too slow"
                + " and no other process gets them; remedy: calibrate while nothing else runs",
            name);
      }
      return run.isSettled();
    } catch (RuntimeException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "calibrate: {0} failed, and is left out: {1}",
          name,
          e.getMessage());
      return true;
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
    kept = null;
  }
}
