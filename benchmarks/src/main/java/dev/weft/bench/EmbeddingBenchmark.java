package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
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

/**
 * What memory of another owner costs: to be handed over, and to be filled where it lies, beside
 * weft's own.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(
    value = 3,
    jvmArgsAppend = {
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED",
      "-Xmx1g"
    })
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class EmbeddingBenchmark {
  private static final RandomKey KEY = RandomKey.of(42);

  /** Whose memory it is. */
  @Param({"native", "array", "buffer", "segment", "dlpack"})
  public String memory;

  /** Bytes of the tensor. */
  @Param({"64KiB", "16MiB"})
  public String size;

  /** Name of the backend. */
  @Param("cpu")
  public String backend;

  /** Threads of one fill; 0 for one per processor. */
  @Param("1")
  public int threads;

  private final Fill fill = Fill.uniform(-1, 1);
  private Backend opened;
  private ForeignMemory foreign;
  private Tensor tensor;

  /** Opens the backend, says which it is, and checks the fill in this memory. */
  @Setup(Level.Trial)
  public void open() {
    opened = Backends.open(backend, threads);
    Shape shape = Sizes.matrix(DType.F32, Sizes.parse(size));
    foreign = open(opened, shape);
    tensor = foreign.handOver();
    Agreement.check(tensor, fill, KEY);
    System.err.println(opened + ", " + shape + " f32 in " + memory + ", bits verified");
  }

  /** The memory that {@link #memory} names. */
  ForeignMemory open(Backend backend, Shape shape) {
    return ForeignMemory.open(memory, backend, shape);
  }

  /** Checks the fill once more, with the code that was timed, and gives all memory back. */
  @TearDown(Level.Trial)
  public void close() {
    Agreement.check(tensor, fill, KEY);
    tensor.close();
    foreign.close();
    opened.close();
  }

  /** One fill of memory that was handed over before. */
  @Benchmark
  public void fill() {
    tensor.fill(fill, KEY);
  }

  /** One hand-over, and its end. */
  @Benchmark
  public void handOver() {
    foreign.handOver().close();
  }
}
