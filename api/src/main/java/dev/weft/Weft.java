package dev.weft;

import dev.weft.internal.Checks;
import dev.weft.spi.BackendProvider;
import dev.weft.spi.Engine;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/**
 * Opens backends. The choice is never visible in a random number.
 *
 * <p>A name is {@code auto} (the best that is available; for a {@link Work}, the fastest by
 * measured cost), {@code cpu} (SIMD where the JVM has {@code jdk.incubator.vector}, else scalar),
 * {@code scalar}, {@code gpu} or {@code gpu:K}. Where the caller names none, the system property
 * {@code weft.backend} or else the environment variable {@code WEFT_BACKEND} does.
 *
 * @since 0.1
 */
public final class Weft {
  /** The system property that names the backend: {@value}. */
  public static final String BACKEND_PROPERTY = "weft.backend";

  /** The environment variable that names the backend: {@value}. */
  public static final String BACKEND_VARIABLE = "WEFT_BACKEND";

  /**
   * The system property that says where {@link #calibrate} keeps its figures: {@value}, a file, or
   * {@code off} for nowhere. Without it they are in {@code $XDG_CACHE_HOME/weft} or {@code
   * ~/.cache/weft}, in a file for each combination of versions, processor and devices.
   */
  public static final String CALIBRATION_PROPERTY = "weft.calibration";

  /** The longest that {@link #calibrate} takes for each backend, by design. */
  public static final int CALIBRATION_SECONDS = 30;

  private static final System.Logger LOG = System.getLogger("dev.weft");

  private Weft() {}

  /**
   * The backend that the property or variable names, else the best available.
   *
   * @throws BackendUnavailableException if a named one is unavailable, with the reason and the
   *     remedy
   */
  public static Backend open() {
    return open(defaultName());
  }

  /** The backend called {@code name}; see {@link #open(String, BackendOptions)}. */
  public static Backend open(String name) {
    return open(name, BackendOptions.DEFAULT);
  }

  /**
   * The backend called {@code name}, opened with {@code options}.
   *
   * @throws BackendUnavailableException if it is unavailable, with the reason and the remedy
   * @throws IllegalArgumentException if nothing is called so
   */
  public static Backend open(String name, BackendOptions options) {
    List<Candidate> candidates = candidates();
    if (name.equals("auto")) {
      return openBest(candidates, options);
    }
    for (Candidate candidate : candidates) {
      if (candidate.info.name().equals(name)) {
        return candidate.open(options);
      }
    }
    if (name.startsWith("gpu:")) {
      throw new BackendUnavailableException(
          Checks.message("open", "need a device that exists", "backend", name) + "\n" + explain());
    }
    List<String> names = new ArrayList<>(List.of("auto"));
    candidates.forEach(candidate -> names.add(candidate.info.name()));
    throw Checks.bad("open", "need one of " + String.join(", ", names), "backend", name);
  }

  /**
   * The backend for {@code work}: the one that the property or variable names, else the fastest by
   * the machine's calibration; see {@link #open(String, BackendOptions, Work)}.
   */
  public static Backend open(Work work) {
    return open(defaultName(), BackendOptions.DEFAULT, work);
  }

  /**
   * The backend called {@code name}; if that is {@code auto}, the one that {@link #plan} chooses
   * for {@code work}. Nothing is measured here: {@code auto} is the best by rank, as without a
   * work, where this machine has no {@link #calibration}, or where {@code options} set threads, an
   * executor, vector bits or a precision, which no calibration describes. {@link #explain(Work)}
   * tells, and the log where the choice is not the best by rank.
   *
   * <p>So a calibration may change what {@code auto} opens. Random numbers do not depend on it;
   * results of layers and products on a GPU and the CPU may differ within the bounds of {@link
   * Accuracy}: name a backend where they must not.
   *
   * @throws BackendUnavailableException if it is unavailable, with the reason and the remedy
   * @throws IllegalArgumentException if nothing is called so
   */
  public static Backend open(String name, BackendOptions options, Work work) {
    Objects.requireNonNull(work, "work");
    if (!name.equals("auto")) {
      return open(name, options);
    }
    List<Candidate> candidates = candidates();
    List<Candidate> order = new ArrayList<>(candidates);
    if (isMeasured(options)) {
      Calibrations.find(candidates)
          .map(found -> found.plan(work))
          .ifPresent(plan -> put(plan, order));
    }
    return openBest(order, options);
  }

  /** Whether a calibration is of backends opened like this. */
  private static boolean isMeasured(BackendOptions options) {
    return options.withMemoryLimit(0).equals(BackendOptions.DEFAULT);
  }

  /** Puts the backend that {@code plan} chose before the others, and says so. */
  private static void put(Plan plan, List<Candidate> order) {
    String best =
        order.stream()
            .filter(each -> each.info.probe().available())
            .map(each -> each.info.name())
            .findFirst()
            .orElse("");
    LOG.log(
        best.equals(plan.chosen()) ? System.Logger.Level.DEBUG : System.Logger.Level.INFO,
        "auto: {0}",
        plan);
    order.stream()
        .filter(each -> each.info.name().equals(plan.chosen()))
        .findFirst()
        .ifPresent(
            chosen -> {
              order.remove(chosen);
              order.addFirst(chosen);
            });
  }

  /**
   * What {@code work} would take on each backend, and which of them {@code auto} takes. The first
   * call on a machine measures, as {@link #calibrate} does; later ones, also those of other
   * processes, find its figures.
   *
   * <p>Figures that contradict themselves ({@link Calibration#contradictions}) are shown once, and
   * nothing is chosen by them: the plan takes the best by rank and says why. A call more than a
   * minute later, or in another process, measures again.
   *
   * @throws BackendUnavailableException if there is no backend to measure
   */
  public static Plan plan(Work work) {
    Objects.requireNonNull(work, "work");
    return Calibrations.findOrMeasure(candidates()).plan(work);
  }

  /**
   * Measures every available backend, and keeps the figures for {@link #plan} and {@link
   * #open(Work)} of this process and others. It takes some seconds for each, of a CPU's mostly
   * until the JVM has compiled its loops, and less than {@link #CALIBRATION_SECONDS}. To be called
   * while the machine does nothing else.
   *
   * <p>A backend that fails is left out, with a warning. Where the file cannot be written a warning
   * says so, and the figures are this process's alone. Figures that contradict themselves, as those
   * of a busy machine may, are returned with their {@link Calibration#contradictions} and a
   * warning, and not kept: earlier ones stay, and without such {@link #open(Work)} goes by rank.
   *
   * @throws BackendUnavailableException {@code calibrate: need an available backend}
   */
  public static Calibration calibrate() {
    return Calibrations.measure(candidates());
  }

  /**
   * The calibration of this machine, for these versions of weft and the JDK, this processor and
   * these devices; empty if there is none. Measures nothing. A file that is no calibration, or
   * contradicts itself, is left out, with a warning.
   */
  public static Optional<Calibration> calibration() {
    return Calibrations.find(candidates());
  }

  /** Every backend with its probe, the best first. */
  public static List<BackendInfo> backends() {
    return candidates().stream().map(Candidate::info).toList();
  }

  /**
   * The name that {@link #open()} opens: in the property, else in the variable, else {@code auto}.
   */
  public static String defaultName() {
    String name = System.getProperty(BACKEND_PROPERTY);
    if (name == null || name.isBlank()) {
      name = System.getenv(BACKEND_VARIABLE);
    }
    return name == null || name.isBlank() ? "auto" : name.strip();
  }

  /** Every backend in words: chosen, available, or why not and the remedy. */
  public static String explain() {
    String wanted = defaultName();
    StringBuilder text = new StringBuilder();
    boolean chosen = false;
    for (BackendInfo info : backends()) {
      Probe probe = info.probe();
      boolean choose =
          wanted.equals(info.name()) || wanted.equals("auto") && !chosen && probe.available();
      chosen |= choose && probe.available();
      text.append(info.name()).append(": ");
      text.append(!probe.available() ? "unavailable" : choose ? "available, chosen" : "available");
      append(text, ", ", probe.detail());
      append(text, "; ", probe.reason());
      append(text, "; remedy: ", probe.remedy());
      text.append('\n');
    }
    if (text.isEmpty()) {
      text.append("no backend: put weft-kernel-cpu on the class path or the module path\n");
    }
    return text.toString();
  }

  /**
   * What {@link #open(Work)} opens in words, and why: the figures of the plan, or what there is
   * instead of one. Measures nothing.
   */
  public static String explain(Work work) {
    String wanted = defaultName();
    if (!wanted.equals("auto")) {
      return work + "\n  " + wanted + ", as the property or variable says\n";
    }
    Optional<Calibration> calibration = calibration();
    if (calibration.isPresent()) {
      return calibration.get().plan(work).explain() + "  by the " + calibration.get() + "\n";
    }
    String best =
        backends().stream()
            .filter(info -> info.probe().available())
            .map(BackendInfo::name)
            .findFirst()
            .orElse("no backend");
    String why =
        Calibrations.refused(candidates())
            .map(Calibration::refusal)
            .orElse("this machine has no calibration");
    return work + "\n  " + best + ", the best by rank; " + why + "\n";
  }

  private static Backend openBest(List<Candidate> candidates, BackendOptions options) {
    BackendUnavailableException last = null;
    for (Candidate candidate : candidates) {
      if (candidate.info.probe().available()) {
        try {
          return candidate.open(options);
        } catch (BackendUnavailableException e) {
          LOG.log(
              System.Logger.Level.WARNING,
              "auto: {0} failed to open, trying the next: {1}",
              candidate.info.name(),
              e.getMessage());
          last = e;
        }
      }
    }
    throw new BackendUnavailableException("open: need an available backend\n" + explain(), last);
  }

  private static void append(StringBuilder text, String separator, String part) {
    if (!part.isEmpty()) {
      text.append(separator).append(part);
    }
  }

  static List<Candidate> candidates() {
    List<Candidate> found = new ArrayList<>();
    try {
      for (BackendProvider provider :
          ServiceLoader.load(BackendProvider.class, Weft.class.getClassLoader())) {
        for (BackendInfo info : provider.backends()) {
          found.add(new Candidate(provider, info));
        }
      }
    } catch (ServiceConfigurationError e) {
      throw new WeftException("open: a backend's service entry is broken: " + e.getMessage(), e);
    }
    found.sort(Comparator.comparingInt((Candidate candidate) -> candidate.info.rank()).reversed());
    return found;
  }

  /** A backend that can be opened, or not. */
  record Candidate(BackendProvider provider, BackendInfo info) {
    Backend open(BackendOptions options) {
      Probe probe = info.probe();
      if (!probe.available()) {
        throw new BackendUnavailableException(
            "open: "
                + info.name()
                + " is unavailable: "
                + probe.reason()
                + "; remedy: "
                + probe.remedy());
      }
      Engine engine = provider.open(info.name(), options);
      try {
        return new Backend(engine);
      } catch (Throwable e) {
        engine.close();
        throw e;
      }
    }
  }
}
