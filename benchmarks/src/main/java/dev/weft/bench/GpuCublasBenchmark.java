package dev.weft.bench;

import dev.weft.DType;
import dev.weft.Precision;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.gpu.cuda.Cuda;
import dev.weft.gpu.cuda.Device;
import dev.weft.gpu.cuda.DevicePointer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import jcuda.Pointer;
import jcuda.cudaDataType;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasComputeType;
import jcuda.jcublas.cublasGemmAlgo;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasOperation;
import jcuda.runtime.cudaStream_t;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

/**
 * cuBLAS called from Java without weft, which {@link GpuGemmKernelBenchmark} is to be compared
 * with: the same operands in the same memory, as many products before a wait, verified alike.
 *
 * <p>{@code cublasSgemm} where A and B are f32 and may not be rounded, else {@code cublasGemmEx};
 * one stream, and the workspace that NVIDIA recommends for Hopper. cuBLAS stores matrices by
 * columns, so C = A·B of rows is Cᵀ = Bᵀ·Aᵀ, and nothing is copied.
 */
public class GpuCublasBenchmark extends GpuGemm {
  private static final long WORKSPACE = 32L << 20;

  private final cublasHandle handle = new cublasHandle();

  /** 1 and 0, of f32 and of f64, off the heap. */
  private final MemorySegment scalars = Arena.ofAuto().allocate(24, 8);

  private Device device;
  private Tensor workspace;
  private Call call;

  @Override
  GemmCase.Multiplication multiplication() {
    Cuda.loadCublas();
    device = new Device(Cuda.devices().getFirst(), List.of());
    workspace = opened().tensor(DType.F32, Shape.of(WORKSPACE / Float.BYTES));
    Pointer memory = DevicePointer.device(workspace.devicePointer());
    device.call(
        stream -> {
          check(JCublas2.cublasCreate(handle), "cublasCreate");
          check(JCublas2.cublasSetStream(handle, new cudaStream_t(stream)), "cublasSetStream");
          check(JCublas2.cublasSetWorkspace(handle, memory, WORKSPACE), "cublasSetWorkspace");
        });
    scalars.set(ValueLayout.JAVA_FLOAT, 0, 1);
    scalars.set(ValueLayout.JAVA_DOUBLE, 8, 1);
    return new GemmCase.Multiplication() {
      @Override
      public void multiply(GemmCase operands) {
        if (call == null) {
          call = new Call(operands);
        }
        device.call(stream -> check(call.status(), "cublasGemmEx"));
      }

      @Override
      public void await() {
        device.synchronize();
      }
    };
  }

  private void check(int status, String function) {
    Cuda.checkCublas(status, function, device.info());
  }

  /** The arguments of the product, the same in every call. */
  private final class Call {
    private final boolean single;
    private final int opA;
    private final int opB;
    private final long m;
    private final long n;
    private final long k;
    private final Pointer a;
    private final Pointer b;
    private final Pointer c;
    private final long lda;
    private final long ldb;
    private final int type;
    private final int typeOfC;
    private final int sums;
    private final Pointer one;
    private final Pointer zero;

    Call(GemmCase operands) {
      DType dtype = operands.left().dtype();
      single = dtype == DType.F32 && precision() == Precision.F32;
      opA = operation(operands.rightTransposed());
      opB = operation(operands.leftTransposed());
      m = operands.result().shape().dim(1);
      n = operands.result().shape().dim(0);
      k = operands.left().shape().dim(operands.leftTransposed() ? 0 : 1);
      a = DevicePointer.device(operands.right().devicePointer());
      b = DevicePointer.device(operands.left().devicePointer());
      c = DevicePointer.device(operands.result().devicePointer());
      lda = operands.right().shape().dim(1);
      ldb = operands.left().shape().dim(1);
      type = type(dtype);
      typeOfC = type(operands.result().dtype());
      sums = sums(dtype);
      boolean f64 = dtype == DType.F64;
      one = DevicePointer.host(scalars.address() + (f64 ? 8 : 0));
      zero = DevicePointer.host(scalars.address() + 16);
    }

    private static int operation(boolean transposed) {
      return transposed ? cublasOperation.CUBLAS_OP_T : cublasOperation.CUBLAS_OP_N;
    }

    private static int type(DType dtype) {
      return switch (dtype) {
        case F64 -> cudaDataType.CUDA_R_64F;
        case F32 -> cudaDataType.CUDA_R_32F;
        case F16 -> cudaDataType.CUDA_R_16F;
        case BF16 -> cudaDataType.CUDA_R_16BF;
      };
    }

    private int sums(DType dtype) {
      return switch (dtype) {
        case F64 -> cublasComputeType.CUBLAS_COMPUTE_64F;
        case F16, BF16 -> cublasComputeType.CUBLAS_COMPUTE_32F;
        case F32 ->
            switch (precision()) {
              case F32 -> cublasComputeType.CUBLAS_COMPUTE_32F;
              case TF32 -> cublasComputeType.CUBLAS_COMPUTE_32F_FAST_TF32;
              case BF16 -> cublasComputeType.CUBLAS_COMPUTE_32F_FAST_16BF;
              case F16 -> cublasComputeType.CUBLAS_COMPUTE_32F_FAST_16F;
            };
      };
    }

    int status() {
      return single
          ? JCublas2.cublasSgemm_v2_64(handle, opA, opB, m, n, k, one, a, lda, b, ldb, zero, c, m)
          : JCublas2.cublasGemmEx_64_new(
              handle,
              opA,
              opB,
              m,
              n,
              k,
              one,
              a,
              type,
              lda,
              b,
              type,
              ldb,
              zero,
              c,
              typeOfC,
              m,
              sums,
              cublasGemmAlgo.CUBLAS_GEMM_DEFAULT);
    }
  }

  @Override
  void release() {
    super.release();
    device.call(stream -> check(JCublas2.cublasDestroy(handle), "cublasDestroy"));
    device.close();
    workspace.close();
    call = null;
  }

  /** A batch. */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void gemm(TeraFlops flops) {
    for (int i = 0; i < BATCH; i++) {
      product().multiply();
    }
    device.synchronize();
    flops.add(BATCH * product().flop());
  }
}
