package dev.weft.bench;

import org.bytedeco.openblas.global.openblas_nolapack;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * ND4J on the CPU, with its natives for AVX2. Products go to OpenBLAS: here the one of this class
 * path, newer than that which ND4J was published with.
 */
final class Nd4jCpu {
  private final String description;

  /**
   * ND4J with this number of threads, its own and OpenBLAS's.
   *
   * @throws IllegalStateException with the reason, if it cannot be loaded
   */
  Nd4jCpu(int threads) {
    try {
      Nd4j.getRandom().setSeed(42);
      Nd4j.getEnvironment().setMaxThreads(threads);
      Nd4j.getEnvironment().setMaxMasterThreads(threads);
      NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(threads);
      openblas_nolapack.blas_set_num_threads(threads);
      description =
          "ND4J "
              + Nd4j.class.getPackage().getImplementationVersion()
              + ", "
              + Nd4j.getEnvironment().maxThreads()
              + " threads";
    } catch (Throwable e) {
      throw PeerBenchmark.unavailable("nd4j", e);
    }
  }

  /** An array of undefined content. */
  INDArray array(DataType type, long... shape) {
    return Nd4j.createUninitialized(type, shape, 'c');
  }

  /** An array of these values. */
  INDArray array(double[] values, DataType type, long... shape) {
    try (INDArray wide = Nd4j.create(values, shape, 'c')) {
      return wide.castTo(type).dup('c');
    }
  }

  static double[] read(INDArray array) {
    return array.dup('c').data().asDouble();
  }

  @Override
  public String toString() {
    return description;
  }
}
