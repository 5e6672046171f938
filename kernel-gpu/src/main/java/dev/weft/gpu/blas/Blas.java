package dev.weft.gpu.blas;

import dev.weft.DeviceException;
import dev.weft.gpu.cuda.Cuda;
import dev.weft.gpu.cuda.Device;
import dev.weft.gpu.cuda.DeviceMemory;
import dev.weft.gpu.cuda.DevicePointer;
import dev.weft.gpu.cuda.DevicePointers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jcuda.Pointer;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasComputeType;
import jcuda.jcublas.cublasDiagType;
import jcuda.jcublas.cublasFillMode;
import jcuda.jcublas.cublasGemmAlgo;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasOperation;
import jcuda.jcublas.cublasSideMode;
import jcuda.runtime.cudaStream_t;

/**
 * cuBLAS on the computing stream: what it writes comes after what was launched before. Matrices are
 * stored by columns, a leading dimension is the distance of two columns in elements. The same calls
 * give the same bits for one version of cuBLAS and one architecture: it has one stream, a workspace
 * of its own, and no atomics.
 *
 * @see <a href="https://docs.nvidia.com/cuda/cublas/#results-reproducibility">cuBLAS: results
 *     reproducibility</a>
 */
public final class Blas implements AutoCloseable {
  /** Bytes of the workspace: what NVIDIA recommends for Hopper, and more than for the others. */
  public static final long WORKSPACE = 32L << 20;

  private static final int ALGORITHM = cublasGemmAlgo.CUBLAS_GEMM_DEFAULT;
  private static final int LOWER = cublasFillMode.CUBLAS_FILL_MODE_LOWER;

  private final Device device;
  private final DeviceMemory.Block workspace;
  private final cublasHandle handle = new cublasHandle();

  /** Off the heap: an array of Java would be held by the collector for the whole call. */
  private final MemorySegment scalars =
      Arena.ofAuto().allocateFrom(ValueLayout.JAVA_DOUBLE, 0, 1, -1);

  private final Pointer zero = DevicePointer.host(scalars.address());
  private final Pointer one = DevicePointer.host(scalars.address() + 8);
  private final Pointer minusOne = DevicePointer.host(scalars.address() + 16);

  /** What a product multiplies by: read while it is called. */
  private final MemorySegment factors = Arena.ofAuto().allocate(ValueLayout.JAVA_DOUBLE, 2);

  private final Pointer alpha = DevicePointer.host(factors.address());
  private final Pointer beta = DevicePointer.host(factors.address() + 8);
  private final DevicePointers pointers = new DevicePointers();

  /**
   * A handle on a device; {@code memory} gives its workspace.
   *
   * @throws dev.weft.gpu.cuda.UnavailableException if cuBLAS is not there
   * @throws DeviceException if cuBLAS does not give one
   */
  public Blas(Device device, DeviceMemory memory) {
    Cuda.loadCublas();
    this.device = device;
    this.workspace = memory.workspace(WORKSPACE);
    try {
      device.call(stream -> create(new cudaStream_t(stream)));
    } catch (DeviceException e) {
      workspace.release();
      throw e;
    }
  }

  private void create(cudaStream_t stream) {
    check(JCublas2.cublasCreate(handle), "cublasCreate");
    try {
      use(stream);
    } catch (DeviceException e) {
      JCublas2.cublasDestroy(handle);
      throw e;
    }
  }

  private void use(cudaStream_t stream) {
    check(JCublas2.cublasSetStream(handle, stream), "cublasSetStream"); // resets the workspace
    Pointer memory = DevicePointer.device(workspace.address());
    check(JCublas2.cublasSetWorkspace(handle, memory, WORKSPACE), "cublasSetWorkspace");
  }

  /** From now on in the stream that the device gives calls. */
  void useStream() {
    device.call(stream -> use(new cudaStream_t(stream)));
  }

  /**
   * The lower triangle of C = A·Aᵀ; what is above it stays.
   *
   * @param n rows of A, and of C [n, n]
   * @param k columns of A
   */
  void product(long n, long k, long a, long lda, long c, long ldc) {
    syrk(n, k, one, a, lda, zero, c, ldc);
  }

  /** The lower triangle of C becomes C − A·Aᵀ. */
  void subtractProduct(long n, long k, long a, long lda, long c, long ldc) {
    syrk(n, k, minusOne, a, lda, one, c, ldc);
  }

  private void syrk(
      long n, long k, Pointer alpha, long a, long lda, Pointer beta, long c, long ldc) {
    Pointer pa = DevicePointer.device(a);
    Pointer pc = DevicePointer.device(c);
    int none = cublasOperation.CUBLAS_OP_N;
    device.call(
        stream ->
            check(
                JCublas2.cublasDsyrk_v2_64(
                    handle, LOWER, none, n, k, alpha, pa, lda, beta, pc, ldc),
                "cublasDsyrk"));
  }

  /** B [m, n] becomes L⁻¹·B, where L [m, m] is a lower triangle. */
  void solve(long m, long n, long l, long ldl, long b, long ldb) {
    trsm(cublasSideMode.CUBLAS_SIDE_LEFT, cublasOperation.CUBLAS_OP_N, m, n, l, ldl, b, ldb);
  }

  /** B [m, n] becomes B·L⁻ᵀ, where L [n, n] is a lower triangle. */
  void solveTransposed(long m, long n, long l, long ldl, long b, long ldb) {
    trsm(cublasSideMode.CUBLAS_SIDE_RIGHT, cublasOperation.CUBLAS_OP_T, m, n, l, ldl, b, ldb);
  }

  private void trsm(int side, int op, long m, long n, long l, long ldl, long b, long ldb) {
    Pointer pl = DevicePointer.device(l);
    Pointer pb = DevicePointer.device(b);
    int diagonal = cublasDiagType.CUBLAS_DIAG_NON_UNIT;
    device.call(
        stream ->
            check(
                JCublas2.cublasDtrsm_v2_64(
                    handle, side, LOWER, op, diagonal, m, n, one, pl, ldl, pb, ldb),
                "cublasDtrsm"));
  }

  /**
   * {@code C = alpha·op(A)·op(B) + beta·C} for every matrix of a batch. One thread at a time.
   *
   * @param opA 0 for A, 1 for its transpose
   * @param m rows of C and op(A)
   * @param n columns of C and op(B)
   * @param k columns of op(A)
   * @param alpha a number of the type of the sums, as beta is
   * @param type cuBLAS's number of the type of A and B
   * @param sums its number of the type of the sums, and of how they are made
   */
  void gemm(
      int opA,
      int opB,
      long m,
      long n,
      long k,
      double alpha,
      int type,
      long a,
      long lda,
      long strideA,
      long b,
      long ldb,
      long strideB,
      double beta,
      int typeC,
      long c,
      long ldc,
      long strideC,
      long batch,
      int sums) {
    if (sums == cublasComputeType.CUBLAS_COMPUTE_64F) {
      factors.set(ValueLayout.JAVA_DOUBLE, 0, alpha);
      factors.set(ValueLayout.JAVA_DOUBLE, 8, beta);
    } else {
      factors.set(ValueLayout.JAVA_FLOAT, 0, (float) alpha);
      factors.set(ValueLayout.JAVA_FLOAT, 8, (float) beta);
    }
    Pointer pa = pointers.of(a);
    Pointer pb = pointers.of(b);
    Pointer pc = pointers.of(c);
    device.begin(); // without an object for the call
    check(
        batch == 1
            ? JCublas2.cublasGemmEx_64_new(
                handle,
                opA,
                opB,
                m,
                n,
                k,
                this.alpha,
                pa,
                type,
                lda,
                pb,
                type,
                ldb,
                this.beta,
                pc,
                typeC,
                ldc,
                sums,
                ALGORITHM)
            : JCublas2.cublasGemmStridedBatchedEx_64_new(
                handle,
                opA,
                opB,
                m,
                n,
                k,
                this.alpha,
                pa,
                type,
                lda,
                strideA,
                pb,
                type,
                ldb,
                strideB,
                this.beta,
                pc,
                typeC,
                ldc,
                strideC,
                batch,
                sums,
                ALGORITHM),
        "cublasGemmEx");
  }

  private void check(int status, String call) {
    Cuda.checkCublas(status, call, device.info());
  }

  /** Gives the handle and its workspace back; of a lost device they are gone already. */
  @Override
  public void close() {
    try {
      device.call(stream -> check(JCublas2.cublasDestroy(handle), "cublasDestroy"));
    } catch (DeviceException e) {
      if (!e.isFatal()) {
        throw e;
      }
    } finally {
      workspace.release();
    }
  }
}
