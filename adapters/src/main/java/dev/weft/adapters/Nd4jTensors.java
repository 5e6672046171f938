package dev.weft.adapters;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Lease;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.internal.Checks;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.pointers.PagedPointer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.executioner.OpExecutioner;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Tensors of weft and arrays of ND4J's CPU backend over the same memory, without a copy.
 *
 * <table>
 * <caption>Contiguous and row-major; views that are so, too</caption>
 * <tr><th></th><th>types</th><th>size</th><th>freed when</th></tr>
 * <tr><td>{@link #wrap}</td><td>FLOAT, DOUBLE, HALF, BFLOAT16</td><td>any</td>
 *     <td>ND4J frees the array, and not before the arena has ended</td></tr>
 * <tr><td>{@link #share}</td><td>F32, F64, F16, BF16</td><td>any</td>
 *     <td>the tensor and what {@code share} returned are closed</td></tr>
 * </table>
 *
 * @since 0.1
 */
public final class Nd4jTensors {
  /** The buffers that wrapped tensors use, with the number of these: ND4J closes none of them. */
  private static final Map<DataBuffer, Integer> HELD = new IdentityHashMap<>();

  private Nd4jTensors() {}

  /**
   * A tensor over the array's memory, which stays until the tensor is no longer reachable; see
   * {@link #wrap(Backend, INDArray, Arena)}.
   *
   * @since 0.1
   */
  public static Tensor wrap(Backend backend, INDArray array) {
    return wrap(backend, array, Arena.ofAuto());
  }

  /**
   * A tensor over the array's memory, for as long as {@code arena} lives. Until then the array's
   * buffer is marked constant, which for ND4J means that it is not closed: {@code array.close()}
   * does nothing, {@code array.data().close()} throws, and both free the memory again afterwards.
   *
   * @param array with elements that follow one another in 'c' order, also a view of such rows,
   *     outside of workspaces
   * @param arena a shared or automatic one, if the tensor is to be filled by all threads
   * @throws IllegalArgumentException {@code wrap: need …, got …} for an array of another backend or
   *     type, with other strides, in a workspace, or closed
   * @throws IllegalStateException if the arena is closed
   * @throws dev.weft.ClosedException if the backend is closed
   * @since 0.1
   */
  public static Tensor wrap(Backend backend, INDArray array, Arena arena) {
    requireCpu("wrap");
    DType dtype = dtype(array.dataType());
    Shape shape = Shape.of(array.shape());
    if (array.isEmpty()) {
      return ForeignMemory.wrap(backend, 0, dtype, shape, arena, () -> {});
    }
    requireRowMajor(array, shape);
    if (array.isAttached()) {
      throw Checks.bad("wrap", "need an array outside of workspaces", "shape", shape);
    }
    Runnable release = hold(root(array.data()));
    if (array.wasClosed()) {
      release.run();
      throw Checks.bad("wrap", "need an array that is not closed", "shape", shape);
    }
    long address = array.data().addressPointer().address(); // of a view, too
    return ForeignMemory.wrap(backend, address, dtype, shape, arena, release);
  }

  /**
   * An array over the tensor's memory, which is {@linkplain Tensor#lend lent} until the returned
   * pair is closed: closing the tensor before then is safe, and its backend cannot be closed.
   *
   * @param tensor F32, F64, F16 or BF16 in native memory of the host; memory of the caller's must
   *     live until the pair is closed
   * @throws IllegalArgumentException {@code share: need …, got …} for other memory, or with another
   *     backend of ND4J
   * @throws dev.weft.ClosedException if the tensor, its memory or its backend is closed
   * @since 0.1
   */
  public static Shared share(Tensor tensor) {
    requireCpu("share");
    MemorySegment memory = ForeignMemory.of("share", tensor);
    Lease lease = tensor.lend();
    try {
      return new Shared(over(memory, tensor), lease);
    } catch (RuntimeException | Error e) {
      lease.close();
      throw e;
    }
  }

  /**
   * An array over weft's memory, and the lease of it.
   *
   * @param array closed with this pair, and its views with it
   * @param lease ended with this pair
   * @since 0.1
   */
  public record Shared(INDArray array, Lease lease) implements AutoCloseable {
    /** Closes the array, then ends the lease; a second call does nothing. */
    @Override
    public void close() {
      array.close();
      lease.close();
    }
  }

  private static INDArray over(MemorySegment memory, Tensor tensor) {
    long[] dims = tensor.shape().dims();
    DataType type = dataType(tensor.dtype());
    long elements = tensor.shape().elements();
    if (elements == 0) {
      return Nd4j.create(type, dims);
    }
    PagedPointer pointer = new PagedPointer(new PagedPointer(memory.address()), elements);
    DataBuffer buffer = Nd4j.createBuffer(pointer, elements, type);
    return Nd4j.create(buffer, dims, Nd4j.getStrides(dims, 'c'), 0, 'c', type);
  }

  /** Keeps ND4J from closing a buffer until the result is run. */
  private static Runnable hold(DataBuffer root) {
    synchronized (HELD) {
      if (root.isConstant() && !HELD.containsKey(root)) {
        return () -> {}; // ND4J never closes it
      }
      HELD.merge(root, 1, Integer::sum);
      root.setConstant(true);
      return () -> release(root);
    }
  }

  private static void release(DataBuffer root) {
    synchronized (HELD) {
      if (HELD.merge(root, -1, Integer::sum) == 0) {
        HELD.remove(root);
        root.setConstant(false);
      }
    }
  }

  /** The buffer whose memory a view's buffer shows; closing it would free the memory. */
  static DataBuffer root(DataBuffer buffer) {
    DataBuffer original = buffer.originalDataBuffer();
    return original == null ? buffer : original;
  }

  private static void requireCpu(String op) {
    OpExecutioner.ExecutionerType type = Nd4j.getExecutioner().type();
    if (type != OpExecutioner.ExecutionerType.NATIVE_CPU) {
      throw Checks.bad(op, "need ND4J's CPU backend", "backend", type);
    }
  }

  private static void requireRowMajor(INDArray array, Shape shape) {
    long[] strides = array.stride();
    long stride = 1;
    for (int axis = shape.rank() - 1; axis >= 0; axis--) {
      if (shape.dim(axis) > 1 && strides[axis] != stride) {
        throw Checks.bad(
            "wrap",
            "need an array that is contiguous in 'c' order",
            "shape",
            shape,
            "order",
            array.ordering(),
            "strides",
            Arrays.toString(strides));
      }
      stride *= shape.dim(axis);
    }
  }

  static DType dtype(DataType type) {
    for (DType dtype : DType.values()) {
      if (dataType(dtype) == type) {
        return dtype;
      }
    }
    throw Checks.bad("wrap", "need FLOAT, DOUBLE, HALF or BFLOAT16 elements", "type", type);
  }

  private static DataType dataType(DType dtype) {
    return switch (dtype) {
      case F32 -> DataType.FLOAT;
      case F64 -> DataType.DOUBLE;
      case F16 -> DataType.FLOAT16;
      case BF16 -> DataType.BFLOAT16;
    };
  }
}
