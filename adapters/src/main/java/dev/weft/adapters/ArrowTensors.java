package dev.weft.adapters;

import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Lease;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.internal.Checks;
import java.lang.foreign.MemorySegment;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.ForeignAllocation;
import org.apache.arrow.vector.FloatingPointVector;

/**
 * Tensors over Apache Arrow's memory, and Arrow's buffers over a tensor's: the same bytes, no copy.
 *
 * <table>
 * <caption>Who owns the memory</caption>
 * <tr><th>method</th><th>memory</th><th>given back</th></tr>
 * <tr><td>{@code wrap}</td><td>Arrow's</td><td>by whoever releases the buffer or vector, after the
 *     tensor's last use</td></tr>
 * <tr><td>{@link #share}</td><td>the tensor's</td><td>when the tensor is closed and Arrow has
 *     released the last reference, in either order</td></tr>
 * </table>
 *
 * @see <a href="https://arrow.apache.org/docs/java/memory.html">Arrow's memory management</a>
 * @since 0.1
 */
public final class ArrowTensors {
  private ArrowTensors() {}

  /**
   * A tensor over a buffer's bytes from its reader index up to its capacity, at any alignment;
   * neither index moves. Keep the buffer, or retain it, until the tensor's last use: what is
   * released under a tensor is not noticed. Closing the tensor leaves the buffer alone.
   *
   * @throws ClosedException {@code wrap: need a buffer that is not released, got buffer=…}
   * @throws IllegalArgumentException {@code wrap: need 0 <= reader index <= capacity, got …}, or if
   *     the buffer is smaller than the shape
   * @since 0.1
   */
  @SuppressWarnings("restricted") // an address is all that Arrow tells
  public static Tensor wrap(Backend backend, ArrowBuf buffer, DType dtype, Shape shape) {
    if (buffer.refCnt() <= 0) {
      throw new ClosedException(
          Checks.message("wrap", "need a buffer that is not released", "buffer", buffer));
    }
    long start = buffer.readerIndex();
    long bytes = buffer.capacity() - start;
    if (start < 0 || bytes < 0) {
      throw Checks.bad(
          "wrap",
          "need 0 <= reader index <= capacity",
          "readerIndex",
          start,
          "capacity",
          buffer.capacity());
    }
    MemorySegment memory =
        MemorySegment.ofAddress(buffer.memoryAddress() + start).reinterpret(bytes);
    return backend.wrap(memory, dtype, shape);
  }

  /**
   * A tensor [values] over a vector's values: F16, F32 or F64 for a {@code Float2Vector}, {@code
   * Float4Vector} or {@code Float8Vector}. Its bitmap of nulls is neither shared nor changed. Keep
   * the vector, and do not let it grow, until the tensor's last use.
   *
   * @throws IllegalArgumentException {@code wrap: need a vector without nulls, got nulls=…}: a fill
   *     would leave them null
   * @since 0.1
   */
  public static Tensor wrap(Backend backend, FloatingPointVector vector) {
    DType dtype =
        switch (vector.getMinorType()) {
          case FLOAT2 -> DType.F16;
          case FLOAT4 -> DType.F32;
          case FLOAT8 -> DType.F64;
          default ->
              throw Checks.bad(
                  "wrap", "need float2, float4 or float8", "type", vector.getMinorType());
        };
    int values = vector.getValueCount();
    int nulls = vector.getNullCount();
    if (nulls != 0) {
      throw Checks.bad("wrap", "need a vector without nulls", "nulls", nulls, "values", values);
    }
    return wrap(backend, vector.getDataBuffer(), dtype, Shape.of(values));
  }

  /**
   * A buffer of exactly the tensor's bytes, with one reference and its writer index at their end.
   * It counts against the allocator's limit; its alignment is the tensor's, 64 bytes if the memory
   * is weft's own. The tensor may be closed while Arrow uses the buffer; its backend stays open
   * until Arrow has released it. Memory of the caller's is the caller's to keep.
   *
   * @throws IllegalArgumentException {@code share: need native memory, got tensor=…} for a Java
   *     array
   * @throws UnsupportedOperationException if the memory is a device's
   * @throws ClosedException if the tensor, its memory or its backend is closed
   * @throws org.apache.arrow.memory.OutOfMemoryException beyond the allocator's limit
   * @since 0.1
   */
  public static ArrowBuf share(Tensor tensor, BufferAllocator allocator) {
    Lease lease = tensor.lend();
    try {
      MemorySegment memory = tensor.segment();
      if (!memory.isNative()) {
        throw Checks.bad("share", "need native memory", "tensor", tensor);
      }
      return allocator.wrapForeignAllocation(new Lent(memory, lease));
    } catch (RuntimeException | Error e) {
      lease.close();
      throw e;
    }
  }

  /** A tensor's memory until Arrow's last reference is released. */
  private static final class Lent extends ForeignAllocation {
    private final Lease lease;

    Lent(MemorySegment memory, Lease lease) {
      super(memory.byteSize(), memory.address());
      this.lease = lease;
    }

    @Override
    protected void release0() {
      lease.close();
    }
  }
}
