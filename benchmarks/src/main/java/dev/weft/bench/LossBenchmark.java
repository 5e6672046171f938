package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.nn.Labels;
import dev.weft.nn.Loss;
import dev.weft.random.RandomKey;
import java.util.Arrays;
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

/** Softmax cross-entropy of logits with labels, and its gradient. */
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
public class LossBenchmark {
  private static final RandomKey KEY = RandomKey.of(42);

  /** Examples, classes. */
  @Param({"128x10", "512x1000"})
  public String classes;

  /** {@code f32} or {@code f64}. */
  @Param("f32")
  public String dtype;

  /** Name of the backend: {@code cpu}, {@code scalar}, {@code cpu:256} for vectors of 256 bits. */
  @Param("cpu")
  public String backend;

  /** Threads of one call; 0 for one per processor. */
  @Param({"1", "2"})
  public int threads;

  private final Loss loss = Loss.softmaxCrossEntropy();
  private Backend opened;
  private Tensor logits;
  private Tensor gradient;
  private Tensor value;
  private int[] classOf;
  private Labels labels;

  /** Opens the backend, says which it is, and checks the loss and its gradient. */
  @Setup(Level.Trial)
  public void open() {
    opened = Backends.open(backend, threads);
    DType type = DType.parse(dtype);
    Shape sizes = Shape.parse(classes.replace('x', ','));
    logits = opened.tensor(type, sizes);
    logits.fill(Fill.uniform(-8, 8), KEY);
    gradient = opened.tensor(type, sizes);
    value = opened.tensor(DType.F64, Shape.of(1));
    classOf = MlpCase.classes(Math.toIntExact(sizes.dim(0)), sizes.dim(1));
    labels = Labels.of(classOf);
    check();
    System.err.println(opened + ", " + classes + " " + dtype + ", checked");
  }

  private void check() {
    gradient.segment().fill((byte) 0xFF);
    value.segment().fill((byte) 0xFF);
    loss.gradient(logits, labels, gradient, value);

    double error = DenseCheck.HALF_ULPS * DenseCheck.halfUlp(logits.dtype());
    double[] z = Naive.read(logits);
    double[] dz = new double[z.length];
    double[] mean = {Naive.crossEntropy(z, classOf, dz)};
    DenseCheck.requireClose("loss", Naive.read(value), mean, new double[] {error * mean[0]});
    double[] bounds = new double[z.length];
    Arrays.fill(bounds, error / classOf.length);
    DenseCheck.requireClose("gradient", Naive.read(gradient), dz, bounds);
  }

  /** Checks once more, other code may be at work by now, and gives all back. */
  @TearDown(Level.Trial)
  public void close() {
    check();
    logits.close();
    gradient.close();
    value.close();
    opened.close();
  }

  /** One call. */
  @Benchmark
  public void gradient(Elements elements) {
    loss.gradient(logits, labels, gradient, value);
    elements.add(logits.shape().elements());
  }
}
