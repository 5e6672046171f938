package dev.weft.adapters;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Lease;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.internal.Checks;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.ByteOrder;

/**
 * Tensors of weft and arrays of DJL's PyTorch engine over the same memory, without a copy.
 *
 * <table>
 * <caption>Memory of the host, contiguous and row-major</caption>
 * <tr><th></th><th>types</th><th>size</th><th>freed when</th></tr>
 * <tr><td>{@link #wrap}</td><td>FLOAT32, FLOAT64, FLOAT16</td><td>any</td>
 *     <td>the array is closed and the arena has ended</td></tr>
 * <tr><td>{@link #share}</td><td>F32, F64, F16</td><td>below 2³¹ bytes</td>
 *     <td>the tensor and the manager are closed</td></tr>
 * </table>
 *
 * <p>Both sides see what either writes. PyTorch's automatic differentiation does not: do not fill
 * an array between a forward pass and its backward pass.
 *
 * @since 0.1
 */
public final class DjlTensors {
  private static final String ENGINE = "PyTorch";

  private DjlTensors() {}

  /**
   * A tensor over the array's memory, which stays until the tensor is no longer reachable; see
   * {@link #wrap(Backend, NDArray, Arena)}.
   *
   * @since 0.1
   */
  public static Tensor wrap(Backend backend, NDArray array) {
    return wrap(backend, array, Arena.ofAuto());
  }

  /**
   * A tensor over the array's memory, for as long as {@code arena} lives. Whether the array or its
   * manager is closed meanwhile does not matter, for PyTorch counts who uses its memory. But an
   * array of Java's values, as {@code create(float[])} makes it, is memory of a Java buffer that
   * DJL gives up when it closes the array: let the tensor's use end first.
   *
   * @param arena a shared or automatic one, if the tensor is to be filled by all threads
   * @throws IllegalArgumentException {@code wrap: need …, got …} for an array of another engine or
   *     device, of another type, sparse, or not contiguous in row-major order
   * @throws IllegalStateException if the array or the arena is closed
   * @throws dev.weft.ClosedException if the backend is closed
   * @since 0.1
   */
  public static Tensor wrap(Backend backend, NDArray array, Arena arena) {
    requirePyTorch("wrap", array.getManager().getEngine());
    requireCpu("wrap", array.getDevice());
    DType dtype = dtype(array.getDataType());
    if (array.isSparse()) {
      throw Checks.bad("wrap", "need a dense array", "format", array.getSparseFormat());
    }
    Shape shape = Shape.of(array.getShape().getShape());
    NDArray alias = array.stopGradient(); // another name of the same memory, which keeps it
    alias.detach();
    NDScope.unregister(alias);
    long address;
    try {
      address = address(alias, dtype, shape);
    } catch (RuntimeException | Error e) {
      alias.close();
      throw e;
    }
    Runnable release =
        () -> {
          alias.close();
          Reference.reachabilityFence(array); // which keeps a Java buffer, if it is of one
        };
    return ForeignMemory.wrap(backend, address, dtype, shape, arena, release);
  }

  /**
   * An array over the tensor's memory, which is {@linkplain Tensor#lend lent} until {@code manager}
   * is closed: closing the tensor before then is safe, its backend cannot be closed before then,
   * and closing the array alone does not end it, for arrays derived from it may still show the
   * memory. What is derived must not be attached to a manager that lives longer.
   *
   * @param manager one of the PyTorch engine for the CPU
   * @param tensor F32, F64 or F16 in native memory of the host, below 2³¹ bytes; memory of the
   *     caller's must live until the manager is closed
   * @throws IllegalArgumentException {@code share: need …, got …} for a manager of another engine
   *     or device or one that cannot be closed, and for other memory
   * @throws IllegalStateException if the manager is closed
   * @throws dev.weft.ClosedException if the tensor, its memory or its backend is closed
   * @since 0.1
   */
  public static NDArray share(NDManager manager, Tensor tensor) {
    requirePyTorch("share", manager.getEngine());
    requireCpu("share", manager.getDevice());
    if (manager instanceof NDManager.SystemNDManager) {
      throw Checks.bad("share", "need a manager that is closed one day", "manager", manager);
    }
    MemorySegment memory = ForeignMemory.of("share", tensor);
    if (memory.byteSize() > Integer.MAX_VALUE) {
      throw Checks.bad(
          "share", "need less than 2^31 bytes", "bytes", memory.byteSize(), "tensor", tensor);
    }
    DataType type = dataType(tensor.dtype());
    Lease lease = tensor.lend();
    String id = NDManager.nextUid();
    try {
      manager.attachInternal(id, lease);
      return over(manager, memory, type, tensor);
    } catch (RuntimeException | Error e) {
      manager.detachInternal(id);
      lease.close();
      throw e;
    }
  }

  private static NDArray over(
      NDManager manager, MemorySegment memory, DataType type, Tensor tensor) {
    NDArray array =
        manager.create(
            memory.asByteBuffer().order(ByteOrder.nativeOrder()),
            new ai.djl.ndarray.types.Shape(tensor.shape().dims()),
            type);
    if (memory.byteSize() > 0
        && address(array, tensor.dtype(), tensor.shape()) != memory.address()) {
      array.close();
      throw Checks.bad(
          "share", "need a PyTorch engine that does not copy", "manager", manager.getName());
    }
    return array;
  }

  /** Where the elements begin; refuses an array whose elements do not follow one another. */
  private static long address(NDArray array, DType dtype, Shape shape) {
    if (shape.elements() == 0) {
      return 0;
    }
    long[] index = new long[shape.rank()];
    long first = elementAddress(array, index);
    long stride = dtype.byteSize();
    for (int axis = shape.rank() - 1; axis >= 0; axis--) {
      if (shape.dim(axis) > 1) {
        index[axis] = 1;
        if (elementAddress(array, index) - first != stride) {
          throw Checks.bad(
              "wrap", "need an array that is contiguous in row-major order", "shape", shape);
        }
        index[axis] = 0;
      }
      stride *= shape.dim(axis);
    }
    return first;
  }

  private static long elementAddress(NDArray array, long[] index) {
    if (index.length == 0) {
      return MemorySegment.ofBuffer(array.toByteBuffer(true)).address();
    }
    try (NDArray element = array.get(index)) { // a view
      return MemorySegment.ofBuffer(element.toByteBuffer(true)).address();
    }
  }

  private static void requirePyTorch(String op, Engine engine) {
    if (!engine.getEngineName().equals(ENGINE)) {
      throw Checks.bad(op, "need DJL's PyTorch engine", "engine", engine.getEngineName());
    }
  }

  private static void requireCpu(String op, Device device) {
    if (!device.equals(Device.cpu())) {
      throw Checks.bad(op, "need memory of the host", "device", device);
    }
  }

  /** The type of an array's elements; DJL's own bfloat16 ends the process. */
  static DType dtype(DataType type) {
    return switch (type) {
      case FLOAT32 -> DType.F32;
      case FLOAT64 -> DType.F64;
      case FLOAT16 -> DType.F16;
      default -> throw Checks.bad("wrap", "need float32, float64 or float16", "type", type);
    };
  }

  private static DataType dataType(DType dtype) {
    return switch (dtype) {
      case F32 -> DataType.FLOAT32;
      case F64 -> DataType.FLOAT64;
      case F16 -> DataType.FLOAT16;
      case BF16 -> throw Checks.bad("share", "need f32, f64 or f16", "dtype", dtype.id());
    };
  }
}
