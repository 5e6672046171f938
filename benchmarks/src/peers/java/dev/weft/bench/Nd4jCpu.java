package dev.weft.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.nd4j.linalg.api.blas.params.MMulTranspose;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * ND4J on the CPU, with its natives for AVX2. Products go to OpenBLAS: here the one of this class
 * path, newer than that which ND4J was published with.
 */
final class Nd4jCpu {
  static final MMulTranspose TRANSPOSE_A = MMulTranspose.builder().transposeA(true).build();
  static final MMulTranspose TRANSPOSE_B = MMulTranspose.builder().transposeB(true).build();

  private final String description;

  /**
   * ND4J with this number of threads, its own and OpenBLAS's.
   *
   * @throws IllegalStateException with the reason, if it cannot be loaded
   */
  Nd4jCpu(int threads) {
    try {
      letWaitingThreadsSleep();
      Nd4j.getRandom().setSeed(42);
      Nd4j.getEnvironment().setMaxThreads(threads);
      Nd4j.getEnvironment().setMaxMasterThreads(threads);
      NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(threads);
      openblas_nolapack.blas_set_num_threads(threads);
      description =
          "ND4J "
              + PeerLibraries.version(Nd4j.class, "org.nd4j/nd4j-api")
              + ", "
              + NativeOpsHolder.getInstance().getDeviceNativeOps().ompGetMaxThreads()
              + " threads";
    } catch (Throwable e) {
      throw PeerBenchmark.unavailable("nd4j", e);
    }
  }

  /**
   * Sets what libgomp reads when it is loaded. ND4J's OpenMP threads otherwise spin on the cores
   * that OpenBLAS's threads need: its product of 256³ on two threads was then eleven times slower.
   */
  @SuppressWarnings("restricted") // C is called
  private static void letWaitingThreadsSleep() throws Throwable {
    Linker linker = Linker.nativeLinker();
    ValueLayout.OfInt i = ValueLayout.JAVA_INT;
    MethodHandle setenv =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("setenv"),
            FunctionDescriptor.of(i, ValueLayout.ADDRESS, ValueLayout.ADDRESS, i));
    try (Arena arena = Arena.ofConfined()) {
      int failed =
          (int)
              setenv.invokeExact(
                  arena.allocateFrom("OMP_WAIT_POLICY"), arena.allocateFrom("passive"), 1);
      failed |=
          (int)
              setenv.invokeExact(arena.allocateFrom("GOMP_SPINCOUNT"), arena.allocateFrom("0"), 1);
      if (failed != 0) {
        throw new IllegalStateException("nd4j: need a place for variables, got none");
      }
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

  /** dz = dy where y, the output of relu, is above 0. */
  static void relu(INDArray y, INDArray dy, INDArray dz) {
    Nd4j.exec(DynamicCustomOp.builder("relu_bp").addInputs(y, dy).addOutputs(dz).build());
  }

  /** The gradients dw and db of a layer from dz, into arrays that are there. */
  static void dense(INDArray x, INDArray dz, INDArray dw, INDArray db) {
    x.mmul(dz, dw, TRANSPOSE_A);
    dz.sum(db, 0);
  }

  static double[] read(INDArray array) {
    return array.dup('c').data().asDouble();
  }

  @Override
  public String toString() {
    return description;
  }
}
