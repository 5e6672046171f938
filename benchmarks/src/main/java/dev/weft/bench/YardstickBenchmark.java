package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.lang.foreign.MemorySegment;
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

/** Fills of f32 on one thread: weft beside hand-written C, into the same memory. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(
    value = 1,
    jvmArgsAppend = {
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED",
      "-Xms256m"
    })
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class YardstickBenchmark {
  private static final RandomKey KEY = RandomKey.of(42);

  /** U[0, 1), N(0, 1), or N(0, 1) cut at ±2. */
  @Param({"uniform", "normal", "truncated_normal"})
  public String distribution;

  /** Bytes of the tensor. */
  @Param({"256KiB", "256MiB"})
  public String size;

  private Fill fill;
  private Backend backend;
  private Tensor tensor;
  private MemorySegment memory;
  private Yardstick yardstick;

  /**
   * Compiles the yardstick, chooses its fastest variant, and checks that both write the same bits.
   *
   * @throws Yardstick.UnavailableException if the yardstick cannot run here, with the reason
   */
  @Setup(Level.Trial)
  public void open() throws Yardstick.UnavailableException {
    backend = Backends.open("cpu", 1);
    yardstick = Yardstick.load(backend);
    tensor = backend.tensor(DType.F32, Sizes.matrix(DType.F32, Sizes.parse(size)));
    memory = tensor.segment();
    fill = Distributions.named(distribution).plan(tensor.shape());
    yardstick.requireSameBits(tensor, distribution, KEY);
    System.err.println(
        backend
            + ", "
            + tensor.shape()
            + " f32, bits verified against C with "
            + yardstick.vectors()
            + ", groups side by side "
            + yardstick.groups());
  }

  /** Checks once more, with the code that was timed, and gives the memory and the backend back. */
  @TearDown(Level.Trial)
  public void close() {
    yardstick.requireSameBits(tensor, distribution, KEY);
    tensor.close();
    backend.close();
  }

  /** weft. */
  @Benchmark
  public void weft() {
    tensor.fill(fill, KEY);
  }

  /** The yardstick. */
  @Benchmark
  public void c() {
    yardstick.fill(distribution, memory, KEY.seed());
  }

  /** Plain stores of whole vectors: the roof of both. */
  @Benchmark
  public void stores() {
    yardstick.store(memory, 0.5f);
  }
}
