package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.nn.Activation;
import dev.weft.nn.Dense;
import dev.weft.nn.Write;
import dev.weft.random.RandomKey;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;
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
 * The gradients of {@code f(x·w + b)} by kernel, bias and input from that by y, 4·B·I·O flop beside
 * the activation's, as training calls it: y, or z where the derivative needs it, is there already.
 *
 * <p>A call leaves dz where dy was. With relu and linear the next one takes it for its dy, and dz
 * stays as it is. With others dy would fall below the least normal number, where arithmetic is tens
 * of times slower, so dy is first copied back: 4·B·O bytes, against 4·B·I·O flop.
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
public class DenseBackwardBenchmark {
  private static final RandomKey KEY = RandomKey.of(42);

  /** B, I, O: examples, inputs, outputs. */
  @Param({"32x784x128", "128x784x512", "512x1024x1024"})
  public String bio;

  /** Name of f. */
  @Param("relu")
  public String activation;

  /** {@code f32} or {@code f64}. */
  @Param("f32")
  public String dtype;

  /** Name of the backend: {@code cpu}, {@code scalar}, {@code cpu:256} for vectors of 256 bits. */
  @Param("cpu")
  public String backend;

  /** Threads of one call; 0 for one per processor. */
  @Param({"1", "2"})
  public int threads;

  private Backend opened;
  private Dense layer;
  private Tensor x;
  private Tensor saved;
  private Tensor dy;
  private Tensor dx;
  private Dense.Gradients gradients;
  private boolean ofInput;
  private MemorySegment gradientOfY;
  private MemorySegment fresh; // null where dy need not be copied back
  private double flop;

  /** Opens the backend, says which it is, and checks the gradients. */
  @Setup(Level.Trial)
  public void open() {
    opened = Backends.open(backend, threads);
    DType type = DType.parse(dtype);
    Shape sizes = Shape.parse(bio.replace('x', ','));
    Shape inputs = Shape.of(sizes.dim(0), sizes.dim(1));
    Shape outputs = Shape.of(sizes.dim(0), sizes.dim(2));
    layer = DenseCase.layer(opened, type, sizes, Activation.parse(activation), KEY);
    ofInput = layer.activation().kind().derivativeOfInput();
    x = opened.tensor(type, inputs);
    x.fill(Fill.uniform(-1, 1), KEY.child("x"));
    dx = opened.tensor(type, inputs);
    saved = opened.tensor(type, outputs);
    dy = opened.tensor(type, outputs);
    gradients = layer.gradients();
    flop = 4.0 * sizes.elements();
    if (ofInput) {
      layer.forwardKeeping(x, saved, dy);
    } else {
      layer.forward(x, saved);
    }
    check();
    gradientOfY = dy.segment();
    if (!Set.of(Activation.RELU, Activation.LINEAR).contains(layer.activation())) {
      dy.fill(Fill.uniform(-1, 1), KEY.child("dy"));
      fresh = Arena.ofAuto().allocate(dy.byteSize(), 64).copyFrom(gradientOfY);
    }
    System.err.println(opened + ", " + bio + " " + activation + " " + dtype + ", checked");
  }

  private void check() {
    dy.fill(Fill.uniform(-1, 1), KEY.child("dy"));
    double[] before = Naive.read(dy);
    dx.segment().fill((byte) 0xFF);
    gradients.kernel().segment().fill((byte) 0xFF);
    gradients.bias().segment().fill((byte) 0xFF);
    call();
    DenseCase.check(layer, x)
        .backward(
            before, Naive.read(gradients.kernel()), Naive.read(gradients.bias()), Naive.read(dx));
  }

  private void call() {
    if (ofInput) {
      layer.backwardKept(x, saved, dy, dx, gradients, Write.OVERWRITE);
    } else {
      layer.backward(x, saved, dy, dx, gradients, Write.OVERWRITE);
    }
  }

  /** Checks once more, other code may be at work by now, and gives all back. */
  @TearDown(Level.Trial)
  public void close() {
    check();
    layer.close();
    x.close();
    dx.close();
    saved.close();
    dy.close();
    gradients.close();
    opened.close();
  }

  /** One call. */
  @Benchmark
  public void backward(Flops flops) {
    if (fresh != null) {
      gradientOfY.copyFrom(fresh);
    }
    call();
    flops.add(flop);
  }
}
