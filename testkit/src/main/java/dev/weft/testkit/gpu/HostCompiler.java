package dev.weft.testkit.gpu;

import dev.weft.testkit.Availability;
import dev.weft.testkit.Programs;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Compiles C++ among the resources to a library with g++. What was compiled from the same sources
 * before, by this build or an earlier one, is used again: it is kept in kernel-gpu's target.
 */
final class HostCompiler {
  private static final String KERNELS = "dev/weft/gpu/kernels/";
  private static final String SHIMS = "dev/weft/testkit/gpu/";
  private static final Pattern INCLUDE = Pattern.compile("#include \"([^\"]+)\"");

  private HostCompiler() {}

  /**
   * Compiles, in a directory of its own. Skips the test where there is no g++ that compiles; {@code
   * g++} requires it.
   *
   * @param name file name of the library, and its name for the linker
   * @param sources file names
   */
  static Path build(String name, String... sources) {
    try {
      return compile(name, sources);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path compile(String name, String... sources) throws IOException {
    Map<String, String> texts = new LinkedHashMap<>();
    for (String source : sources) {
      collect(source, texts);
    }
    List<String> command = new ArrayList<>();
    command.addAll(
        List.of("g++", "-O2", "-std=c++17", "-ffp-contract=off", "-fno-strict-aliasing"));
    command.addAll(List.of("-fPIC", "-shared", "-Wall", "-Wextra", "-Werror"));
    command.addAll(List.of("-Wno-unknown-pragmas", "-Wno-unused-function"));
    command.add("-U_FORTIFY_SOURCE"); // which takes a jump between stacks for an attack
    if (hasFma()) {
      command.add("-mfma");
    }
    // symbols carry the name as their version, which JCuda's libraries ask for
    command.addAll(List.of("-Wl,-soname," + name + ",--default-symver", "-o", name));
    command.addAll(List.of(sources));

    Path module = Path.of("").toAbsolutePath().resolveSibling("kernel-gpu");
    Path target =
        Files.isDirectory(module) ? module.resolve("target") : Files.createTempDirectory("weft-");
    Path kept = target.resolve("host-" + hash(command + "\n" + texts)).resolve(name);
    if (!Files.exists(kept)) {
      String missing = Programs.whyNothingCompiles("g++", ".cpp", "cmath");
      Availability.need("g++", missing.isEmpty(), () -> missing);
      Files.createDirectories(kept.getParent());
      Path folder = Files.createTempDirectory(target, "host-");
      for (Map.Entry<String, String> text : texts.entrySet()) {
        Files.writeString(folder.resolve(text.getKey()), text.getValue());
      }
      run(command, folder);
      Files.move(folder.resolve(name), kept, StandardCopyOption.ATOMIC_MOVE);
      for (String file : texts.keySet()) {
        Files.delete(folder.resolve(file));
      }
      Files.delete(folder);
    }
    return kept;
  }

  /** A source with everything that it includes. */
  private static void collect(String file, Map<String, String> texts) throws IOException {
    if (texts.containsKey(file)) {
      return;
    }
    String text = resource(file);
    texts.put(file, text);
    Matcher include = INCLUDE.matcher(text);
    while (include.find()) {
      collect(include.group(1), texts);
    }
  }

  private static String resource(String file) throws IOException {
    ClassLoader loader = HostCompiler.class.getClassLoader();
    for (String folder : new String[] {SHIMS, KERNELS}) {
      try (InputStream in = loader.getResourceAsStream(folder + file)) {
        if (in != null) {
          return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
      }
    }
    throw new AssertionError(file + " is no resource");
  }

  private static void run(List<String> command, Path folder) throws IOException {
    Process compiler =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    String output = new String(compiler.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (!compiler.waitFor(2, TimeUnit.MINUTES) || compiler.exitValue() != 0) {
        throw new AssertionError(String.join(" ", command) + "\n" + output);
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Whether this is an x86 that has FMA: elsewhere it is the compiler's default, or a call. */
  private static boolean hasFma() throws IOException {
    Path cpu = Path.of("/proc/cpuinfo");
    return System.getProperty("os.arch").equals("amd64")
        && Files.isReadable(cpu)
        && Files.readString(cpu).contains(" fma ");
  }

  private static String hash(String text) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] all = digest.digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(all, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
