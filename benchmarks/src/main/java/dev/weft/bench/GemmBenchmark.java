package dev.weft.bench;

import dev.weft.Accuracy;
import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Matrix;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
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

/** One product C = A·B, 2·M·N·K flop, in memory of the backend's own. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(
    value = 2,
    jvmArgsAppend = {
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED",
      "-Xms256m"
    })
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class GemmBenchmark {
  private static final RandomKey KEY = RandomKey.of(42);
  private static final int CHECKED = 97;

  /** M, N, K: squares, and what dense layers of (batch, inputs, outputs) need forward. */
  @Param({
    "64x64x64",
    "128x128x128",
    "256x256x256",
    "512x512x512",
    "1024x1024x1024",
    "2048x2048x2048",
    "1x4096x4096",
    "32x128x784",
    "128x128x784",
    "512x1024x1024",
    "64x1024x4096",
    "2048x2048x512"
  })
  public String mnk;

  /** N or T for each of A and B: as it lies in memory, or transposed. */
  @Param({"NN"})
  public String transposes;

  /** {@code f32} or {@code f64}. */
  @Param({"f32", "f64"})
  public String dtype;

  /** Name of the backend; {@code cpu:256} forces vectors of 256 bits. */
  @Param("cpu")
  public String backend;

  /** Threads of one product; 0 for one per processor. */
  @Param({"1", "0"})
  public int threads;

  private Backend opened;
  private Tensor left;
  private Tensor right;
  private Tensor result;
  private Matrix a;
  private Matrix b;
  private Matrix c;

  /** Opens the backend, says which it is, and checks elements of the product. */
  @Setup(Level.Trial)
  public void open() {
    opened = Backends.open(backend, threads);
    Shape sizes = Shape.parse(mnk.replace('x', ','));
    left = random(sizes.dim(0), sizes.dim(2), transposes.charAt(0) == 'T', "a");
    right = random(sizes.dim(2), sizes.dim(1), transposes.charAt(1) == 'T', "b");
    result = opened.tensor(DType.parse(dtype), Shape.of(sizes.dim(0), sizes.dim(1)));
    result.segment().fill((byte) 0xFF);
    a = transposes.charAt(0) == 'T' ? Matrix.of(left).transposed() : Matrix.of(left);
    b = transposes.charAt(1) == 'T' ? Matrix.of(right).transposed() : Matrix.of(right);
    c = Matrix.of(result);
    opened.gemm(1, a, b, 0, c);
    long elements = result.shape().elements();
    for (int i = 0; i < CHECKED; i++) {
      check((elements - 1) * i / (CHECKED - 1));
    }
    System.err.println(opened + ", " + mnk + " " + dtype + ", checked");
  }

  private Tensor random(long rows, long columns, boolean transposed, String name) {
    Shape shape = transposed ? Shape.of(columns, rows) : Shape.of(rows, columns);
    Tensor tensor = opened.tensor(DType.parse(dtype), shape);
    tensor.fill(Fill.uniform(-1, 1), KEY.child(name));
    return tensor;
  }

  private void check(long element) {
    long i = element / c.columns();
    long j = element % c.columns();
    double sum = 0;
    double magnitude = 0;
    for (long k = 0; k < a.columns(); k++) {
      long leftAt = transposes.charAt(0) == 'T' ? k * a.rows() + i : i * a.columns() + k;
      long rightAt = transposes.charAt(1) == 'T' ? j * b.rows() + k : k * b.columns() + j;
      double product = left.get(leftAt) * right.get(rightAt);
      sum += product;
      magnitude += Math.abs(product);
    }
    double error = Math.abs(result.get(element) - sum);
    double bound = 2 * Accuracy.gemm(result.dtype(), a.columns(), magnitude); // the check's own
    if (!(error <= bound)) {
      throw new IllegalStateException(
          "benchmark: need an error of at most " + bound + ", got error=" + error);
    }
  }

  /** Gives the memory and the backend back. */
  @TearDown(Level.Trial)
  public void close() {
    left.close();
    right.close();
    result.close();
    opened.close();
  }

  /** One call. */
  @Benchmark
  public void gemm(Flops flops) {
    opened.gemm(1, a, b, 0, c);
    flops.add(2.0 * c.rows() * c.columns() * a.columns());
  }
}
