package dev.weft.adapters;

import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.internal.Checks;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;

/**
 * Tensors over memory of a GPU that JCuda knows by a pointer, and JCuda's pointers to tensors: the
 * same bytes of the device, no copy. What one side has begun must be complete before the other
 * begins: {@link Backend#synchronize} here, {@code JCudaDriver.cuCtxSynchronize} there.
 *
 * @since 0.1
 */
public final class JcudaTensors {
  private JcudaTensors() {}

  /**
   * A tensor over memory of the backend's device in its primary context, as {@code
   * JCudaDriver.cuMemAlloc} or {@code JCuda.cudaMalloc} gave it there; see {@link
   * Backend#wrap(long, DType, Shape)}. Free it after the tensor's last use: closing the tensor
   * leaves it alone.
   *
   * @param pointer where the elements begin, its byte offset included
   * @throws IllegalArgumentException {@code wrap: need a pointer to memory of a device, got
   *     pointer=…} for a Java array or buffer, and as {@link Backend#wrap(long, DType, Shape)}
   * @throws UnsupportedOperationException if the backend has no device
   * @throws ClosedException if the backend is closed
   * @since 0.1
   */
  public static Tensor wrap(Backend backend, Pointer pointer, DType dtype, Shape shape) {
    Address address = new Address(pointer);
    if (address.isOfJava(pointer)) {
      throw Checks.bad("wrap", "need a pointer to memory of a device", "pointer", pointer);
    }
    return backend.wrap(address.value(), dtype, shape);
  }

  /**
   * A pointer to a tensor's first element, when every operation that was begun before is complete;
   * see {@link Tensor#devicePointer}. Not to be used after the tensor is closed, unless it is
   * {@linkplain Tensor#lend lent}, and not to be freed if the memory is weft's own.
   *
   * @throws UnsupportedOperationException if the tensor's memory is the host's
   * @throws ClosedException if the tensor or its backend is closed
   * @since 0.1
   */
  public static CUdeviceptr pointer(Tensor tensor) {
    return new CUdeviceptr().withByteOffset(tensor.devicePointer());
  }

  /** A pointer's address, which JCuda shows to subclasses alone. */
  private static final class Address extends Pointer {
    Address(Pointer pointer) {
      super(pointer);
    }

    /** A {@code CUdeviceptr} never points to a Java object, and may be nothing but an offset. */
    boolean isOfJava(Pointer pointer) {
      return getNativePointer() == 0 && !(pointer instanceof CUdeviceptr);
    }

    long value() {
      return getNativePointer() + getByteOffset();
    }
  }
}
