package dev.weft;

import dev.weft.internal.Checks;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.text.MessageFormat;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Where a calibration is kept between processes: a file of properties, for people to read and to
 * delete. Nothing that is wrong with it is an error: it is then as if there were none. It is
 * replaced whole, so that any number of processes may read and write it.
 */
final class CalibrationFile {
  private static final System.Logger LOG = System.getLogger("dev.weft");
  private static final String OFF = "off";

  /** More than any calibration takes, to read no wrong file into memory. */
  private static final long MOST_BYTES = 1 << 20;

  private static final Set<String> SAID = ConcurrentHashMap.newKeySet();

  private CalibrationFile() {}

  /**
   * The file for {@code key}: the one that {@link Weft#CALIBRATION_PROPERTY} names, else one of its
   * own in the user's directory of caches; empty if the property says {@code off}, or where there
   * is no such directory.
   */
  static Optional<Path> of(String key) {
    String named = System.getProperty(Weft.CALIBRATION_PROPERTY, "").strip();
    try {
      if (!named.isEmpty()) {
        return named.equals(OFF) ? Optional.empty() : Optional.of(Path.of(named));
      }
      String name = String.format("calibration-%08x.properties", key.hashCode());
      return directory(System.getenv("XDG_CACHE_HOME"), System.getProperty("user.home"))
          .map(directory -> directory.resolve(name));
    } catch (InvalidPathException e) {
      warnOnce("calibration: not kept: {0}", e.getMessage());
      return Optional.empty();
    }
  }

  /** {@code weft} in the first of these that is an absolute path, or in the second's .cache. */
  static Optional<Path> directory(String caches, String home) {
    if (caches != null && !caches.isEmpty() && Path.of(caches).isAbsolute()) {
      return Optional.of(Path.of(caches, "weft"));
    }
    return home != null && Path.of(home).isAbsolute()
        ? Optional.of(Path.of(home, ".cache", "weft"))
        : Optional.empty();
  }

  /** What {@code file} holds, if it is a calibration for {@code key}. */
  static Optional<Calibration> read(Path file, String key) {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      if (!Files.isRegularFile(file) || Files.size(file) > MOST_BYTES) {
        throw new IllegalArgumentException("need a small regular file");
      }
      Properties properties = new Properties();
      try (Reader reader = Files.newBufferedReader(file)) {
        properties.load(reader);
      }
      Calibration read = parse(properties);
      if (!read.key().equals(key)) {
        LOG.log(
            System.Logger.Level.DEBUG,
            "calibration: {0} is of another machine or version: {1}",
            file,
            read.key());
        return Optional.empty();
      }
      if (!read.contradictions().isEmpty()) {
        LOG.log(
            System.Logger.Level.WARNING,
            "calibration: {0} is left out: {1}; remedy: weft plan, which measures again",
            file,
            String.join("; ", read.contradictions()));
        return Optional.empty();
      }
      return Optional.of(read);
    } catch (IOException | IllegalArgumentException | DateTimeException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "calibration: {0} is left out: {1}; remedy: delete it",
          file,
          e.getMessage());
      return Optional.empty();
    }
  }

  /** Replaces {@code file}; if it cannot, or there is none to replace, a warning says so. */
  static void keep(Optional<Path> file, Calibration calibration) {
    if (file.isPresent()) {
      write(file.get(), calibration);
    } else if (!System.getProperty(Weft.CALIBRATION_PROPERTY, "").strip().equals(OFF)) {
      warnOnce(
          "calibration: only this process has it: need an absolute XDG_CACHE_HOME or user.home,"
              + " got user.home={0}; remedy: -D{1}=FILE",
          System.getProperty("user.home"), Weft.CALIBRATION_PROPERTY);
    }
  }

  /** Replaces {@code file}; if it cannot, a warning says so. */
  static void write(Path file, Calibration calibration) {
    try {
      if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)
          && !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
        throw new IOException("need a regular file or none");
      }
      Path directory = file.toAbsolutePath().getParent();
      Files.createDirectories(directory);
      Path temporary = Files.createTempFile(directory, ".calibration", ".tmp");
      try {
        try (Writer writer = Files.newBufferedWriter(temporary, StandardCharsets.UTF_8)) {
          properties(calibration)
              .store(writer, "How fast weft's backends are here. It may be deleted.");
        }
        Files.move(
            temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException | RuntimeException e) { // some file systems throw the second
      warnOnce(
          "calibration: cannot write {0}, so only this process has it: {1}; remedy: -D{2}=FILE",
          file, e.toString(), Weft.CALIBRATION_PROPERTY);
    }
  }

  /** Logs why calibrations are not kept; each reason once in a process. */
  private static void warnOnce(String format, Object... values) {
    if (SAID.add(MessageFormat.format(format, values))) {
      LOG.log(System.Logger.Level.WARNING, format, values);
    }
  }

  private static Properties properties(Calibration calibration) {
    Properties properties = new Properties();
    properties.setProperty("key", calibration.key());
    properties.setProperty("made", calibration.made().toString());
    properties.setProperty("seconds", Double.toString(calibration.seconds()));
    properties.setProperty("backends", String.join(" ", calibration.backends()));
    for (BackendCosts each : calibration.costs()) {
      properties.setProperty(each.backend() + ".host", Boolean.toString(each.isHost()));
      properties.setProperty(each.backend() + ".limit_bytes", Long.toString(each.limitBytes()));
      each.lines()
          .forEach(
              (cost, line) ->
                  properties.setProperty(
                      each.backend() + "." + cost.id(),
                      line.overheadSeconds() + " " + line.secondsPerUnit()));
    }
    return properties;
  }

  private static Calibration parse(Properties properties) {
    List<BackendCosts> costs = new ArrayList<>();
    for (String backend : text(properties, "backends").split(" ")) {
      Map<Cost, Cost.Line> lines = new EnumMap<>(Cost.class);
      for (Cost cost : Cost.values()) {
        String name = backend + "." + cost.id();
        String value = properties.getProperty(name);
        if (value != null) {
          lines.put(cost, line(name, value));
        }
      }
      BackendCosts each =
          new BackendCosts(
              backend,
              Boolean.parseBoolean(text(properties, backend + ".host")),
              Long.parseLong(text(properties, backend + ".limit_bytes")),
              lines);
      if (!each.isValid()) {
        throw Checks.bad("calibration", "need all figures, each positive", "backend", backend);
      }
      costs.add(each);
    }
    return new Calibration(
        text(properties, "key"),
        Instant.parse(text(properties, "made")),
        Double.parseDouble(text(properties, "seconds")),
        costs);
  }

  private static Cost.Line line(String name, String value) {
    String[] parts = value.split(" ");
    if (parts.length != 2) {
      throw Checks.bad("calibration", "need two numbers", name, value);
    }
    return new Cost.Line(Double.parseDouble(parts[0]), Double.parseDouble(parts[1]));
  }

  private static String text(Properties properties, String name) {
    String value = properties.getProperty(name);
    if (value == null || value.isEmpty()) {
      throw Checks.bad("calibration", "need a value", "name", name);
    }
    return value;
  }
}
