package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Tensor;
import dev.weft.gpu.cuda.Cuda;
import dev.weft.gpu.cuda.Device;
import dev.weft.gpu.cuda.DevicePointer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.TimeUnit;
import jcuda.jcurand.JCurand;
import jcuda.jcurand.curandGenerator;
import jcuda.jcurand.curandOrdering;
import jcuda.jcurand.curandRngType;
import jcuda.runtime.cudaStream_t;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * cuRAND's own Philox uniforms and normals of f32, which {@link GpuFillKernelBenchmark} is to be
 * compared with: as many calls before a wait, the same memory, the same roof.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class GpuCurandBenchmark {
  private static final int CHECKED = 1 << 16;

  /** {@code curandGenerateUniform} or {@code curandGenerateNormal}. */
  @Param({"uniform", "normal"})
  public String distribution;

  /** {@code default}, or {@code legacy}, whose words are weft's. */
  @Param({"default", "legacy"})
  public String ordering;

  /** Bytes of the tensor. */
  @Param({"1MiB", "1GiB"})
  public String size;

  private Backend backend;
  private Tensor tensor;
  private Device device;
  private curandGenerator generator;
  private long address;
  private double roof;

  /** Makes a generator on a stream of its own, and checks what it writes. */
  @Setup(Level.Trial)
  public void open() {
    backend = Backends.open("gpu", 0);
    tensor = backend.tensor(DType.F32, Sizes.matrix(DType.F32, Sizes.parse(size)));
    address = tensor.devicePointer();
    Cuda.loadCurand();
    device = new Device(Cuda.devices().getFirst(), List.of());
    generator = new curandGenerator();
    int order =
        ordering.equals("legacy")
            ? curandOrdering.CURAND_ORDERING_PSEUDO_LEGACY
            : curandOrdering.CURAND_ORDERING_PSEUDO_DEFAULT;
    int type = curandRngType.CURAND_RNG_PSEUDO_PHILOX4_32_10;
    device.call(
        stream -> {
          check(JCurand.curandCreateGenerator(generator, type));
          check(JCurand.curandSetStream(generator, new cudaStream_t(stream)));
          check(JCurand.curandSetGeneratorOrdering(generator, order));
          check(JCurand.curandSetPseudoRandomGeneratorSeed(generator, 42));
        });
    generate();
    device.synchronize();
    verify();
  }

  private void check(int status) {
    Cuda.checkCurand(status, "cuRAND's " + distribution, device.info());
  }

  /** By the first moments of the first elements. */
  private void verify() {
    float[] x = new float[(int) Math.min(CHECKED, tensor.shape().elements())];
    MemorySegment part = MemorySegment.ofArray(x);
    tensor.copyTo(0, part);
    double mean = 0;
    double square = 0;
    for (int i = 0; i < x.length; i++) {
      float value = part.getAtIndex(ValueLayout.JAVA_FLOAT, i);
      mean += value / x.length;
      square += (double) value * value / x.length;
    }
    double expected = distribution.equals("uniform") ? 0.5 : 0;
    double variance = distribution.equals("uniform") ? 1 / 12.0 : 1;
    double found = square - mean * mean;
    if (Math.abs(mean - expected) > 0.05 || Math.abs(found - variance) > 0.1 * variance) {
      throw new IllegalStateException(
          "need mean "
              + expected
              + " and variance "
              + variance
              + ", cuRAND wrote mean "
              + mean
              + " and variance "
              + found);
    }
  }

  /** Measures the write roof of this memory. */
  @Setup(Level.Iteration)
  public void measureRoof() {
    roof = DeviceRoof.write("gpu", tensor);
  }

  private void generate() {
    long count = tensor.shape().elements();
    device.call(
        stream ->
            check(
                distribution.equals("uniform")
                    ? JCurand.curandGenerateUniform(generator, DevicePointer.device(address), count)
                    : JCurand.curandGenerateNormal(
                        generator, DevicePointer.device(address), count, 0, 1)));
  }

  /** A batch. */
  @Benchmark
  @OperationsPerInvocation(GpuFillKernelBenchmark.BATCH)
  public void generate(MemoryRates rates) {
    for (int i = 0; i < GpuFillKernelBenchmark.BATCH; i++) {
      generate();
    }
    device.synchronize();
    long elements = tensor.shape().elements();
    rates.count(GpuFillKernelBenchmark.BATCH, elements, tensor.byteSize(), roof);
  }

  /** Gives all back. */
  @TearDown(Level.Trial)
  public void close() {
    device.call(stream -> check(JCurand.curandDestroyGenerator(generator)));
    device.close();
    tensor.close();
    backend.close();
  }
}
