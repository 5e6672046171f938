package dev.weft.bench;

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * One library in a process of its own, which measures when {@link PeerProcess} tells it to. It
 * reads a line and answers with one that begins with {@link #MARK}: {@code open THREADS CASE} makes
 * and checks a case, {@code run NANOS} answers with its rate, {@code close} checks it once more. It
 * ends when there is nothing more to read.
 */
public final class PeerWorker {
  /** What answers begin with, among the lines that libraries print themselves. */
  static final String MARK = "weft-turn: ";

  private static final int PR_SET_PDEATHSIG = 1; // of Linux
  private static final long SIGKILL = 9;

  private final String library;
  private Contestant contestant;
  private double work;

  private PeerWorker(String library) {
    this.library = library;
  }

  /** Serves the library that the argument names. */
  public static void main(String[] args) throws IOException {
    PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    endWithParent();
    PeerWorker worker = new PeerWorker(args[0]);
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String answer;
      try {
        answer = "ok " + worker.answer(line);
      } catch (IllegalStateException | IllegalArgumentException | LinkageError e) {
        answer = "no " + e.getMessage();
      }
      out.println("\n" + MARK + answer.replaceAll("\\s*\\R\\s*", " "));
    }
    System.exit(0); // some library's threads may wait for work that does not come
  }

  /** A process that is stopped does not read that there is nothing more to read. */
  @SuppressWarnings("restricted") // the JDK has no way to ask for it
  private static void endWithParent() {
    FunctionDescriptor type =
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG);
    try {
      int failed =
          (int)
              Linker.nativeLinker()
                  .downcallHandle(
                      Linker.nativeLinker().defaultLookup().findOrThrow("prctl"),
                      type,
                      Linker.Option.firstVariadicArg(1))
                  .invokeExact(PR_SET_PDEATHSIG, SIGKILL);
      if (failed != 0) {
        throw new IllegalStateException("peer: need prctl to succeed, got " + failed);
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("a C function threw", e);
    }
  }

  private String answer(String line) {
    String[] words = line.split(" ", 3);
    return switch (words[0]) {
      case "open" -> {
        PeerBenchmark benchmark = PeerCases.parse(words[2]);
        benchmark.threads = Integer.parseInt(words[1]);
        benchmark.library(library);
        contestant = benchmark.contestant();
        contestant.check();
        work = benchmark.work();
        yield contestant.toString();
      }
      case "run" ->
          String.valueOf(
              1e-9 * work * Rounds.callsPerSecond(contestant::run, Long.parseLong(words[1])));
      case "close" -> {
        contestant.check();
        contestant.close();
        yield "";
      }
      default -> throw new IllegalArgumentException("peer: need open, run or close, got " + line);
    };
  }
}
