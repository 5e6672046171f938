package dev.weft.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One operation by weft or by a library of others. Each library has a JVM of its own, for their
 * threads wait for work by spinning. One that cannot be loaded ends its run with the reason.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(
    value = 1,
    jvmArgsAppend = {
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED",
      "-Xms256m"
    })
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public abstract class PeerBenchmark {
  /** Threads of one call. */
  @Param({"1", "2"})
  public int threads;

  private Contestant contestant;

  /** Loads the library, says which it is, and checks the operation. */
  @Setup(Level.Trial)
  public void open() {
    contestant = contestant();
    contestant.check();
    System.err.println(contestant + ", checked");
  }

  /** Checks once more and gives all back. */
  @TearDown(Level.Trial)
  public void close() {
    contestant.check();
    contestant.close();
  }

  /** One call. */
  void run() {
    contestant.run();
  }

  /** Sets the parameter of that name. */
  abstract void library(String name);

  /** What the parameters ask for. */
  abstract Contestant contestant();

  /** What a call does: floating-point operations, or bytes of a fill. */
  abstract double work();

  /** Why {@code library} does not run. */
  static IllegalStateException unavailable(String library, Throwable reason) {
    Throwable cause = reason;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return new IllegalStateException(
        "peer: need a library that can be loaded, got library="
            + library
            + ", reason="
            + reason
            + (cause == reason ? "" : ", cause=" + cause),
        reason);
  }

  /** Why {@code library} has nothing to be compared with {@code what}. */
  static IllegalStateException refused(String library, String what, String reason) {
    return new IllegalStateException(
        "peer: need a library that can do it, got library="
            + library
            + ", "
            + what
            + ", reason="
            + reason);
  }

  /** That {@code library} is not one of those here. */
  static IllegalArgumentException unknown(String library) {
    return new IllegalArgumentException("peer: need a library of those listed, got " + library);
  }
}
