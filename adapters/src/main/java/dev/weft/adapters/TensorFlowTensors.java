package dev.weft.adapters;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.internal.Checks;
import java.lang.foreign.Arena;
import org.tensorflow.RawTensor;
import org.tensorflow.TensorMapper;
import org.tensorflow.internal.c_api.TF_Tensor;
import org.tensorflow.internal.c_api.global.tensorflow;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TType;

/**
 * Tensors of weft over the memory of TensorFlow's, without a copy.
 *
 * <table>
 * <caption>Memory of the host</caption>
 * <tr><th></th><th>types</th><th>size</th><th>freed when</th></tr>
 * <tr><td>{@link #wrap}</td><td>TFloat32, TFloat64, TFloat16, TBfloat16</td><td>any</td>
 *     <td>TensorFlow's tensor is closed and the arena has ended</td></tr>
 * </table>
 *
 * <p>There is no other way round: TensorFlow's C API has tensors over memory of others, but its
 * Java API none that a program can make. Let TensorFlow allocate, as {@code
 * TFloat32.tensorOf(shape)}, and weft fill.
 *
 * <p>A tensor is TensorFlow's to write where it comes from a session or an operation: such memory
 * may be that of a constant or a variable. Fill tensors that the program itself has allocated,
 * before they are fed.
 *
 * @since 0.1
 */
public final class TensorFlowTensors {
  private TensorFlowTensors() {}

  /**
   * A tensor over TensorFlow's memory, which stays until the tensor is no longer reachable; see
   * {@link #wrap(Backend, TType, Arena)}.
   *
   * @since 0.1
   */
  public static Tensor wrap(Backend backend, TType tensor) {
    return wrap(backend, tensor, Arena.ofAuto());
  }

  /**
   * A tensor over TensorFlow's memory, for as long as {@code arena} lives. Whether TensorFlow's
   * tensor or session is closed meanwhile does not matter: the memory is freed after both.
   *
   * @param arena a shared or automatic one, if the tensor is to be filled by all threads
   * @throws IllegalArgumentException {@code wrap: need …, got …} for another type, or a sparse
   *     tensor
   * @throws IllegalStateException if TensorFlow's tensor or the arena is closed
   * @throws dev.weft.ClosedException if the backend is closed
   * @since 0.1
   */
  public static Tensor wrap(Backend backend, TType tensor, Arena arena) {
    DType dtype = dtype(tensor);
    if (tensor.isSparse()) {
      throw Checks.bad("wrap", "need a dense tensor", "shape", tensor.shape());
    }
    Shape shape = Shape.of(tensor.shape().asArray());
    TF_Tensor handle = Handles.of(tensor.asRawTensor());
    handle.retainReference();
    long address = tensorflow.TF_TensorData(handle).address();
    return ForeignMemory.wrap(backend, address, dtype, shape, arena, handle::releaseReference);
  }

  private static DType dtype(TType tensor) {
    return switch (tensor) {
      case TFloat32 f32 -> DType.F32;
      case TFloat64 f64 -> DType.F64;
      case TFloat16 f16 -> DType.F16;
      case TBfloat16 bf16 -> DType.BF16;
      default ->
          throw Checks.bad(
              "wrap",
              "need a TFloat32, TFloat64, TFloat16 or TBfloat16",
              "type",
              tensor.type().getSimpleName());
    };
  }

  /** The door to a tensor's handle that TensorFlow leaves to mappers of its types. */
  private abstract static class Handles extends TensorMapper<TType> {
    static TF_Tensor of(RawTensor tensor) {
      return nativeHandle(tensor);
    }
  }
}
