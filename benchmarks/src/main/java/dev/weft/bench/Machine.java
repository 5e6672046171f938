package dev.weft.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** What a measurement ran on. */
final class Machine {
  private static final long CHAIN = 1L << 18; // short, so that some run undisturbed
  private static final int CHAINS = 500;

  private Machine() {}

  /** Processor, caches, memory, JVM and load, one line each. */
  static String describe() {
    Runtime runtime = Runtime.getRuntime();
    return String.format(
        Locale.ROOT,
        "processor: %s, %d available, %.2f GHz measured%n"
            + "caches: %s%n"
            + "system: %s %s, load average %.2f%n"
            + "JVM: %s %s%n",
        field("/proc/cpuinfo", "model name", System.getProperty("os.arch")),
        runtime.availableProcessors(),
        clock() / 1e9,
        caches(),
        System.getProperty("os.name"),
        System.getProperty("os.version"),
        ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage(),
        System.getProperty("java.vm.name"),
        System.getProperty("java.runtime.version"));
  }

  /**
   * Cycles per second: the rate of a chain of dependent multiplications and exclusive ors, which
   * take three cycles and one on the x86-64 processors of the last decade.
   */
  static double clock() {
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

  private static String caches() {
    StringBuilder text = new StringBuilder();
    for (int index = 0; index < 8; index++) {
      Path cache = Path.of("/sys/devices/system/cpu/cpu0/cache/index" + index);
      if (Files.isDirectory(cache)) {
        text.append(text.isEmpty() ? "" : ", ")
            .append('L')
            .append(read(cache.resolve("level")))
            .append(' ')
            .append(read(cache.resolve("type")).toLowerCase(Locale.ROOT))
            .append(' ')
            .append(read(cache.resolve("size")));
      }
    }
    return text.isEmpty() ? "unknown" : text.toString();
  }

  private static String field(String file, String name, String otherwise) {
    try (var lines = Files.lines(Path.of(file))) {
      return lines
          .filter(line -> line.startsWith(name))
          .findFirst()
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .orElse(otherwise);
    } catch (IOException | RuntimeException e) {
      return otherwise;
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
