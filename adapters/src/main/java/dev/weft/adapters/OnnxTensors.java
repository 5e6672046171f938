package dev.weft.adapters;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.TensorInfo;
import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Lease;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.internal.Checks;
import java.lang.foreign.MemorySegment;
import java.nio.Buffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * ONNX Runtime's tensors over a weft tensor's memory, as inputs of a session or for its outputs,
 * and weft's tensors over the Java buffers of ONNX Runtime's: the same bytes, no copy.
 *
 * <table>
 * <caption>Types</caption>
 * <tr><th>weft</th><th>ONNX Runtime</th></tr>
 * <tr><td>F32</td><td>FLOAT</td></tr>
 * <tr><td>F64</td><td>DOUBLE</td></tr>
 * <tr><td>F16</td><td>FLOAT16</td></tr>
 * <tr><td>BF16</td><td>BFLOAT16</td></tr>
 * </table>
 *
 * @since 0.1
 */
public final class OnnxTensors {
  private OnnxTensors() {}

  /**
   * ONNX Runtime's tensor over a weft tensor's memory. The weft tensor may be closed before; its
   * memory, and its backend, stay until this is closed.
   *
   * @param tensor for a session, as an input or an output; its shape is the weft tensor's
   * @param lease what keeps the memory
   * @since 0.1
   */
  public record Shared(OnnxTensor tensor, Lease lease) implements AutoCloseable {
    /**
     * Closes ONNX Runtime's tensor, then the lease. To be called when no session uses the tensor
     * any more; a second call does nothing.
     */
    @Override
    public void close() {
      try {
        if (!tensor.isClosed()) {
          tensor.close();
        }
      } finally {
        lease.close();
      }
    }
  }

  /**
   * ONNX Runtime's tensor of the same type and shape over the tensor's memory. Memory of the
   * caller's is the caller's to keep.
   *
   * @throws IllegalArgumentException {@code share: need native memory, got tensor=…} for a Java
   *     array, {@code share: need at most 2147483639 bytes, got bytes=…, …}, or {@code share: need
   *     a multiple of the element's size, got address=0x…, …}
   * @throws UnsupportedOperationException if the memory is a device's
   * @throws ClosedException if the tensor, its memory or its backend is closed
   * @throws OrtException if ONNX Runtime refuses
   * @since 0.1
   */
  public static Shared share(OrtEnvironment environment, Tensor tensor) throws OrtException {
    Lease lease = tensor.lend();
    try {
      MemorySegment memory = tensor.segment();
      requireShareable(memory, tensor);
      OnnxTensor shared =
          OnnxTensor.createTensor(
              environment,
              memory.asByteBuffer().order(ByteOrder.nativeOrder()),
              tensor.shape().dims(),
              type(tensor.dtype()));
      return new Shared(shared, lease);
    } catch (OrtException | RuntimeException | Error e) {
      lease.close();
      throw e;
    }
  }

  private static void requireShareable(MemorySegment memory, Tensor tensor) {
    if (!memory.isNative()) {
      throw Checks.bad("share", "need native memory", "tensor", tensor);
    }
    if (memory.byteSize() > BufferTensors.MAX_BYTES) { // ONNX Runtime has the same limit
      throw Checks.bad(
          "share",
          "need at most " + BufferTensors.MAX_BYTES + " bytes",
          "bytes",
          memory.byteSize(),
          "tensor",
          tensor);
    }
    if (memory.address() % tensor.dtype().byteSize() != 0) {
      throw Checks.bad(
          "share",
          "need a multiple of the element's size",
          "address",
          "0x" + Long.toHexString(memory.address()),
          "tensor",
          tensor);
    }
  }

  /**
   * A tensor over the Java buffer that ONNX Runtime's tensor was made over: the caller's direct
   * buffer, between its position and limit of now, or ONNX Runtime's copy of an array or heap
   * buffer. It keeps the buffer, and stays usable when ONNX Runtime's tensor is closed.
   *
   * @param tensor not a session's output: ONNX Runtime copies its own memory whenever Java asks for
   *     it. Give the session a {@linkplain #share shared} tensor for the output instead
   * @throws IllegalArgumentException {@code wrap: need a tensor over a Java buffer, got tensor=…},
   *     {@code wrap: need float, double, float16 or bfloat16, got type=…}, {@code wrap: need as
   *     many bytes as the shape, got …}, or if the buffer is read-only
   * @throws ClosedException {@code wrap: need an open tensor, got tensor=…}
   * @since 0.1
   */
  public static Tensor wrap(Backend backend, OnnxTensor tensor) {
    if (tensor.isClosed()) {
      throw new ClosedException(Checks.message("wrap", "need an open tensor", "tensor", tensor));
    }
    TensorInfo info = tensor.getInfo();
    DType dtype = dtype(info.type);
    Shape shape = Shape.of(info.getShape());
    MemorySegment memory = MemorySegment.ofBuffer(buffer(tensor));
    if (memory.byteSize() != dtype.byteSize(shape.elements())) { // its position or limit has moved
      throw Checks.bad(
          "wrap",
          "need as many bytes as the shape",
          "bytes",
          memory.byteSize(),
          "needed",
          dtype.byteSize(shape.elements()),
          "tensor",
          tensor);
    }
    return backend.wrap(memory, dtype, shape);
  }

  private static Buffer buffer(OnnxTensor tensor) {
    Optional<Buffer> buffer;
    try {
      buffer = tensor.getBufferRef();
    } catch (NullPointerException e) { // version 1.29, where it should give none
      buffer = Optional.empty();
    }
    return buffer.orElseThrow(
        () -> Checks.bad("wrap", "need a tensor over a Java buffer", "tensor", tensor));
  }

  private static OnnxJavaType type(DType dtype) {
    return switch (dtype) {
      case F32 -> OnnxJavaType.FLOAT;
      case F64 -> OnnxJavaType.DOUBLE;
      case F16 -> OnnxJavaType.FLOAT16;
      case BF16 -> OnnxJavaType.BFLOAT16;
    };
  }

  private static DType dtype(OnnxJavaType type) {
    return switch (type) {
      case FLOAT -> DType.F32;
      case DOUBLE -> DType.F64;
      case FLOAT16 -> DType.F16;
      case BFLOAT16 -> DType.BF16;
      default -> throw Checks.bad("wrap", "need float, double, float16 or bfloat16", "type", type);
    };
  }
}
