package dev.weft.gpu.blas;

import dev.weft.DType;
import dev.weft.Precision;
import dev.weft.gpu.cuda.Device;
import dev.weft.gpu.cuda.DeviceMemory;
import dev.weft.spi.StridedMatrix;
import jcuda.cudaDataType;
import jcuda.jcublas.cublasComputeType;
import jcuda.jcublas.cublasOperation;

/**
 * Products of matrices by cuBLAS, which stores them by columns: a matrix of rows is the transpose
 * of a matrix of columns in the same memory, and {@code C = A·B} is {@code Cᵀ = Bᵀ·Aᵀ}. So nothing
 * is copied, whatever is transposed.
 *
 * <p>f32 is rounded to nothing less unless a {@link Precision} allows it. Elements of 16 bits are
 * multiplied as they are, and summed in f32. One product at a time.
 */
public final class Products implements AutoCloseable {
  private final Blas blas;
  private final Precision precision;
  private final int sumsOfF32;

  /**
   * Products of a device.
   *
   * @param precision what f32 may be rounded to
   * @throws dev.weft.gpu.cuda.UnavailableException if cuBLAS is not there
   * @throws dev.weft.DeviceException if cuBLAS gives no handle
   */
  public Products(Device device, DeviceMemory memory, Precision precision) {
    this.blas = new Blas(device, memory);
    this.precision = precision;
    this.sumsOfF32 =
        switch (precision) {
          case F32 -> cublasComputeType.CUBLAS_COMPUTE_32F;
          case TF32 -> cublasComputeType.CUBLAS_COMPUTE_32F_FAST_TF32;
          case BF16 -> cublasComputeType.CUBLAS_COMPUTE_32F_FAST_16BF;
          case F16 -> cublasComputeType.CUBLAS_COMPUTE_32F_FAST_16F;
        };
  }

  /**
   * {@code C = alpha·A·B + beta·C} for every matrix of the batch. The addresses are those of
   * elements (0, 0); the matrices say where the others are.
   *
   * @param ofA of the same type as {@code ofB}: that of C, or F16 or BF16 where that is F32
   * @param ofC of F32 or F64
   */
  public void multiply(
      double alpha,
      long a,
      StridedMatrix ofA,
      long b,
      StridedMatrix ofB,
      double beta,
      long c,
      StridedMatrix ofC) {
    if (ofC.columnStride() != 1) {
      multiply(alpha, b, ofB.transposed(), a, ofA.transposed(), beta, c, ofC.transposed());
      return;
    }
    blas.gemm(
        operation(ofB),
        operation(ofA),
        ofC.columns(),
        ofC.rows(),
        ofA.columns(),
        alpha,
        type(ofA.dtype()),
        b,
        leading(ofB),
        batchStride(ofB),
        a,
        leading(ofA),
        batchStride(ofA),
        beta,
        type(ofC.dtype()),
        c,
        leading(ofC),
        ofC.batchStride(),
        ofC.batch(),
        sums(ofA.dtype()));
  }

  /** The type of 16 bits that operands of f32 may be rounded to; null for none. */
  public DType narrowed() {
    return switch (precision) {
      case BF16 -> DType.BF16;
      case F16 -> DType.F16;
      case F32, TF32 -> null;
    };
  }

  /** From now on in the stream that the device gives calls: it is another while it records. */
  public void useStream() {
    blas.useStream();
  }

  /** What cuBLAS, which sees a matrix of rows transposed, is to do with it. */
  private static int operation(StridedMatrix of) {
    return of.columnStride() == 1 ? cublasOperation.CUBLAS_OP_N : cublasOperation.CUBLAS_OP_T;
  }

  /** Elements from a line to the next; at least those of a line, of which there may be one. */
  private static long leading(StridedMatrix of) {
    return of.columnStride() == 1
        ? Math.max(of.rowStride(), of.columns())
        : Math.max(of.columnStride(), of.rows());
  }

  private static long batchStride(StridedMatrix of) {
    return of.batch() == 1 ? 0 : of.batchStride(); // one goes with every other
  }

  private int sums(DType dtype) {
    return switch (dtype) {
      case F64 -> cublasComputeType.CUBLAS_COMPUTE_64F;
      case F32 -> sumsOfF32;
      case F16, BF16 -> cublasComputeType.CUBLAS_COMPUTE_32F;
    };
  }

  private static int type(DType dtype) {
    return switch (dtype) {
      case F64 -> cudaDataType.CUDA_R_64F;
      case F32 -> cudaDataType.CUDA_R_32F;
      case F16 -> cudaDataType.CUDA_R_16F;
      case BF16 -> cudaDataType.CUDA_R_16BF;
    };
  }

  @Override
  public void close() {
    blas.close();
  }
}
