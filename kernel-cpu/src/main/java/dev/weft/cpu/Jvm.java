package dev.weft.cpu;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/** What this JVM does with arithmetic: asked of itself and measured, whatever the processor has. */
final class Jvm {
  /** The level of HotSpot's optimizing compiler. */
  private static final int OPTIMIZED = 4;

  /** Operations of a measurement, a microsecond where they are instructions. */
  private static final int CALLS = 64;

  private static final int ROUNDS = 3;

  /** Names of options that matter here, and where others may be written. */
  private static final Pattern OPTIONS =
      Pattern.compile("Tiered|Compil|Vector|Flags|VMOptionsFile|[\\s\\x00]@");

  /**
   * The most that a fused multiply-add takes of a product and a sum where it is an instruction: 10
   * in the interpreter, which calls it, and 1 in compiled code. Java's emulation takes hundreds.
   */
  private static final int MOST = 40;

  private Jvm() {}

  /** The value of an option of HotSpot; empty for one that this JVM does not have. */
  static Optional<String> option(String name) {
    try {
      HotSpotDiagnosticMXBean options =
          ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
      return options == null ? Optional.empty() : Optional.of(options.getVMOption(name).getValue());
    } catch (IllegalArgumentException | NullPointerException | LinkageError e) {
      // it has no such option, or is an image without the beans
      return Optional.empty();
    }
  }

  /** Whether hot code reaches the optimizing compiler. */
  static boolean optimizes() {
    String mode = System.getProperty("java.vm.info", "");
    boolean compiles = mode.contains("mixed mode") || mode.contains("compiled mode");
    if (!compiles || mode.contains("emulated-client")) {
      return false;
    }
    return isPlain()
        || is("UseCompiler", true)
            && option("TieredStopAtLevel").map(Integer::parseInt).orElse(OPTIMIZED) >= OPTIMIZED;
  }

  /**
   * Whether no option can have to do with compilers or vectors, by the words that began this
   * process, where Linux shows them. The management beans, which know the options' values, take
   * some 20 ms to load, a good part of the time of a small command.
   */
  static boolean isPlain() {
    try {
      String words = Files.readString(Path.of("/proc/self/cmdline"), StandardCharsets.ISO_8859_1);
      for (String variable : List.of("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS")) {
        words += "\0" + Objects.requireNonNullElse(System.getenv(variable), "");
      }
      return isPlain(words);
    } catch (IOException e) { // not Linux
      return false;
    }
  }

  /** Whether {@code words}, divided by NUL, are of a program java, without such options. */
  static boolean isPlain(String words) {
    return words.substring(0, Math.max(0, words.indexOf('\0'))).matches("(?s)(.*/)?java")
        && !OPTIONS.matcher(words).find();
  }

  /** Whether an option has this value, or is not there. */
  static boolean is(String name, boolean value) {
    return option(name).map(text -> Boolean.parseBoolean(text) == value).orElse(true);
  }

  /**
   * Whether a fused multiply-add is an instruction: measured, some microseconds where it is one.
   */
  static boolean fuses() {
    long fused = Long.MAX_VALUE;
    long plain = Long.MAX_VALUE;
    double sum = 0;
    for (int i = 0; i < ROUNDS; i++) {
      long begin = System.nanoTime();
      sum += fused(i + 1);
      long middle = System.nanoTime();
      sum += plain(i + 1);
      long end = System.nanoTime();
      fused = Math.min(fused, middle - begin);
      plain = Math.min(plain, end - middle);
    }
    return Double.isFinite(sum) && fused <= MOST * Math.max(1, plain); // sum: nothing is left out
  }

  private static double fused(double x) {
    for (int i = 0; i < CALLS; i++) {
      x = Math.fma(x, 0.999, 0.001);
    }
    return x;
  }

  private static double plain(double x) {
    for (int i = 0; i < CALLS; i++) {
      x = x * 0.999 + 0.001;
    }
    return x;
  }
}
