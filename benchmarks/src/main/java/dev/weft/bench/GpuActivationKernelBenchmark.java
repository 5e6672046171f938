package dev.weft.bench;

import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.nn.Activation;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/**
 * What a layer does on a GPU beside its products: {@value #BATCH} activations, or their gradients,
 * of f32 tensors in the device's memory, and one wait for all. The memory bounds them: forward a
 * pass reads x and writes y, backward it reads two tensors and writes one. The roof is a copy by
 * CUDA from x to y, its bytes read and written counted alike.
 */
public class GpuActivationKernelBenchmark extends GpuOperation {
  static final int BATCH = 32;

  /** Name of f. */
  @Param({"relu", "gelu"})
  public String activation;

  /** Rows, columns. */
  @Param("8192x4096")
  public String shape;

  private ActivationCase pass;
  private double roof;

  @Override
  String prepare() {
    Shape sizes = Shape.parse(shape.replace('x', ','));
    pass = new ActivationCase(opened(), Activation.parse(activation), DType.F32, sizes);
    return activation + " " + shape;
  }

  /** Measures the copy roof of this memory, and makes y anew. */
  @Setup(Level.Iteration)
  public void measureRoof() {
    roof = DeviceRoof.copy(backend, pass.x(), pass.y());
    pass.forward();
    opened().synchronize();
  }

  /** y = f(x). */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void forward(MemoryRates rates) {
    for (int i = 0; i < BATCH; i++) {
      pass.forward();
    }
    opened().synchronize();
    rates.count(BATCH, pass.elements(), 2.0 * pass.byteSize(), roof);
  }

  /** dz = dy·f'. */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void backward(MemoryRates rates) {
    for (int i = 0; i < BATCH; i++) {
      pass.backward();
    }
    opened().synchronize();
    rates.count(BATCH, pass.elements(), 3.0 * pass.byteSize(), roof);
  }

  /** dz = dy·f', and the gradient of the bias, which are the sums of dz's columns. */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void backwardWithBias(MemoryRates rates) {
    for (int i = 0; i < BATCH; i++) {
      pass.backwardWithBias();
    }
    opened().synchronize();
    rates.count(BATCH, pass.elements(), 3.0 * pass.byteSize(), roof);
  }

  @Override
  void release() {
    pass.check();
    pass.close();
  }
}
