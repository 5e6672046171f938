package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Precision;
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
  private GemmCase product;

  /** Opens the backend, says which it is, and checks rows of the product. */
  @Setup(Level.Trial)
  public void open() {
    opened = Backends.open(backend, threads);
    product =
        new GemmCase(opened, opened::tensor, mnk, transposes, DType.parse(dtype), Precision.F32);
    System.err.println(opened + ", " + mnk + " " + dtype + ", checked");
  }

  /** Gives the memory and the backend back. */
  @TearDown(Level.Trial)
  public void close() {
    product.close();
    opened.close();
  }

  /** One call. */
  @Benchmark
  public void gemm(Flops flops) {
    product.multiply();
    flops.add(product.flop());
  }
}
