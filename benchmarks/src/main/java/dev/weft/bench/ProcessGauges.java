package dev.weft.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/**
 * What this process holds, after a full garbage collection. What only Linux's {@code /proc} says is
 * NaN elsewhere, and is left out of the table.
 *
 * @param residentMiB memory that is in use, by the system's account
 * @param heapMiB the same of the Java heap
 * @param heldBytes memory of weft's backends
 * @param descriptors open files
 * @param threads of the process
 * @param maps mapped ranges of memory
 */
record ProcessGauges(
    double residentMiB,
    double heapMiB,
    double heldBytes,
    double descriptors,
    double threads,
    double maps) {
  private static final Path PROC = Path.of("/proc/self");
  private static final double MIB = 1 << 20;

  /** Threads of cleaners and pools end a little later than what they served. */
  private static final long SETTLE_MILLIS = 50;

  /** What is held now. */
  static ProcessGauges now(long heldBytes) throws IOException {
    for (int i = 0; i < 2; i++) { // what the first finds unreachable, the second frees
      System.gc();
      try {
        Thread.sleep(SETTLE_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    double heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() / MIB;
    if (!Files.isReadable(PROC.resolve("status"))) {
      double threads = ManagementFactory.getThreadMXBean().getThreadCount();
      return new ProcessGauges(Double.NaN, heap, heldBytes, Double.NaN, threads, Double.NaN);
    }
    double resident = Double.NaN;
    double threads = Double.NaN;
    for (String line : Files.readAllLines(PROC.resolve("status"))) {
      String[] words = line.split("\\s+");
      if (words[0].equals("VmRSS:")) {
        resident = Long.parseLong(words[1]) / 1024.0;
      } else if (words[0].equals("Threads:")) {
        threads = Long.parseLong(words[1]);
      }
    }
    return new ProcessGauges(
        resident, heap, heldBytes, entries(PROC.resolve("fd")), threads, mappedRanges());
  }

  private static double entries(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.count();
    }
  }

  private static double mappedRanges() throws IOException {
    try (Stream<String> lines = Files.lines(PROC.resolve("maps"))) {
      return lines.count();
    }
  }

  /**
   * How each went. Resident memory and maps hold what malloc, the collector and the compiler keep
   * for themselves, and may grow by that; of all else there is as much at the end.
   */
  static List<Trend> trends(List<ProcessGauges> samples) {
    List<Trend> trends = new ArrayList<>();
    add(trends, "resident memory, MiB", samples, ProcessGauges::residentMiB, 64);
    add(trends, "Java heap after GC, MiB", samples, ProcessGauges::heapMiB, 4);
    add(trends, "weft's own memory, bytes", samples, ProcessGauges::heldBytes, 0);
    add(trends, "file descriptors", samples, ProcessGauges::descriptors, 2);
    add(trends, "threads", samples, ProcessGauges::threads, 4);
    add(trends, "maps", samples, ProcessGauges::maps, 32);
    return trends;
  }

  private static void add(
      List<Trend> trends,
      String name,
      List<ProcessGauges> samples,
      ToDoubleFunction<ProcessGauges> gauge,
      double tolerance) {
    double[] values = samples.stream().mapToDouble(gauge).toArray();
    if (!Double.isNaN(values[0])) {
      trends.add(new Trend(name, values, tolerance));
    }
  }
}
