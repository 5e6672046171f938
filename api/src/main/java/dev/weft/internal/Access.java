package dev.weft.internal;

import dev.weft.Backend;
import dev.weft.Tensor;
import dev.weft.spi.Engine;
import dev.weft.spi.StridedMatrix;
import java.lang.foreign.MemorySegment;

/** What the operations of other packages of weft need of a tensor and its backend. */
public abstract class Access {
  private static volatile Access access;

  /** The one there is; set by the class that a tensor comes from. */
  public static Access get() {
    return access;
  }

  /** Sets the one there is; once. */
  protected static void set(Access access) {
    Access.access = access;
  }

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

  /** Whether two tensors share memory. */
  public abstract boolean touch(Tensor x, Tensor y);

  /** Whether a tensor's elements lie in a segment, in part at least. */
  public abstract boolean touch(Tensor x, MemorySegment segment);
}
