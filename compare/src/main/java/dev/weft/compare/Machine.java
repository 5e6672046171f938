package dev.weft.compare;

import dev.weft.Weft;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.OperatingSystemMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What results were measured on.
 *
 * @param cpu the processor's name
 * @param processors that the JVM may use
 * @param clockHertz measured, not nominal; NaN where it was not measured
 * @param simd vector extensions that the system lists
 * @param caches for example {@code L1 data 48K, L2 unified 2048K}
 * @param memoryBytes physical memory; 0 where unknown
 * @param gpu name and driver of each device; empty where there is none
 * @param os the operating system
 * @param jdk the JVM's version and vendor
 * @param libraries versions by name: those that weft is compared with
 * @param load the load average when the run began; NaN where unknown
 */
public record Machine(
    String cpu,
    int processors,
    double clockHertz,
    List<String> simd,
    String caches,
    long memoryBytes,
    List<String> gpu,
    String os,
    String jdk,
    Map<String, String> libraries,
    double load) {
  private static final long CHAIN = 1L << 18; // short, so that some run undisturbed
  private static final int CHAINS = 500;

  /** This machine; its clock and what is compared on it are not asked for. */
  public static Machine here() {
    String flags = " " + cpuInfo("flags").or(() -> cpuInfo("Features")).orElse("") + " ";
    OperatingSystemMXBean system = ManagementFactory.getOperatingSystemMXBean();
    double load = system.getSystemLoadAverage();
    return new Machine(
        cpuInfo("model name").orElse(System.getProperty("os.arch")),
        Runtime.getRuntime().availableProcessors(),
        Double.NaN,
        Stream.of("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512dq", "avx512vl", "asimd", "sve")
            .filter(flag -> flags.contains(" " + flag + " "))
            .toList(),
        listCaches(),
        system instanceof com.sun.management.OperatingSystemMXBean known
            ? known.getTotalMemorySize()
            : 0,
        Weft.backends().stream()
            .filter(info -> info.name().startsWith("gpu:") && info.probe().available())
            .map(info -> info.probe().detail())
            .toList(),
        System.getProperty("os.name") + " " + System.getProperty("os.version"),
        jdkVersion(),
        Map.of(),
        load < 0 ? Double.NaN : load);
  }

  /**
   * This machine and its clock, which takes a fraction of a second.
   *
   * @param libraries versions by name, of what is compared
   */
  public static Machine measured(Map<String, String> libraries) {
    Machine it = here();
    return new Machine(
        it.cpu,
        it.processors,
        measuredClock(),
        it.simd,
        it.caches,
        it.memoryBytes,
        it.gpu,
        it.os,
        it.jdk,
        libraries,
        it.load);
  }

  /** The version and vendor of this JVM. */
  public static String jdkVersion() {
    return Runtime.version() + " (" + System.getProperty("java.vendor") + ")";
  }

  /** The same in a few lines. */
  public String describe() {
    List<String> lines = new ArrayList<>();
    lines.add(
        String.format(
            Locale.ROOT,
            "processor: %s, %d available%s",
            cpu,
            processors,
            clockHertz > 0
                ? String.format(Locale.ROOT, ", %.2f GHz measured", clockHertz * 1e-9)
                : ""));
    lines.add("vectors: " + String.join(" ", simd) + "; caches: " + caches);
    gpu.forEach(device -> lines.add("GPU: " + device));
    lines.add(String.format(Locale.ROOT, "system: %s, load average %.2f", os, load));
    lines.add("JVM: " + jdk);
    libraries.forEach((name, version) -> lines.add(name + ": " + version));
    return String.join("\n", lines);
  }

  /**
   * Cycles per second: the rate of a chain of dependent multiplications and exclusive ors, which
   * take three cycles and one on the x86-64 processors of the last decade.
   */
  private static double measuredClock() {
    double best = 0;
    long x = 1;
    for (int r = 0; r < CHAINS; r++) {
      long start = System.nanoTime();
      x = chain(x);
      best = Math.max(best, 4.0 * CHAIN * 1e9 / (System.nanoTime() - start));
    }
    return x == 0 ? Double.NaN : best;
  }

  private static long chain(long x) {
    for (long i = 0; i < CHAIN; i++) {
      x = (x ^ i) * 6364136223846793005L;
    }
    return x;
  }

  private static String listCaches() {
    List<String> caches = new ArrayList<>();
    for (int index = 0; index < 8; index++) {
      Path cache = Path.of("/sys/devices/system/cpu/cpu0/cache/index" + index);
      if (Files.isDirectory(cache)) {
        caches.add(
            "L"
                + read(cache.resolve("level"))
                + " "
                + read(cache.resolve("type")).toLowerCase(Locale.ROOT)
                + " "
                + read(cache.resolve("size")));
      }
    }
    return caches.isEmpty() ? "unknown" : String.join(", ", caches);
  }

  private static Optional<String> cpuInfo(String key) {
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .filter(line -> line.startsWith(key))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst();
    } catch (IOException e) {
      return Optional.empty(); // not Linux
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      return "?";
    }
  }
}
