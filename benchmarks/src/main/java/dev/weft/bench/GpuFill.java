package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.lang.foreign.Arena;
import java.util.concurrent.TimeUnit;
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

/** A tensor of a device, its fill and its roofs: what the benchmarks of fills on a GPU share. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public abstract class GpuFill {
  static final RandomKey KEY = RandomKey.of(42);
  private static final long ROOF_NANOS = 10_000_000;
  private static final int ROOFS = 3;

  /** Name of the initializer. */
  @Param({"constant", "uniform", "normal", "truncated_normal"})
  public String distribution;

  /** Element type. */
  @Param({"f32", "bf16"})
  public String dtype;

  /** Bytes of the tensor. */
  @Param({"1MiB", "1GiB"})
  public String size;

  /** Name of the backend: {@code gpu} or {@code gpu:K}. */
  @Param("gpu")
  public String backend;

  private Backend opened;
  private Tensor tensor;
  private Fill fill;

  /** Opens the backend, says which it is, and checks the fill on the device's memory. */
  @Setup(Level.Trial)
  public void open() {
    opened = Backends.open(backend, 0);
    DType type = DType.parse(dtype);
    tensor = opened.tensor(type, Sizes.matrix(type, Sizes.parse(size)));
    fill = Distributions.named(distribution).plan(tensor.shape());
    Agreement.check(tensor, fill, KEY);
    prepare();
    System.err.println(opened + ", " + tensor.shape() + " " + dtype + ", bits verified");
  }

  /** Makes what a benchmark needs beside the tensor. */
  void prepare() {}

  /** Gives back what {@link #prepare} made. */
  void release() {}

  /** Checks the fill once more, and gives the memory and the backend back. */
  @TearDown(Level.Trial)
  public void close() {
    release();
    Agreement.check(tensor, fill, KEY);
    tensor.close();
    opened.close();
  }

  Backend opened() {
    return opened;
  }

  /** In the memory of the device. */
  Tensor tensor() {
    return tensor;
  }

  Fill fill() {
    return fill;
  }

  /** Bytes per second that CUDA writes to the tensor: the best of a few. */
  double writeRoof() {
    return writeRoof(backend, tensor);
  }

  /** The same for any tensor of a backend. */
  static double writeRoof(String backend, Tensor tensor) {
    double best = 0;
    try (DeviceRoof roof = new DeviceRoof(backend)) {
      for (int r = 0; r < ROOFS; r++) {
        best = Math.max(best, roof.bytesPerSecond(tensor, ROOF_NANOS));
      }
    }
    return best;
  }

  /** A tensor of the same shape in memory of the host that the caller owns. */
  Tensor host(Arena arena) {
    Shape shape = tensor.shape();
    return opened.wrap(arena.allocate(tensor.byteSize(), 4096), tensor.dtype(), shape);
  }
}
