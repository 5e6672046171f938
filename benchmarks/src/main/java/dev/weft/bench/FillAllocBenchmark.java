package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.lang.foreign.Arena;
import java.util.SplittableRandom;
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

/** One f32 fill of memory that is new each time, page faults and zeroing included. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(
    value = 1,
    jvmArgsAppend = {
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED",
      "-Xmx4g"
    })
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class FillAllocBenchmark {
  private static final RandomKey KEY = RandomKey.of(42);

  /** Name of the initializer. */
  @Param("uniform")
  public String distribution;

  /** Bytes of the tensor. */
  @Param({"1MiB", "256MiB"})
  public String size;

  /** Name of the backend; {@code cpu:256} forces vectors of 256 bits. */
  @Param("cpu")
  public String backend;

  /** Threads of one fill; 0 for one per processor. */
  @Param("0")
  public int threads;

  private Backend opened;
  private Shape shape;
  private Fill fill;

  /** Opens the backend, says which it is, and checks the fill on a tensor of the same size. */
  @Setup(Level.Trial)
  public void open() {
    opened = Backends.open(backend, threads);
    shape = Sizes.matrix(DType.F32, Sizes.parse(size));
    fill = Distributions.named(distribution).plan(shape);
    check();
    System.err.println(opened + ", " + shape + " f32, bits verified");
  }

  /** Checks the fill once more, with the code that was timed, and gives the backend back. */
  @TearDown(Level.Trial)
  public void close() {
    check();
    opened.close();
  }

  private void check() {
    try (Tensor tensor = opened.tensor(DType.F32, shape)) {
      Agreement.check(tensor, fill, KEY);
    }
  }

  /** The backend's own memory: first touched by the threads that fill it. */
  @Benchmark
  public void tensor() {
    try (Tensor tensor = opened.tensor(DType.F32, shape)) {
      tensor.fill(fill, KEY);
    }
  }

  /** An arena's memory, which the JDK zeroes first on one thread. */
  @Benchmark
  public void arena() {
    try (Arena arena = Arena.ofShared();
        Tensor tensor =
            opened.wrap(
                arena.allocate(DType.F32.byteSize(shape.elements()), 64), DType.F32, shape)) {
      tensor.fill(fill, KEY);
    }
  }

  /** A new array of the JVM's heap, at most 2³¹ − 1 elements. */
  @Benchmark
  public float[] array() {
    float[] array = new float[Math.toIntExact(shape.elements())];
    try (Tensor tensor = opened.wrap(array, shape)) {
      tensor.fill(fill, KEY);
    }
    return array;
  }

  /** What one writes without a library: a new array and a loop over the JDK's fast generator. */
  @Benchmark
  public float[] jdkLoop() {
    float[] array = new float[Math.toIntExact(shape.elements())];
    SplittableRandom random = new SplittableRandom(KEY.seed());
    for (int i = 0; i < array.length; i++) {
      array[i] = random.nextFloat();
    }
    return array;
  }
}
