package dev.weft.cli;

import dev.weft.Backend;
import dev.weft.BackendInfo;
import dev.weft.Probe;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What this machine is, as far as a figure may be compared with one from another.
 *
 * @param cpu the processor's name
 * @param arch its architecture
 * @param simd the vector extensions that the system lists; empty where it lists none
 * @param threads processors that the JVM may use
 * @param memoryBytes physical memory; 0 where unknown
 * @param os the operating system
 * @param jdk the JVM's version and vendor
 */
record Machine(
    String cpu,
    String arch,
    List<String> simd,
    int threads,
    long memoryBytes,
    String os,
    String jdk) {

  /** This machine. */
  static Machine here() {
    String arch = System.getProperty("os.arch");
    String flags = " " + cpuInfo("flags").or(() -> cpuInfo("Features")).orElse("") + " ";
    List<String> simd =
        Stream.of("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512dq", "avx512vl", "asimd", "sve")
            .filter(flag -> flags.contains(" " + flag + " "))
            .toList();
    return new Machine(
        cpuInfo("model name").orElse(arch),
        arch,
        simd,
        Runtime.getRuntime().availableProcessors(),
        physicalMemory(),
        System.getProperty("os.name") + " " + System.getProperty("os.version"),
        jdkVersion());
  }

  /** For JSON. */
  Map<String, Object> facts() {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("cpu", cpu);
    facts.put("arch", arch);
    facts.put("simd", simd);
    facts.put("threads", threads);
    facts.put("memory_bytes", memoryBytes);
    facts.put("os", os);
    facts.put("jdk", jdk);
    return facts;
  }

  /** What a result was computed with, for JSON: the backend, its device, the JDK. */
  static Map<String, Object> facts(Backend backend) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("backend", backend.info().name());
    facts.put("device", backend.info().probe().detail());
    facts.put("jdk", jdkVersion());
    return facts;
  }

  /** A backend as {@code devices} lists it, for JSON. */
  static Map<String, Object> facts(BackendInfo info) {
    Probe probe = info.probe();
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("name", info.name());
    facts.put("available", probe.available());
    facts.put("device", probe.detail());
    facts.put("reason", probe.reason());
    facts.put("remedy", probe.remedy());
    return facts;
  }

  private static String jdkVersion() {
    return Runtime.version() + " (" + System.getProperty("java.vendor") + ")";
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

  private static long physicalMemory() {
    return ManagementFactory.getOperatingSystemMXBean()
            instanceof com.sun.management.OperatingSystemMXBean system
        ? system.getTotalMemorySize()
        : 0;
  }
}
