package dev.weft.adapters;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.internal.Checks;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Memory that passes between weft and a library by its address. */
final class ForeignMemory {
  private ForeignMemory() {}

  /**
   * A tensor over another library's memory.
   *
   * @param release lets the library free the memory; called when the arena ends, or at once if
   *     there is no tensor
   */
  @SuppressWarnings("restricted") // the adapter vouches for the address and the size
  static Tensor wrap(
      Backend backend, long address, DType dtype, Shape shape, Arena arena, Runnable release) {
    MemorySegment memory;
    try {
      memory =
          MemorySegment.ofAddress(address)
              .reinterpret(dtype.byteSize(shape.elements()), arena, bytes -> release.run());
    } catch (RuntimeException | Error e) {
      release.run();
      throw e;
    }
    return backend.wrap(memory, dtype, shape);
  }

  /**
   * The bytes of a tensor that a native library can reach.
   *
   * @throws IllegalArgumentException {@code <op>: need native memory of the host, got tensor=…}
   */
  static MemorySegment of(String op, Tensor tensor) {
    if (!tensor.isHost() || !tensor.segment().isNative()) {
      throw Checks.bad(op, "need native memory of the host", "tensor", tensor);
    }
    return tensor.segment();
  }
}
