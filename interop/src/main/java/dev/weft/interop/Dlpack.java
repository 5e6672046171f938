package dev.weft.interop;

import dev.weft.Backend;
import dev.weft.Lease;
import dev.weft.Matrix;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.internal.Access;
import dev.weft.internal.Checks;
import java.lang.foreign.MemorySegment;

/**
 * Tensors to and from other libraries of the same process by DLPack, without a copy: addresses of C
 * structs that NumPy, PyTorch, JAX, CuPy and TVM exchange as capsules.
 *
 * <table>
 * <caption>What is exchanged</caption>
 * <tr><th>tensor</th><th>exported as</th><th>imported from</th></tr>
 * <tr><td>memory of the host</td><td>kDLCPU 0</td><td>kDLCPU, kDLCUDAHost; by any backend</td></tr>
 * <tr><td>memory of device K</td><td>kDLCUDA K</td><td>kDLCUDA, kDLCUDAManaged of device K; by
 *     {@code gpu:K}</td></tr>
 * <tr><td>F16, F32, F64</td><td>kDLFloat 16, 32, 64, one lane</td><td>the same</td></tr>
 * <tr><td>BF16</td><td>kDLBfloat 16, one lane</td><td>the same</td></tr>
 * </table>
 *
 * <p>C may call the deleter of an exported struct at any time: a class loader whose weft has
 * exported a tensor is never unloaded.
 *
 * <p>Native access must be allowed to this module ({@code --enable-native-access}), or the JVM says
 * so. An address is taken at its word: weft refuses what a struct says wrongly, but cannot know
 * whether the memory is there.
 *
 * @see <a href="https://dmlc.github.io/dlpack/latest/c_api.html">DLPack C API</a>
 * @since 0.1
 */
public final class Dlpack {
  /** Which of the two structs an address is of. */
  public enum Form {
    /** {@code DLManagedTensor}, of capsules called {@code dltensor}. */
    LEGACY,
    /** {@code DLManagedTensorVersioned} 1.x, of capsules called {@code dltensor_versioned}. */
    VERSIONED
  }

  private Dlpack() {}

  /**
   * The address of a struct over the tensor's memory, which has a deleter. Until the deleter is
   * called, by any thread and once, the memory stays: the tensor may be closed before, its backend
   * may not. Operations that were begun on it are complete. A tensor of the caller's memory is the
   * caller's to keep.
   *
   * @throws IllegalArgumentException {@code dlpack: need native memory or a device's, got tensor=…}
   *     for a Java array
   * @throws dev.weft.ClosedException if the tensor, its memory or its backend is closed
   */
  public static long exportTensor(Tensor tensor, Form form) {
    return export(tensor, form, 0);
  }

  /**
   * As {@link #exportTensor}, for a consumer that may not write: {@code
   * DLPACK_FLAG_BITMASK_READ_ONLY} of a versioned struct, as the legacy one cannot say it.
   */
  public static long exportReadOnly(Tensor tensor) {
    return export(tensor, Form.VERSIONED, DlpackStruct.READ_ONLY);
  }

  private static long export(Tensor tensor, Form form, long flags) {
    boolean host = tensor.isHost();
    if (host && !tensor.segment().isNative()) {
      throw Checks.bad("dlpack", "need native memory or a device's", "tensor", tensor);
    }
    Lease lease = tensor.lend();
    try {
      long address = host ? tensor.segment().address() : tensor.devicePointer();
      int ordinal = Access.get().deviceOrdinal(tensor.backend());
      return DlpackExports.add(
          lease,
          DlpackStruct.of(form)
              .write(flags, DlpackTensor.of(tensor, address, host ? -1 : ordinal)));
    } catch (Throwable e) {
      lease.close();
      throw e;
    }
  }

  /**
   * The tensor behind the address of a struct, over its memory. Closing it, when it is no longer
   * lent, calls the struct's deleter. Where an exception is thrown the struct stays the caller's.
   *
   * @param backend of the device, or any for memory of the host
   * @param address what a capsule holds; the caller gives it up
   * @throws IllegalArgumentException {@code dlpack: need …, got …} if the struct is not one that
   *     weft takes: of another major version, type or device, with more than 64 dimensions, a size
   *     or stride that does not suit, gaps between its elements or another order of them than by
   *     rows, read-only, or misaligned
   * @throws dev.weft.ClosedException if the backend is closed
   */
  public static Tensor importTensor(Backend backend, long address, Form form) {
    DlpackStruct.Managed managed = DlpackStruct.of(form).read(address);
    managed.requireWritable();
    DlpackTensor found = managed.tensor();
    found.requireRowMajor();
    return adopt(backend, managed, found.shape());
  }

  /**
   * The matrix behind the address of a struct with two dimensions, over its memory, by rows or by
   * columns, with or without gaps: what {@link Backend#gemm} multiplies. Closing its {@link
   * Matrix#tensor}, which holds the elements from the first to the last with those between, calls
   * the deleter.
   *
   * @throws IllegalArgumentException as {@link #importTensor}, and {@code dlpack: need two
   *     dimensions and elements of a row or column side by side, got …}
   * @throws dev.weft.ClosedException if the backend is closed
   */
  public static Matrix importMatrix(Backend backend, long address, Form form) {
    DlpackStruct.Managed managed = DlpackStruct.of(form).read(address);
    managed.requireWritable();
    DlpackTensor found = managed.tensor();
    DlpackTensor.Leading matrix = found.matrix();
    Tensor tensor = adopt(backend, managed, Shape.of(matrix.span()));
    try {
      Matrix stored = Matrix.of(tensor, 0, matrix.rows(), matrix.columns(), matrix.leading());
      return matrix.byColumns() ? stored.transposed() : stored;
    } catch (Throwable e) {
      Access.get().disown(tensor);
      throw e;
    }
  }

  private static Tensor adopt(Backend backend, DlpackStruct.Managed managed, Shape shape) {
    DlpackTensor found = managed.tensor();
    Access access = Access.get();
    found.requireDevice(access.deviceOrdinal(backend));
    if (shape.elements() == 0) {
      // such a struct's address is of nothing
      return access.adopt(backend, MemorySegment.NULL, found.dtype(), shape, managed::callDeleter);
    }
    long bytes = found.requireAddressed(shape.elements());
    return found.isHost()
        ? access.adopt(
            backend,
            NativeMemory.at(found.address(), bytes),
            found.dtype(),
            shape,
            managed::callDeleter)
        : access.adopt(backend, found.address(), found.dtype(), shape, managed::callDeleter);
  }
}
