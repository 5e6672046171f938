package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.nn.Activation;
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
  private static final RandomKey KEY = RandomKey.of(42);

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
  private Activation f;
  private Tensor x;
  private Tensor y;
  private Tensor saved;
  private Tensor dy;
  private Tensor dz;

  /** Opens the backend, says which it is, and checks f and its gradient. */
  @Setup(Level.Trial)
  public void open() {
    opened = Backends.open(backend, threads);
    f = Activation.parse(activation);
    x = tensor();
    y = tensor();
    dy = tensor();
    dz = tensor();
    saved = f.kind().derivativeOfInput() ? x : y;
    x.fill(Fill.uniform(-8, 8), KEY.child("x"));
    dy.fill(Fill.uniform(-1, 1), KEY.child("dy"));
    check();
    System.err.println(opened + ", " + activation + " " + shape + " " + dtype + ", checked");
  }

  private Tensor tensor() {
    return opened.tensor(DType.parse(dtype), Shape.parse(shape.replace('x', ',')));
  }

  private void check() {
    y.segment().fill((byte) 0xFF);
    dz.segment().fill((byte) 0xFF);
    f.forward(x, y);
    f.backward(saved, dy, dz);

    int columns = Math.toIntExact(x.shape().dim(1));
    double error = DenseCheck.HALF_ULPS * DenseCheck.halfUlp(x.dtype());
    double[] z = Naive.read(x);
    double[] value = Naive.activate(f, z, columns);
    double[] gradient = Naive.gradient(f, z, Naive.read(dy), columns);
    double[] bounds = new double[z.length];
    double[] gradientBounds = new double[z.length];
    for (int i = 0; i < z.length; i++) {
      bounds[i] = error * Math.max(1, Math.abs(value[i]));
      gradientBounds[i] = 2 * error; // |dy| <= 1
    }
    DenseCheck.requireClose("y", Naive.read(y), value, bounds);
    DenseCheck.requireClose("dz", Naive.read(dz), gradient, gradientBounds);
  }

  /** Checks once more, other code may be at work by now, and gives all back. */
  @TearDown(Level.Trial)
  public void close() {
    check();
    x.close();
    y.close();
    dy.close();
    dz.close();
    opened.close();
  }

  /** One call forward. */
  @Benchmark
  public void forward(Elements elements) {
    f.forward(x, y);
    elements.add(x.shape().elements());
  }

  /** One call backward. */
  @Benchmark
  public void backward(Elements elements) {
    f.backward(saved, dy, dz);
    elements.add(x.shape().elements());
  }
}
