package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.nn.Activation;
import dev.weft.nn.Labels;
import dev.weft.nn.Mlp;
import dev.weft.nn.Optimizer;
import dev.weft.random.RandomKey;
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
 *
 * <p>The learning rate is so low that thousands of steps leave weights and gradients as they are.
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
  private static final RandomKey KEY = RandomKey.of(42);

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
  private Mlp mlp;
  private Tensor x;
  private Labels labels;
  private double flop;

  /** Opens the backend, says which it is, and checks the first step. */
  @Setup(Level.Trial)
  public void open() {
    opened = Backends.open(backend, threads);
    DType type = DType.parse(dtype);
    Optimizer rule = MlpCase.optimizer(optimizer, 1e-7);
    mlp = MlpCase.perceptron(layers, Activation.parse(activation), rule, type, opened, KEY);
    x = opened.tensor(type, Shape.of(batch, mlp.layers().getFirst().inputs()));
    x.fill(Fill.uniform(0, 1), KEY.child("x"));
    int[] classes = MlpCase.classes(batch, mlp.layers().getLast().outputs());
    labels = Labels.of(classes);
    flop = MlpCase.flop(mlp, batch);
    MlpCase.check(mlp, rule, x, classes);
    System.err.println(
        opened + ", " + mlp + ", B=" + batch + " " + optimizer + " " + dtype + ", checked");
  }

  /** Checks that training did not leave the numbers, and gives all back. */
  @TearDown(Level.Trial)
  public void close() {
    if (!(mlp.loss() > 0 && mlp.loss() < 100)) {
      throw new IllegalStateException("benchmark: need a finite loss, got loss=" + mlp.loss());
    }
    mlp.close();
    x.close();
    opened.close();
  }

  /** One call. */
  @Benchmark
  public void step(Flops flops) {
    mlp.trainStep(x, labels);
    flops.add(flop);
  }
}
