package dev.weft;

import dev.weft.internal.Checks;
import dev.weft.spi.Buffer;

/**
 * A matrix [K, N] in the form that its backend multiplies fastest: the right operand of products,
 * such as a layer's weights, made once by {@link Backend#pack} and used often. A copy: what becomes
 * of its source later is not seen. It may be used from any thread.
 *
 * <p>Close it: one that is lost unclosed is freed when the garbage collector finds it, and reported
 * through {@link System.Logger}.
 *
 * @since 0.1
 */
public final class PackedMatrix implements AutoCloseable {
  private final Backend backend;
  private final DType dtype;
  private final long rows;
  private final long columns;
  private final Buffer buffer;
  private final Allocation allocation;

  private final Usage usage = new Usage();

  PackedMatrix(
      Backend backend, DType dtype, long rows, long columns, Buffer buffer, Allocation allocation) {
    this.backend = backend;
    this.dtype = dtype;
    this.rows = rows;
    this.columns = columns;
    this.buffer = buffer;
    this.allocation = allocation;
  }

  /** The type of what it was made of. */
  public DType dtype() {
    return dtype;
  }

  /** K. */
  public long rows() {
    return rows;
  }

  /** N. */
  public long columns() {
    return columns;
  }

  /** The backend that made it. */
  public Backend backend() {
    return backend;
  }

  /**
   * Gives the memory back. A second call does nothing.
   *
   * @throws IllegalStateException if an operation is running with this matrix
   */
  @Override
  public void close() {
    if (!allocation.close(usage)) {
      throw new IllegalStateException(
          Checks.message("close", "need no running operation", "matrix", this));
    }
  }

  /** For example {@code [784, 128]}. */
  @Override
  public String toString() {
    return "[" + rows + ", " + columns + "]";
  }

  Buffer buffer() {
    return buffer;
  }

  /** Begins an operation, which {@link #leave} ends. */
  void enter(String op) {
    backend.enter(op);
    boolean entered = false;
    try {
      entered = usage.enter();
    } finally {
      if (!entered) {
        backend.leave();
      }
    }
    if (!entered) {
      throw new ClosedException(Checks.message(op, "need an open packed matrix", "b", this));
    }
  }

  void leave() {
    usage.leave();
    backend.leave();
  }
}
