package dev.weft.adapters;

import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.internal.Checks;
import java.lang.foreign.MemorySegment;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;

/**
 * Tensors over {@code java.nio} buffers, and buffers over tensors: the same bytes, no copy.
 *
 * <p>A tensor lies between the buffer's position and its limit, which do not move, and keeps the
 * buffer. Direct, mapped and heap buffers do, slices and views too. They are in the machine's byte
 * order, which a new {@code ByteBuffer} is not: {@code
 * ByteBuffer.allocateDirect(n).order(ByteOrder.nativeOrder())}.
 *
 * <p>A buffer over a tensor begins at its first element and ends behind its last. It does not keep
 * the tensor: over memory of weft's own it throws {@code IllegalStateException} once the tensor is
 * closed.
 *
 * @since 0.1
 */
public final class BufferTensors {
  /** The JDK's limit for a buffer over native memory. */
  static final long MAX_BYTES = Integer.MAX_VALUE - 8;

  private BufferTensors() {}

  /**
   * An F32 tensor over a buffer.
   *
   * @throws IllegalArgumentException {@code wrap: need the machine's byte order, got order=…}, or
   *     if the buffer is read-only or has fewer elements left than the shape
   * @since 0.1
   */
  public static Tensor wrap(Backend backend, FloatBuffer buffer, Shape shape) {
    return wrap(backend, buffer, buffer.order(), DType.F32, shape);
  }

  /**
   * An F64 tensor over a buffer.
   *
   * @throws IllegalArgumentException as {@link #wrap(Backend, FloatBuffer, Shape)}
   * @since 0.1
   */
  public static Tensor wrap(Backend backend, DoubleBuffer buffer, Shape shape) {
    return wrap(backend, buffer, buffer.order(), DType.F64, shape);
  }

  /**
   * An F16 or BF16 tensor over a buffer of bit patterns.
   *
   * @throws IllegalArgumentException {@code wrap: need a 16-bit dtype over a ShortBuffer, got
   *     dtype=…}, or as {@link #wrap(Backend, FloatBuffer, Shape)}
   * @since 0.1
   */
  public static Tensor wrap(Backend backend, ShortBuffer buffer, DType dtype, Shape shape) {
    if (dtype.byteSize() != Short.BYTES) {
      throw Checks.bad("wrap", "need a 16-bit dtype over a ShortBuffer", "dtype", dtype.id());
    }
    return wrap(backend, buffer, buffer.order(), dtype, shape);
  }

  /**
   * A tensor over a buffer of bytes, at any alignment.
   *
   * @throws IllegalArgumentException as {@link #wrap(Backend, FloatBuffer, Shape)}
   * @since 0.1
   */
  public static Tensor wrap(Backend backend, ByteBuffer buffer, DType dtype, Shape shape) {
    return wrap(backend, buffer, buffer.order(), dtype, shape);
  }

  private static Tensor wrap(
      Backend backend, Buffer buffer, ByteOrder order, DType dtype, Shape shape) {
    if (order != ByteOrder.nativeOrder()) {
      throw Checks.bad("wrap", "need the machine's byte order", "order", order);
    }
    return backend.wrap(MemorySegment.ofBuffer(buffer), dtype, shape);
  }

  /**
   * The elements of an F32 tensor.
   *
   * @param tensor in native memory or a {@code byte[]}, at most 2³¹ − 9 bytes; or in a {@code
   *     float[]}
   * @throws IllegalArgumentException {@code floatBuffer: need …, got …} for another type, more
   *     bytes or another array
   * @throws UnsupportedOperationException if the memory is a device's
   * @throws ClosedException if the tensor or its backend is closed
   * @since 0.1
   */
  public static FloatBuffer floatBuffer(Tensor tensor) {
    String op = "floatBuffer";
    if (tensor.dtype() != DType.F32) {
      throw Checks.bad(op, "need f32", "tensor", tensor);
    }
    MemorySegment memory = tensor.segment();
    if (memory.heapBase().orElse(null) instanceof float[] array) {
      int elements = (int) tensor.shape().elements();
      return FloatBuffer.wrap(array, index(op, tensor, memory), elements).slice();
    }
    return bytes(op, tensor, memory).asFloatBuffer();
  }

  /**
   * The elements of an F64 tensor.
   *
   * @param tensor as {@link #floatBuffer}, or in a {@code double[]}
   * @throws IllegalArgumentException {@code doubleBuffer: need …, got …}, as {@link #floatBuffer}
   * @throws UnsupportedOperationException if the memory is a device's
   * @throws ClosedException if the tensor or its backend is closed
   * @since 0.1
   */
  public static DoubleBuffer doubleBuffer(Tensor tensor) {
    String op = "doubleBuffer";
    if (tensor.dtype() != DType.F64) {
      throw Checks.bad(op, "need f64", "tensor", tensor);
    }
    MemorySegment memory = tensor.segment();
    if (memory.heapBase().orElse(null) instanceof double[] array) {
      int elements = (int) tensor.shape().elements();
      return DoubleBuffer.wrap(array, index(op, tensor, memory), elements).slice();
    }
    return bytes(op, tensor, memory).asDoubleBuffer();
  }

  /**
   * The bit patterns of an F16 or BF16 tensor.
   *
   * @param tensor as {@link #floatBuffer}, or in a {@code short[]}
   * @throws IllegalArgumentException {@code shortBuffer: need …, got …}, as {@link #floatBuffer}
   * @throws UnsupportedOperationException if the memory is a device's
   * @throws ClosedException if the tensor or its backend is closed
   * @since 0.1
   */
  public static ShortBuffer shortBuffer(Tensor tensor) {
    String op = "shortBuffer";
    if (tensor.dtype().byteSize() != Short.BYTES) {
      throw Checks.bad(op, "need f16 or bf16", "tensor", tensor);
    }
    MemorySegment memory = tensor.segment();
    if (memory.heapBase().orElse(null) instanceof short[] array) {
      int elements = (int) tensor.shape().elements();
      return ShortBuffer.wrap(array, index(op, tensor, memory), elements).slice();
    }
    return bytes(op, tensor, memory).asShortBuffer();
  }

  /**
   * The bytes of a tensor of any type, in the machine's order.
   *
   * @param tensor in native memory or a {@code byte[]}, at most 2³¹ − 9 bytes
   * @throws IllegalArgumentException {@code byteBuffer: need …, got …} for more bytes or another
   *     array
   * @throws UnsupportedOperationException if the memory is a device's
   * @throws ClosedException if the tensor or its backend is closed
   * @since 0.1
   */
  public static ByteBuffer byteBuffer(Tensor tensor) {
    return bytes("byteBuffer", tensor, tensor.segment());
  }

  /** Where the elements begin in an array of their type. */
  private static int index(String op, Tensor tensor, MemorySegment memory) {
    long offset = memory.address(); // of an array: the offset in bytes
    int size = tensor.dtype().byteSize();
    if (offset % size != 0) {
      throw Checks.bad(op, "need whole elements of the array", "offset", offset, "tensor", tensor);
    }
    return (int) (offset / size);
  }

  private static ByteBuffer bytes(String op, Tensor tensor, MemorySegment memory) {
    if (!memory.isNative() && !(memory.heapBase().orElse(null) instanceof byte[])) {
      throw Checks.bad(op, "need native memory or an array of the buffer's type", "tensor", tensor);
    }
    if (memory.byteSize() > MAX_BYTES) {
      throw Checks.bad(
          op, "need at most " + MAX_BYTES + " bytes", "bytes", memory.byteSize(), "tensor", tensor);
    }
    return memory.asByteBuffer().order(ByteOrder.nativeOrder());
  }
}
