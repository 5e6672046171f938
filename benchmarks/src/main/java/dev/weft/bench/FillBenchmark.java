package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
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

/**
 * One fill of a tensor whose memory is there already.
 *
 * <p>The defaults take about two minutes. The whole grid: {@code -p
 * distribution=constant,bits,uniform,normal,truncated_normal,glorot_uniform,he_normal -p
 * dtype=f32,f64,f16,bf16 -p size=16KiB,256KiB,4MiB,16MiB,256MiB,1GiB,4GiB -p
 * backend=scalar,cpu:128,cpu:256,cpu:512 -p threads=1,2}.
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
public class FillBenchmark {
  private static final RandomKey KEY = RandomKey.of(42);
  private static final long ROOF_NANOS = 10_000_000;
  private static final int ROOFS = 5;

  /** Name of the initializer. */
  @Param({"constant", "uniform", "normal", "truncated_normal"})
  public String distribution;

  /** Element type. */
  @Param("f32")
  public String dtype;

  /** Bytes of the tensor. */
  @Param({"256KiB", "256MiB"})
  public String size;

  /** Name of the backend; {@code cpu:256} forces vectors of 256 bits. */
  @Param("cpu")
  public String backend;

  /** Threads of one fill; 0 for one per processor. */
  @Param("1")
  public int threads;

  private Backend opened;
  private Tensor tensor;
  private Fill fill;
  private double roof;

  /** Opens the backend, says which it is, and checks the fill on the benchmark's own tensor. */
  @Setup(Level.Trial)
  public void open() {
    opened = Backends.open(backend, threads);
    DType type = DType.parse(dtype);
    tensor = opened.tensor(type, Sizes.matrix(type, Sizes.parse(size)));
    fill = Distributions.named(distribution).plan(tensor.shape());
    Agreement.check(tensor, fill, KEY);
    System.err.println(opened + ", " + tensor.shape() + " " + dtype + ", bits verified");
  }

  /** Measures the store roof of this memory with as many threads: the best of a few. */
  @Setup(Level.Iteration)
  public void measureRoof() {
    int team = threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
    roof = 0;
    for (int r = 0; r < ROOFS; r++) {
      roof = Math.max(roof, StoreRoof.bytesPerSecond(tensor.segment(), team, ROOF_NANOS));
    }
  }

  /**
   * Checks the fill once more, for before the compiler is done it may be done by other kernels, and
   * gives the memory and the backend back.
   */
  @TearDown(Level.Trial)
  public void close() {
    Agreement.check(tensor, fill, KEY);
    tensor.close();
    opened.close();
  }

  /** One call. */
  @Benchmark
  public void fill(MemoryRates rates) {
    tensor.fill(fill, KEY);
    rates.count(1, tensor.shape().elements(), tensor.byteSize(), roof);
  }
}
