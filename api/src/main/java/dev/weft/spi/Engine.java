package dev.weft.spi;

import dev.weft.BackendInfo;
import dev.weft.DType;
import dev.weft.MemoryInfo;
import dev.weft.Region;
import dev.weft.init.Fill;
import dev.weft.internal.Checks;
import dev.weft.random.RandomKey;
import java.lang.foreign.MemorySegment;

/**
 * An open backend behind {@link dev.weft.Backend}. Arguments are checked before they come here;
 * buffers passed in were made by this engine and stay open for the call. Methods may be called from
 * any thread.
 */
public interface Engine extends NnEngine, AutoCloseable {
  /** What was opened. */
  BackendInfo info();

  /** Memory held by the buffers of {@link #allocate}. */
  MemoryInfo memory();

  /**
   * Memory of the backend's own, aligned to 64 bytes; its content is undefined.
   *
   * @throws dev.weft.MemoryLimitException if it does not fit
   */
  Buffer allocate(long byteSize);

  /** The caller's memory, native or heap, as it is. */
  Buffer wrap(MemorySegment segment);

  /**
   * The caller's memory on this backend's device, as it is.
   *
   * @param devicePointer not 0
   * @throws IllegalArgumentException if these bytes are no memory of this device
   * @throws UnsupportedOperationException if the backend has no device
   */
  default Buffer wrap(long devicePointer, long byteSize) {
    throw new UnsupportedOperationException(
        Checks.message(
            "wrap", "need a backend of a device for a pointer", "backend", info().name()));
  }

  /** The number of this backend's device as CUDA counts; -1 if its memory is the host's. */
  default int deviceOrdinal() {
    return -1;
  }

  /** Waits until everything that was begun is complete. */
  default void synchronize() {}

  /**
   * Copies {@code out.byteSize()} bytes of a buffer, from {@code byteOffset} on, to the host.
   *
   * @param out native or heap, of the calling thread
   */
  default void read(Buffer buffer, long byteOffset, MemorySegment out) {
    out.copyFrom(buffer.segment().asSlice(byteOffset, out.byteSize()));
  }

  /**
   * Copies {@code in.byteSize()} bytes from the host into a buffer, from {@code byteOffset} on.
   *
   * @param in native or heap, of the calling thread
   */
  default void write(Buffer buffer, long byteOffset, MemorySegment in) {
    buffer.segment().asSlice(byteOffset, in.byteSize()).copyFrom(in);
  }

  /**
   * Writes {@code region} of the logical tensor, {@code dtype.byteSize(region.shape().elements())}
   * bytes from the beginning of {@code out}; allocates nothing for fills that are defined element
   * by element.
   */
  void fill(Fill fill, RandomKey key, DType dtype, Region region, Buffer out);

  /**
   * max |QᵀQ − I| (rows {@code >=} columns) or max |QQᵀ − I|, where Q·gain is the row-major matrix
   * in {@code matrix}; accumulated in f64.
   */
  double orthogonalityError(DType dtype, long rows, long columns, double gain, Buffer matrix);

  /**
   * {@code C = alpha·A·B + beta·C} for every matrix of the batch; see {@link
   * dev.weft.Backend#gemm}.
   *
   * @param dtype F32 or F64, of c and of every sum; alpha and beta are finite values of it. a and b
   *     are each of F32, F16 or BF16 where it is F32, else of F64
   * @param a [batch, M, K], or [1, M, K], which goes with every matrix
   * @param b [batch, K, N], or [1, K, N]
   * @param c [batch, M, N], apart from a and b
   */
  void gemm(
      DType dtype, double alpha, StridedMatrix a, StridedMatrix b, double beta, StridedMatrix c);

  /**
   * A copy of b in the form that this engine multiplies fastest, in memory like that of {@link
   * #allocate}.
   *
   * @param b [1, K, N]
   */
  Buffer pack(StridedMatrix b);

  /**
   * The same product with a right operand of {@link #pack}.
   *
   * @param b what {@link #pack} made of a matrix [1, K, N] whose type suits {@code dtype}
   * @param c [batch, M, N], whose columnStride is 1
   */
  void gemm(DType dtype, double alpha, StridedMatrix a, Buffer b, double beta, StridedMatrix c);

  /**
   * Ends the backend's threads and gives back its memory; {@code allocate}d buffers are closed
   * before, but for those of the host's memory that other code uses, which are closed later. Called
   * once. It may be called by any thread, and may not know its {@link dev.weft.Backend}.
   */
  @Override
  void close();
}
