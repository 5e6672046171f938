package dev.weft.gpu.rand;

import dev.weft.DeviceException;
import dev.weft.gpu.cuda.Cuda;
import dev.weft.gpu.cuda.Device;
import dev.weft.gpu.cuda.DeviceMemory;
import dev.weft.gpu.cuda.DevicePointer;
import dev.weft.gpu.kernels.WordSource;
import java.util.function.LongConsumer;
import jcuda.driver.CUstream;
import jcuda.jcurand.JCurand;
import jcuda.jcurand.curandGenerator;
import jcuda.jcurand.curandOrdering;
import jcuda.jcurand.curandRngType;
import jcuda.runtime.cudaStream_t;

/**
 * NVIDIA's own Philox4x32-10 on the device, in the order {@code CURAND_ORDERING_PSEUDO_LEGACY}: the
 * {@code CURAND} order of weft, whose seed is cuRAND's and whose words are counted by its offset.
 * One generator on the computing stream; what it writes comes after what was launched before. The
 * memory that cuRAND takes for its state is not counted among weft's.
 *
 * @see <a href="https://docs.nvidia.com/cuda/curand/host-api-overview.html">cuRAND's host API</a>
 */
public final class Curand implements WordSource, AutoCloseable {
  private final Device device;
  private final DeviceMemory memory;
  private final curandGenerator generator = new curandGenerator();

  /**
   * A generator on a device; its memory is {@code memory}.
   *
   * @throws DeviceException if cuRAND does not give one
   */
  public Curand(Device device, DeviceMemory memory) {
    this.device = device;
    this.memory = memory;
    device.call(
        stream -> {
          int type = curandRngType.CURAND_RNG_PSEUDO_PHILOX4_32_10;
          check(JCurand.curandCreateGenerator(generator, type), "curandCreateGenerator");
          try {
            prepare(stream);
          } catch (DeviceException e) {
            JCurand.curandDestroyGenerator(generator);
            throw e;
          }
        });
  }

  private void prepare(CUstream stream) {
    check(JCurand.curandSetStream(generator, new cudaStream_t(stream)), "curandSetStream");
    int order = curandOrdering.CURAND_ORDERING_PSEUDO_LEGACY; // stated: the default is another
    check(JCurand.curandSetGeneratorOrdering(generator, order), "curandSetGeneratorOrdering");
  }

  @Override
  public synchronized void generate(long seed, long first, long count, long address) {
    device.call(
        stream -> {
          check(
              JCurand.curandSetPseudoRandomGeneratorSeed(generator, seed),
              "curandSetPseudoRandomGeneratorSeed");
          check(JCurand.curandSetGeneratorOffset(generator, first), "curandSetGeneratorOffset");
          check(
              JCurand.curandGenerate(generator, DevicePointer.device(address), count),
              "curandGenerate");
        });
  }

  @Override
  public void withScratch(long bytes, LongConsumer body) {
    DeviceMemory.Block block = memory.workspace(bytes);
    try {
      body.accept(block.address());
    } finally {
      block.release(); // what uses it next comes after the body on the stream
    }
  }

  private void check(int status, String call) {
    Cuda.checkCurand(status, call, device.info());
  }

  /** Gives the generator back; of a lost device it is gone already. */
  @Override
  public synchronized void close() {
    try {
      device.call(
          stream -> check(JCurand.curandDestroyGenerator(generator), "curandDestroyGenerator"));
    } catch (DeviceException e) {
      if (!e.isFatal()) {
        throw e;
      }
    }
  }
}
