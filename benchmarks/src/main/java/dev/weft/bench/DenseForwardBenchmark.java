package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Precision;
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

/** y = f(x·w + b), 2·B·I·O flop beside the activation's. */
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
public class DenseForwardBenchmark {
  /** B, I, O: examples, inputs, outputs. */
  @Param({"32x784x128", "128x784x512", "512x1024x1024"})
  public String bio;

  /** Name of f. */
  @Param({"relu", "gelu"})
  public String activation;

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
  private DenseCase.Forward layer;

  /** Opens the backend, says which it is, and checks the layer. */
  @Setup(Level.Trial)
  public void open() {
    opened = Backends.open(backend, threads);
    Shape sizes = Shape.parse(bio.replace('x', ','));
    Activation f = Activation.parse(activation);
    DType type = DType.parse(dtype);
    layer = new DenseCase.Forward(opened, opened::tensor, type, sizes, f, Precision.F32);
    System.err.println(opened + ", " + bio + " " + activation + " " + dtype + ", checked");
  }

  /** Checks once more, other code may be at work by now, and gives all back. */
  @TearDown(Level.Trial)
  public void close() {
    layer.check();
    layer.close();
    opened.close();
  }

  /** One call. */
  @Benchmark
  public void forward(Flops flops) {
    layer.forward();
    flops.add(layer.flop());
  }
}
