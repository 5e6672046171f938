package dev.weft.interop;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.MemoryInfo;
import dev.weft.MemoryLimitException;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.init.Fill;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import java.util.Optional;

/** One tensor to be written: what its bytes are, and its receipt if it has one. */
record Draw(Fill fill, RandomKey key, DType dtype, Region region, Optional<Receipt> receipt) {
  /** Checks that the fill suits. */
  Draw {
    fill.check(region.logical(), dtype);
  }

  static Draw of(Receipt receipt) {
    return new Draw(
        receipt.fill(), receipt.key(), receipt.dtype(), receipt.region(), Optional.of(receipt));
  }

  ElementType type() {
    return ElementType.of(dtype, fill);
  }

  long byteSize() {
    return dtype.byteSize(region.shape().elements());
  }

  /** The sides of a matrix, not 0. */
  record Sides(long rows, long columns) {}

  /**
   * The matrix that {@code fill} makes as a whole, for whatever region of {@code logical}; empty
   * for a fill that makes none.
   */
  static Optional<Sides> matrix(Fill fill, Shape logical) {
    if (logical.elements() == 0) {
      return Optional.empty();
    }
    return switch (fill) {
      case Fill.Orthogonal f -> Optional.of(new Sides(f.rows(logical), f.columns(logical)));
      case Fill.DeltaOrthogonal f when f.layout() == Layout.TORCH ->
          Optional.of(new Sides(logical.dim(0), logical.dim(1)));
      case Fill.DeltaOrthogonal f -> Optional.of(new Sides(logical.dim(-2), logical.dim(-1)));
      default -> Optional.empty();
    };
  }

  /**
   * Throws unless {@code backend} has room for what is made as a whole, wherever it goes: an
   * orthogonal matrix, in f32 or f64. It is passed over again and again, so in a file that memory
   * cannot hold it would take hours.
   *
   * @throws MemoryLimitException {@code orthogonal: need room for the whole matrix, got …}
   */
  void requireMemory(Backend backend) {
    Optional<Sides> matrix =
        region.shape().elements() == 0 ? Optional.empty() : matrix(fill, region.logical());
    if (matrix.isEmpty()) {
      return;
    }
    long elements = matrix.get().rows * matrix.get().columns; // at most those of the whole tensor
    int size = dtype == DType.F64 ? Double.BYTES : Float.BYTES;
    long needed = elements > Long.MAX_VALUE / size ? Long.MAX_VALUE : elements * size;
    MemoryInfo memory = backend.memory();
    long free = memory.limitBytes() - memory.allocatedBytes();
    if (needed > free) {
      throw new MemoryLimitException("orthogonal", "need room for the whole matrix", needed, free);
    }
  }
}
