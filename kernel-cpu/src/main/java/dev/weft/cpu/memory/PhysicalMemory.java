package dev.weft.cpu.memory;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** How much memory this process may use: the machine's, or its control group's if that is less. */
final class PhysicalMemory {
  private PhysicalMemory() {}

  /** Bytes of memory. */
  static long bytes() {
    long total = memTotal();
    if (total == 0) {
      var system =
          (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
      return system.getTotalMemorySize();
    }
    return Math.min(total, controlGroupLimit());
  }

  /**
   * MemTotal of Linux, which costs a hundredth of what the management beans take to load; 0
   * elsewhere.
   */
  private static long memTotal() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/meminfo"))) {
        if (line.startsWith("MemTotal:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) << 10;
        }
      }
    } catch (IOException | NumberFormatException e) {
      return 0;
    }
    return 0;
  }

  private static long controlGroupLimit() {
    for (String file :
        new String[] {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
      try {
        return Long.parseLong(Files.readString(Path.of(file)).strip());
      } catch (IOException | NumberFormatException e) {
        continue; // not this version of control groups, or "max"
      }
    }
    return Long.MAX_VALUE;
  }
}
