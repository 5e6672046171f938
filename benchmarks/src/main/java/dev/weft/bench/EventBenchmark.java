package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Matrix;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import jdk.jfr.Recording;
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

/** The smallest operations, with and without a recording of Flight Recorder: what events cost. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(
    value = 3,
    jvmArgsAppend = {
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED",
      "-Xms256m"
    })
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class EventBenchmark {
  private static final RandomKey KEY = RandomKey.of(42);
  private static final Fill FILL = Fill.constant(1);

  /** What is recorded: nothing, one of the JVM's own events, or weft's as well. */
  @Param({"nothing", "others", "weft"})
  public String recorded;

  private final float[] host = new float[4];
  private final MemorySegment segment = MemorySegment.ofArray(host);
  private Recording recording;
  private Backend backend;
  private Tensor tensor;
  private Tensor product;
  private Matrix operand;
  private Matrix result;

  /** Opens the backend, checks its operations, and begins the recording. */
  @Setup(Level.Trial)
  public void open() {
    backend = Backends.open("cpu", 1);
    tensor = backend.tensor(DType.F32, Shape.of(2, 2));
    product = backend.tensor(DType.F32, Shape.of(2, 2));
    operand = Matrix.of(tensor);
    result = Matrix.of(product);
    if (!recorded.equals("nothing")) {
      recording = new Recording();
      recording.enable("jdk.JavaMonitorWait").withThreshold(Duration.ofHours(1));
      if (recorded.equals("weft")) {
        List.of("Fill", "Gemm", "CopyTo").forEach(name -> recording.enable("dev.weft." + name));
      }
      recording.start();
    }
    check();
  }

  /** Checks the operations once more, with the code that was timed. */
  @TearDown(Level.Trial)
  public void close() {
    check();
    if (recording != null) {
      recording.close();
    }
    tensor.close();
    product.close();
    backend.close();
  }

  private void check() {
    fill();
    gemm();
    product.copyTo(segment);
    for (float value : host) {
      if (value != 2) {
        throw new IllegalStateException("events: need 1·1 + 1·1, got value=" + value);
      }
    }
  }

  /** Four elements. */
  @Benchmark
  public void fill() {
    tensor.fill(FILL, KEY);
  }

  /** [2, 2]·[2, 2]. */
  @Benchmark
  public void gemm() {
    backend.gemm(1, operand, operand, 0, result);
  }

  /** Four elements. */
  @Benchmark
  public void copyTo() {
    tensor.copyTo(segment);
  }
}
