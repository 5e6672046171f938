package dev.weft.gpu.kernels;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Compiles C++ among the test resources to a library with g++, in a directory of its own. */
public final class HostCompiler {
  private HostCompiler() {}

  /**
   * Compiles with the kernels' folder as an include path.
   *
   * @param name file name of the library, and its name for the linker
   * @param sources resources, as absolute names
   * @return the library; the JVM deletes it at its end
   * @throws IOException if g++ does not start
   */
  public static Path build(String name, String... sources) throws IOException {
    Path folder = Files.createTempDirectory("weft-shim");
    Path library = folder.resolve(name);
    Path kernels = resource("/dev/weft/gpu/kernels/fill.cu").getParent();
    List<String> command = new ArrayList<>();
    command.addAll(
        List.of("g++", "-O2", "-std=c++17", "-ffp-contract=off", "-fno-strict-aliasing"));
    command.addAll(List.of("-fPIC", "-shared", "-Wall", "-Wextra", "-Werror"));
    command.addAll(List.of("-Wno-unknown-pragmas", "-Wno-unused-function"));
    if (hasFma()) {
      command.add("-mfma");
    }
    // symbols carry the name as their version, which JCuda's libraries ask for
    command.add("-Wl,-soname," + name + ",--default-symver");
    command.addAll(List.of("-I", kernels.toString()));
    command.addAll(List.of("-o", library.toString()));
    for (String source : sources) {
      command.add(resource(source).toString());
    }
    Process compiler = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(compiler.getInputStream().readAllBytes());
    try {
      if (!compiler.waitFor(1, TimeUnit.MINUTES) || compiler.exitValue() != 0) {
        throw new AssertionError(String.join(" ", command) + "\n" + output);
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder)));
    return library;
  }

  /** Whether this is an x86 that has FMA: elsewhere it is the compiler's default, or a call. */
  private static boolean hasFma() throws IOException {
    Path cpu = Path.of("/proc/cpuinfo");
    return System.getProperty("os.arch").equals("amd64")
        && Files.isReadable(cpu)
        && Files.readString(cpu).contains(" fma ");
  }

  private static Path resource(String name) {
    URL url = HostCompiler.class.getResource(name);
    if (url == null) {
      throw new AssertionError(name + " is no resource");
    }
    try {
      return Path.of(url.toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private static void delete(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(folder);
    } catch (IOException e) {
      // the system clears its folder of temporary files
    }
  }
}
