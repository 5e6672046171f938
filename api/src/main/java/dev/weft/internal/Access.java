package dev.weft.internal;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Lease;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.spi.Engine;
import dev.weft.spi.StridedMatrix;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;

/** What the operations of other packages of weft need of a tensor and its backend. */
public abstract class Access {
  private static volatile Access access;

  /** The one there is; set by {@link Tensor}, which may not have been used before. */
  public static Access get() {
    if (access == null) {
      try {
        MethodHandles.lookup().ensureInitialized(Tensor.class);
      } catch (IllegalAccessException e) {
        throw new AssertionError(e);
      }
    }
    return access;
  }

  /** Sets the one there is; once. */
  protected static void set(Access access) {
    Access.access = access;
  }

  /** The number of a backend's device as CUDA counts; -1 if its memory is the host's. */
  public abstract int deviceOrdinal(Backend backend);

  /**
   * A tensor over memory of the host that is the tensor's to give back.
   *
   * @param release gives it back: once, when the tensor is closed and no longer lent, by any thread
   */
  public abstract Tensor adopt(
      Backend backend, MemorySegment memory, DType dtype, Shape shape, Runnable release);

  /** The same for memory of the backend's device. */
  public abstract Tensor adopt(
      Backend backend, long devicePointer, DType dtype, Shape shape, Runnable release);

  /** Closes a tensor of {@link #adopt} that nobody has seen: its memory is not given back. */
  public abstract void disown(Tensor tensor);

  /** Closes a lease, now or, if other code still uses the memory, when that lets it. */
  public abstract void closeLater(Lease lease);

  /** The engine of a backend. */
  public abstract Engine engine(Backend backend);

  /**
   * The tensor [d₀, …, dₙ₋₁, C] as a matrix [d₀·…·dₙ₋₁, C], and one of rank 0 as [1, 1]; the same
   * object every time.
   */
  public abstract StridedMatrix rows(Tensor tensor);

  /** The transpose of {@link #rows}; the same object every time. */
  public abstract StridedMatrix columns(Tensor tensor);

  /**
   * Begins an operation, which {@link #leave} ends.
   *
   * @throws dev.weft.ClosedException if the tensor, its memory or its backend is closed
   * @throws WrongThreadException if the memory belongs to another thread
   */
  public abstract void enter(Tensor tensor, String op);

  /** Ends an operation. */
  public abstract void leave(Tensor tensor);

  /**
   * What an operation failed of: a {@link dev.weft.ClosedException} if the caller's memory of the
   * tensor was closed meanwhile, else {@code e}.
   */
  public abstract IllegalStateException cause(Tensor tensor, String op, IllegalStateException e);

  /** Whether two tensors share memory. */
  public abstract boolean touch(Tensor x, Tensor y);

  /** Whether a tensor's elements lie in a segment, in part at least. */
  public abstract boolean touch(Tensor x, MemorySegment segment);
}
