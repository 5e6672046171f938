package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Precision;
import dev.weft.Shape;
import dev.weft.Tensor;
import java.lang.foreign.Arena;
import java.util.Locale;
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

/**
 * An open backend of a GPU: what its benchmarks share.
 *
 * <p>They are of three kinds. Kernel: a batch of operations on the device's memory and one wait for
 * all, so that what a call and a wait cost is hidden where an operation takes longer than its
 * launches. Resident: one operation and its wait. End to end: one operation on the host's memory,
 * copies included.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public abstract class GpuOperation {
  /** Operations of a batch of large products. */
  static final int BATCH = 16;

  /** Name of the backend: {@code gpu} or {@code gpu:K}. */
  @Param("gpu")
  public String backend;

  private Backend opened;
  private Arena arena;

  /** Opens the backend, makes and checks the operation, and says what it is. */
  @Setup(Level.Trial)
  public void open() {
    opened = Backends.open(backend, 0, precision());
    arena = Arena.ofShared();
    System.err.println(opened + ", " + prepare() + ", checked");
  }

  /** To what products may round their f32 operands. */
  Precision precision() {
    return Precision.F32;
  }

  /** The precision that a parameter names in small letters. */
  static Precision parse(String precision) {
    return Precision.valueOf(precision.toUpperCase(Locale.ROOT));
  }

  /**
   * Makes and checks the operation.
   *
   * @return what it is
   */
  abstract String prepare();

  /** Checks the operation once more, and gives back what {@link #prepare} made. */
  abstract void release();

  /** Whether operands are in the host's memory. */
  boolean onHost() {
    return false;
  }

  /** A tensor of undefined content for an operand. */
  Tensor operand(DType dtype, Shape shape) {
    return onHost()
        ? opened.wrap(arena.allocate(dtype.byteSize(shape.elements()), 4096), dtype, shape)
        : opened.tensor(dtype, shape);
  }

  Backend opened() {
    return opened;
  }

  /** Checks once more, and gives all back. */
  @TearDown(Level.Trial)
  public void close() {
    release();
    arena.close();
    opened.close();
  }
}
