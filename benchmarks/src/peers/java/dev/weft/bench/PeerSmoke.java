package dev.weft.bench;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;

/**
 * Every combination of benchmark, library, distribution, memory and threads that the peer
 * benchmarks have, once and on small operands: checked, run, checked again. Prints one line for
 * each: {@code ran}, {@code refused} with the reason, or {@code failed} with the error, and exits
 * with 1 if one failed.
 */
public final class PeerSmoke {
  private static final List<String> DISTRIBUTIONS =
      List.of("uniform", "normal", "truncated_normal", "glorot_uniform", "he_normal", "orthogonal");

  /** Of a fill: enough for its check to see a distribution, and a QR of a moment. */
  private static final String SIZE = System.getProperty("size", "1MiB");

  private final PrintStream out;
  private final String library;
  private int failures;

  private PeerSmoke(PrintStream out, String library) {
    this.out = out;
    this.library = library;
  }

  /** Runs those of the libraries that the arguments name, {@link PeerLibraries#NAMES} if none. */
  public static void main(String[] args) {
    PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    int failures = 0;
    for (String library : args.length == 0 ? PeerLibraries.NAMES : List.of(args)) {
      PeerSmoke smoke = new PeerSmoke(out, library);
      smoke.run();
      failures += smoke.failures;
    }
    System.exit(failures == 0 ? 0 : 1); // some library's threads may wait for work
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
