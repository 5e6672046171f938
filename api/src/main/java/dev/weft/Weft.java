package dev.weft;

import dev.weft.internal.Checks;
import dev.weft.spi.BackendProvider;
import dev.weft.spi.Engine;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/**
 * Opens backends. The choice is never visible in a result.
 *
 * <p>A name is {@code auto} (the best that is available), {@code cpu} (SIMD where the JVM has
 * {@code jdk.incubator.vector}, else scalar), {@code scalar}, {@code gpu} or {@code gpu:K}. Where
 * the caller names none, the system property {@code weft.backend} or else the environment variable
 * {@code WEFT_BACKEND} does.
 */
public final class Weft {
  /** The system property that names the backend: {@value}. */
  public static final String BACKEND_PROPERTY = "weft.backend";

  /** The environment variable that names the backend: {@value}. */
  public static final String BACKEND_VARIABLE = "WEFT_BACKEND";

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

  private static List<Candidate> candidates() {
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

  private record Candidate(BackendProvider provider, BackendInfo info) {
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
      return new Backend(engine);
    }
  }
}
