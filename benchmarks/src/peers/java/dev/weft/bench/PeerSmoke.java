package dev.weft.bench;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Every combination of benchmark, library, distribution, memory and threads that the peer
 * benchmarks have, once and on small operands: checked, run, checked again. Prints one line for
 * each: {@code ran}, {@code refused} with the reason, or {@code failed} with the error, and exits
 * with 1 if one failed. Without arguments each library has a process of its own, and one more shows
 * that a second BLAS in a process is refused.
 */
public final class PeerSmoke {
  private static final List<String> DISTRIBUTIONS =
      List.of("uniform", "normal", "truncated_normal", "glorot_uniform", "he_normal", "orthogonal");

  /** Of a fill: enough for its check to see a distribution, and a QR of a moment. */
  private static final String SIZE = System.getProperty("size", "1MiB");

  private static final String CONTROL = "control";

  private final PrintStream out;
  private final String library;
  private int failures;

  private PeerSmoke(PrintStream out, String library) {
    this.out = out;
    this.library = library;
  }

  /** Runs the library that the argument names, or all of them. */
  public static void main(String[] args) throws IOException, InterruptedException {
    PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    int failures = 0;
    if (args.length == 0) {
      List<String> all = new ArrayList<>(PeerLibraries.NAMES);
      all.add(CONTROL);
      for (String library : all) {
        failures += process(library);
      }
    } else if (args[0].equals(CONTROL)) {
      failures = control(out);
    } else {
      PeerSmoke smoke = new PeerSmoke(out, args[0]);
      smoke.run();
      failures = smoke.failures;
    }
    System.exit(failures == 0 ? 0 : 1); // some library's threads may wait for work
  }

  private static int process(String library) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(Relaunch.java());
    command.addAll(List.of(PeerSmoke.class.getName(), library));
    ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
    PeerEnvironment.here(PeerEnvironment.Width.WIDEST).apply(builder.environment());
    return builder.start().waitFor();
  }

  /** MKL would answer for a library that is loaded after it: such a process is refused. */
  private static int control(PrintStream out) {
    Blas.load("mkl", 1);
    try {
      Blas.load("openblas", 1);
    } catch (IllegalStateException e) {
      boolean refused = e.getMessage().startsWith("peer: need a process without another BLAS");
      out.println("control: " + (refused ? "refused: " : "failed: ") + e.getMessage());
      return refused ? 0 : 1;
    }
    out.println("control: failed: OpenBLAS was loaded beside MKL");
    return 1;
  }

  private void run() {
    for (int threads = 1; threads <= 2; threads++) {
      for (String distribution : DISTRIBUTIONS) {
        for (String memory : List.of("reused", "fresh")) {
          PeerFillBenchmark fill = new PeerFillBenchmark();
          fill.distribution = distribution;
          fill.memory = memory;
          fill.size = SIZE;
          run("fill " + distribution + " " + memory, fill, threads);
        }
      }
      for (String dtype : List.of("f32", "f64")) {
        PeerGemmBenchmark gemm = new PeerGemmBenchmark();
        gemm.mnk = "33x65x129";
        gemm.dtype = dtype;
        run("gemm " + dtype, gemm, threads);
      }
      PeerDenseForwardBenchmark forward = new PeerDenseForwardBenchmark();
      forward.bio = "17x65x33";
      run("forward", forward, threads);
      PeerDenseBackwardBenchmark backward = new PeerDenseBackwardBenchmark();
      backward.bio = "17x65x33";
      run("backward", backward, threads);
      for (String optimizer : List.of("adam", "sgd")) {
        PeerTrainStepBenchmark step = new PeerTrainStepBenchmark();
        step.layers = "33-65-17-5";
        step.batch = 19;
        step.optimizer = optimizer;
        run("step " + optimizer, step, threads);
      }
    }
  }

  private void run(String name, PeerBenchmark benchmark, int threads) {
    Consumer<String> say =
        said -> out.println(library + ", " + name + ", threads=" + threads + ": " + said);
    benchmark.threads = threads;
    benchmark.library(library);
    Contestant contestant;
    try {
      contestant = benchmark.contestant();
    } catch (IllegalStateException e) {
      say.accept("refused: " + e.getMessage());
      return;
    } catch (IllegalArgumentException e) {
      say.accept("not offered: " + e.getMessage());
      return;
    }
    try {
      contestant.check();
      contestant.run();
      contestant.check();
      say.accept("ran: " + contestant);
    } catch (IllegalStateException e) {
      failures++;
      say.accept("failed: " + e.getMessage());
    } finally {
      contestant.close();
    }
  }
}
