package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.nn.Optimizer;
import dev.weft.nn.OptimizerState;
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

/** One step of an optimizer on a tensor of parameters. */
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
public class UpdateBenchmark {
  private static final RandomKey KEY = RandomKey.of(42);
  private static final int CHECKED_STEPS = 3;

  /** Name of the optimizer. */
  @Param({"adam", "sgd"})
  public String optimizer;

  /** Parameters. */
  @Param("1000000")
  public int parameters;

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
  private Tensor w;
  private Tensor g;
  private OptimizerState state;

  /** Opens the backend, says which it is, and checks the first steps. */
  @Setup(Level.Trial)
  public void open() {
    opened = Backends.open(backend, threads);
    DType type = DType.parse(dtype);
    Optimizer rule = MlpCase.optimizer(optimizer, 1e-3);
    w = opened.tensor(type, Shape.of(parameters));
    w.fill(Fill.uniform(-1, 1), KEY.child("w"));
    g = opened.tensor(type, Shape.of(parameters));
    state = rule.state(w);

    double[] expected = Naive.read(w);
    double[] moved = new double[parameters];
    double[][] slots = new double[2][parameters];
    for (int t = 1; t <= CHECKED_STEPS; t++) {
      g.fill(Fill.uniform(-1, 1), KEY.child("g" + t));
      state.update(g);
      double[] before = expected.clone();
      Naive.update(rule, t, expected, Naive.read(g), slots);
      for (int i = 0; i < parameters; i++) {
        moved[i] += Math.abs(expected[i] - before[i]);
      }
    }
    double u = DenseCheck.halfUlp(type);
    double[] bounds = new double[parameters];
    for (int i = 0; i < parameters; i++) {
      bounds[i] = CHECKED_STEPS * u + DenseCheck.HALF_ULPS * u * moved[i];
    }
    DenseCheck.requireClose("w", Naive.read(w), expected, bounds);
    System.err.println(opened + ", " + rule + " " + dtype + ", checked");
  }

  /** Checks that the parameters are numbers, and gives all back. */
  @TearDown(Level.Trial)
  public void close() {
    for (double parameter : Naive.read(w)) {
      if (!Double.isFinite(parameter)) {
        throw new IllegalStateException("benchmark: need finite parameters, got " + parameter);
      }
    }
    state.close();
    w.close();
    g.close();
    opened.close();
  }

  /** One call. */
  @Benchmark
  public void update(Elements elements) {
    state.update(g);
    elements.add(parameters);
  }
}
