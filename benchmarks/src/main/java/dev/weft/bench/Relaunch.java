package dev.weft.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;

/** Starts processes like this one. */
final class Relaunch {
  private Relaunch() {}

  /** The command of this JVM, with its flags and class path and without its main class. */
  static List<String> java() {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    return command;
  }

  /**
   * Runs {@link Main} with these arguments in {@code environment}, with the standard streams of
   * this process; returns its exit code. It ends when this process does.
   */
  static int main(String[] args, PeerEnvironment environment) throws IOException {
    List<String> command = java();
    command.addAll(1, environment.flags());
    command.add(Main.class.getName());
    command.addAll(List.of(args));
    ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
    environment.apply(builder.environment());
    Process process = builder.start();
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
    while (true) {
      try {
        return process.waitFor();
      } catch (InterruptedException e) {
        process.destroy(); // and its exit code says so
      }
    }
  }
}
