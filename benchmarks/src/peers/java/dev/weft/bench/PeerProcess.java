package dev.weft.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A {@link PeerWorker} of one library. Between its turns it is stopped, so that threads which wait
 * by spinning do not take the processor from the library whose turn it is.
 */
final class PeerProcess implements AutoCloseable {
  private static final int SIGCONT = 18; // of Linux on x86-64
  private static final int SIGSTOP = 19;

  @SuppressWarnings("restricted") // the JDK has no way to stop a process
  private static final MethodHandle KILL =
      Linker.nativeLinker()
          .downcallHandle(
              Linker.nativeLinker().defaultLookup().findOrThrow("kill"),
              FunctionDescriptor.of(
                  ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

  private final Process process;
  private final BufferedReader answers;

  /** Starts the process of {@code library}, stopped. */
  PeerProcess(String library) {
    List<String> command = new ArrayList<>(Relaunch.java());
    command.addAll(List.of(PeerWorker.class.getName(), library));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
    try {
      process = builder.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    answers = process.inputReader(StandardCharsets.UTF_8);
    signal(SIGSTOP);
  }

  /**
   * Lets the process answer a line.
   *
   * @throws IllegalStateException with what it says, if it refuses, or if it has ended
   */
  String ask(String line) {
    signal(SIGCONT);
    try {
      process.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
      process.getOutputStream().flush();
      String last = "";
      for (String it = answers.readLine(); it != null; it = answers.readLine()) {
        if (it.startsWith(PeerWorker.MARK)) {
          String answer = it.substring(PeerWorker.MARK.length());
          if (answer.startsWith("no ")) {
            throw new IllegalStateException(answer.substring(3));
          }
          return answer.substring(3);
        }
        last = it;
      }
      throw new IllegalStateException("peer: need a process that goes on, got output=" + last);
    } catch (IOException e) {
      throw new IllegalStateException("peer: need a process that goes on, got " + e, e);
    } finally {
      signal(SIGSTOP);
    }
  }

  private void signal(int number) {
    try {
      int failed = (int) KILL.invokeExact(Math.toIntExact(process.pid()), number);
      assert failed == 0 || !process.isAlive();
    } catch (Throwable e) {
      throw new AssertionError("a C function threw", e);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
