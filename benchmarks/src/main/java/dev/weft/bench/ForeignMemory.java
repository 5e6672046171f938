package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.interop.Dlpack;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Supplier;

/** Memory of f32 that is not weft's own, and the way in which weft gets it. */
interface ForeignMemory extends AutoCloseable {
  /** A tensor over the memory: what a hand-over costs. */
  Tensor handOver();

  /** Gives the memory back. */
  @Override
  void close();

  /**
   * Memory that needs no other library.
   *
   * @param kind {@code native} (weft's own, to compare with), {@code array}, {@code segment},
   *     {@code buffer}, {@code dlpack}
   */
  static ForeignMemory open(String kind, Backend backend, Shape shape) {
    return switch (kind) {
      case "native" -> of(kind, () -> backend.tensor(DType.F32, shape));
      case "array" -> {
        float[] array = new float[Math.toIntExact(shape.elements())];
        yield of(kind, () -> backend.wrap(array, shape));
      }
      case "buffer" -> {
        ByteBuffer buffer =
            ByteBuffer.allocateDirect(Math.toIntExact(DType.F32.byteSize(shape.elements())))
                .order(ByteOrder.nativeOrder());
        yield of(kind, () -> backend.wrap(MemorySegment.ofBuffer(buffer), DType.F32, shape));
      }
      case "segment" -> {
        Arena arena = Arena.ofShared();
        MemorySegment segment = arena.allocate(DType.F32.byteSize(shape.elements()), 64);
        yield of(kind, () -> backend.wrap(segment, DType.F32, shape), arena::close);
      }
      case "dlpack" -> { // exported and imported again: two hand-overs
        Tensor owner = backend.tensor(DType.F32, shape);
        yield of(
            kind,
            () ->
                Dlpack.importTensor(
                    backend,
                    Dlpack.exportTensor(owner, Dlpack.Form.VERSIONED),
                    Dlpack.Form.VERSIONED),
            owner::close);
      }
      default -> throw new IllegalArgumentException("embedding: unknown memory " + kind);
    };
  }

  /** Memory that the garbage collector, or the tensor, gives back. */
  static ForeignMemory of(String kind, Supplier<Tensor> handOver) {
    return of(kind, handOver, () -> {});
  }

  /** Memory that {@code release} gives back. */
  static ForeignMemory of(String kind, Supplier<Tensor> handOver, Runnable release) {
    return new ForeignMemory() {
      @Override
      public Tensor handOver() {
        return handOver.get();
      }

      @Override
      public void close() {
        release.run();
      }

      @Override
      public String toString() {
        return kind;
      }
    };
  }
}
