package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Precision;
import dev.weft.nn.Activation;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
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
 * One step of training a perceptron: forward, softmax cross-entropy, backward, update. Products do
 * 6·B·I·O flop for each layer, a third less for the first, whose dx is not needed; what is reported
 * leaves the rest out.
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
public class TrainStepBenchmark {
  /** Inputs, outputs of each hidden layer, classes. */
  @Param({"784-128-10", "784-512-512-10"})
  public String layers;

  /** Examples of a step. */
  @Param("128")
  public int batch;

  /** Name of the hidden layers' activation. */
  @Param("relu")
  public String activation;

  /** Name of the optimizer. */
  @Param({"adam", "sgd"})
  public String optimizer;

  /** {@code f32} or {@code f64}. */
  @Param("f32")
  public String dtype;

  /** Name of the backend: {@code cpu}, {@code scalar}, {@code cpu:256} for vectors of 256 bits. */
  @Param("cpu")
  public String backend;

  /** Threads of one call; 0 for one per processor. */
  @Param({"1", "2"})
  public int threads;

  private Backend opened;
  private MlpCase.Training training;

  /** Opens the backend, says which it is, and checks the first step. */
  @Setup(Level.Trial)
  public void open() {
    opened = Backends.open(backend, threads);
    Activation hidden = Activation.parse(activation);
    DType type = DType.parse(dtype);
    training = new MlpCase.Training(opened, layers, batch, hidden, optimizer, type, Precision.F32);
    System.err.println(opened + ", " + training + " " + optimizer + " " + dtype + ", checked");
  }

  /** Checks that training did not leave the numbers, and gives all back. */
  @TearDown(Level.Trial)
  public void close() {
    training.close();
    opened.close();
  }

  /** One call. */
  @Benchmark
  public void step(Flops flops) {
    training.step();
    flops.add(training.flop());
  }
}
