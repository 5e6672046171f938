package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.init.Layout;
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
 * One orthogonal fill of an n × n f32 matrix: 8/3·n³ flop, half for the Householder QR and half for
 * forming Q.
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
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class OrthogonalBenchmark {
  /** The largest |QᵀQ − I| that passes. */
  static final double LARGEST_ERROR = 1e-5;

  private static final RandomKey KEY = RandomKey.of(42);

  /** Rows and columns. */
  @Param({"512", "2048"})
  public int n;

  /** Name of the backend; {@code cpu:256} forces vectors of 256 bits. */
  @Param("cpu")
  public String backend;

  /** Threads of one fill; 0 for one per processor. */
  @Param("0")
  public int threads;

  private final Fill fill = Fill.orthogonal(1, Layout.KERAS);
  private Backend opened;
  private Tensor tensor;

  /** Opens the backend, says which it is, and checks that the result is orthogonal. */
  @Setup(Level.Trial)
  public void open() {
    opened = Backends.open(backend, threads);
    tensor = opened.tensor(DType.F32, Shape.of(n, n));
    tensor.segment().fill((byte) 0xFF);
    tensor.fill(fill, KEY);
    double error = tensor.orthogonalityError(Layout.KERAS, 1);
    if (!(error < LARGEST_ERROR)) {
      throw new IllegalStateException(
          "benchmark: need max |QᵀQ − I| < " + LARGEST_ERROR + ", got error=" + error);
    }
    System.err.println(opened + ", " + tensor.shape() + " f32, max |QᵀQ − I| = " + error);
  }

  /** Gives the memory and the backend back. */
  @TearDown(Level.Trial)
  public void close() {
    tensor.close();
    opened.close();
  }

  /** One call. */
  @Benchmark
  public void orthogonal(Flops flops) {
    tensor.fill(fill, KEY);
    flops.add(8.0 / 3 * n * n * n);
  }
}
