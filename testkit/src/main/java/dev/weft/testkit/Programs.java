package dev.weft.testkit;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Programs of the machine that tests lean on, and JVMs of their own. */
public final class Programs {
  private static final long PATIENCE_MINUTES = 5;

  private Programs() {}

  /** Every program of this name on {@code PATH}, in its order. */
  public static List<Path> onPath(String name) {
    String path = System.getenv("PATH");
    return Arrays.stream(path == null ? new String[0] : path.split(File.pathSeparator))
        .filter(directory -> !directory.isEmpty())
        .map(directory -> Path.of(directory, name))
        .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file))
        .toList();
  }

  /**
   * What a program did.
   *
   * @param status its exit code, or −1 if it did not start
   * @param output what it wrote, or why it did not start
   */
  public record Result(int status, String output) {
    /** Whether it says that all went well. */
    public boolean ok() {
      return status == 0;
    }

    /** The last line of its output that says something, for a reason of one line. */
    public String lastLine() {
      return output.lines().filter(line -> !line.isBlank()).reduce((a, b) -> b).orElse("");
    }
  }

  /** Runs a program to its end; its two outputs are one. */
  public static Result run(List<String> command) {
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException e) {
      return new Result(-1, String.valueOf(e.getMessage()));
    }
    try (InputStream out = process.getInputStream()) {
      process.getOutputStream().close();
      String output = new String(out.readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES)) {
        throw new AssertionError(command + " does not end\n" + output);
      }
      return new Result(process.exitValue(), output);
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    } finally {
      process.destroyForcibly();
    }
  }

  /**
   * Why a compiler makes no library of a source that includes a header; empty if it does.
   *
   * @param compiler its command, {@code gcc} or {@code g++}
   * @param suffix of the sources that it compiles
   * @param header one of those that its users need
   */
  public static String whyNothingCompiles(String compiler, String suffix, String header) {
    try {
      Path folder = Files.createTempDirectory("weft-" + compiler + "-");
      Path source = folder.resolve("probe" + suffix);
      Path library = folder.resolve("probe.so");
      Files.writeString(source, "#include <" + header + ">\n");
      Result result =
          run(List.of(compiler, "-fPIC", "-shared", source.toString(), "-o", library.toString()));
      Files.deleteIfExists(library);
      Files.delete(source);
      Files.delete(folder);
      return result.ok() ? "" : "no " + compiler + " that compiles: " + result.lastLine();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Whether this is a line that a JVM writes about options that it takes from the environment. */
  public static boolean isJvmNote(String line) {
    return line.startsWith("NOTE: Picked up ") || line.startsWith("Picked up ");
  }

  /** What a program in a JVM wrote, without the JVM's own lines. */
  public static String withoutJvmNotes(String output) {
    return output.lines().filter(line -> !isJvmNote(line)).collect(Collectors.joining("\n"));
  }

  /**
   * Skips the test unless programs and libraries can be executed in the directory of temporary
   * files, which may be mounted {@code noexec}; {@code exec} requires it.
   */
  public static void needExecutableFiles() {
    Availability.need("exec", EXECUTABLE.isEmpty(), () -> EXECUTABLE);
  }

  private static final String EXECUTABLE = whyNothingExecutes();

  private static String whyNothingExecutes() {
    if (!File.separator.equals("/")) {
      return "";
    }
    try {
      Path script = Files.createTempFile("weft-exec-", ".sh");
      try {
        Files.writeString(script, "#!/bin/sh\nexit 0\n");
        if (!script.toFile().setExecutable(true)) {
          return script.getParent() + " has no executable files";
        }
        Result result = run(List.of(script.toString()));
        return result.ok() ? "" : "nothing executes in a temporary directory: " + result.output;
      } finally {
        Files.delete(script);
      }
    } catch (IOException e) {
      return "temporary files cannot be written: " + e.getMessage();
    }
  }
}
