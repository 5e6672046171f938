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
      case "native" -> of(() -> backend.tensor(DType.F32, shape));
      case "array" -> {
        float[] array = new float[Math.toIntExact(shape.elements())];
        yield of(() -> backend.wrap(array, shape));
      }
      case "buffer" -> {
        ByteBuffer buffer =
            ByteBuffer.allocateDirect(Math.toIntExact(DType.F32.byteSize(shape.elements())))
                .order(ByteOrder.nativeOrder());
        yield of(() -> backend.wrap(MemorySegment.ofBuffer(buffer), DType.F32, shape));
      }
      case "segment" -> new Segment(backend, shape);
      case "dlpack" -> new OverDlpack(backend, shape);
      default -> throw new IllegalArgumentException("embedding: unknown memory " + kind);
    };
  }

  private static ForeignMemory of(java.util.function.Supplier<Tensor> handOver) {
    return new ForeignMemory() {
      @Override
      public Tensor handOver() {
        return handOver.get();
      }

      @Override
      public void close() {}
    };
  }

  /** An arena's memory. */
  final class Segment implements ForeignMemory {
    private final Arena arena = Arena.ofShared();
    private final Backend backend;
    private final Shape shape;
    private final MemorySegment segment;

    private Segment(Backend backend, Shape shape) {
      this.backend = backend;
      this.shape = shape;
      this.segment = arena.allocate(DType.F32.byteSize(shape.elements()), 64);
    }

    @Override
    public Tensor handOver() {
      return backend.wrap(segment, DType.F32, shape);
    }

    @Override
    public void close() {
      arena.close();
    }
  }

  /** A tensor that is exported and imported again: two hand-overs. */
  final class OverDlpack implements ForeignMemory {
    private final Backend backend;
    private final Tensor owner;

    private OverDlpack(Backend backend, Shape shape) {
      this.backend = backend;
      this.owner = backend.tensor(DType.F32, shape);
    }

    @Override
    public Tensor handOver() {
      long struct = Dlpack.exportTensor(owner, Dlpack.Form.VERSIONED);
      return Dlpack.importTensor(backend, struct, Dlpack.Form.VERSIONED);
    }

    @Override
    public void close() {
      owner.close();
    }
  }
}
