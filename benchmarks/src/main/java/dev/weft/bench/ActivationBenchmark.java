package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
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

/** An activation over a tensor, y = f(x), and its gradient, dz = dy·f'. */
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
public class ActivationBenchmark {
  /** Name of f. */
  @Param({
    "linear",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "gelu_tanh",
    "silu",
    "mish",
    "softplus",
    "sigmoid",
    "hard_sigmoid",
    "hard_swish",
    "tanh",
    "softmax",
    "log_softmax"
  })
  public String activation;

  /** Rows, columns. */
  @Param("64x1024")
  public String shape;

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
  private ActivationCase pass;

  /** Opens the backend, says which it is, and checks f and its gradient. */
  @Setup(Level.Trial)
  public void open() {
    opened = Backends.open(backend, threads);
    Shape sizes = Shape.parse(shape.replace('x', ','));
    pass = new ActivationCase(opened, Activation.parse(activation), DType.parse(dtype), sizes);
    System.err.println(opened + ", " + activation + " " + shape + " " + dtype + ", checked");
  }

  /** Checks once more, other code may be at work by now, and gives all back. */
  @TearDown(Level.Trial)
  public void close() {
    pass.check();
    pass.close();
    opened.close();
  }

  /** One call forward. */
  @Benchmark
  public void forward(Elements elements) {
    pass.forward();
    elements.add(pass.elements());
  }

  /** One call backward. */
  @Benchmark
  public void backward(Elements elements) {
    pass.backward();
    elements.add(pass.elements());
  }
}
