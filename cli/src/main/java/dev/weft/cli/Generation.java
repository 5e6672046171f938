package dev.weft.cli;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.lang.foreign.MemorySegment;
import java.util.function.LongConsumer;

/**
 * Elements {@code from} to {@code to} of the tensor that a fill, a key and a logical shape
 * determine, computed piece by piece: a tensor may be larger than memory.
 *
 * @param from the first row-major element
 * @param to the element after the last
 */
record Generation(Fill fill, RandomKey key, DType dtype, Shape logical, long from, long to) {
  /** Bytes of a piece that goes to a stream: within the caches, yet few calls. */
  private static final long STREAM_BYTES = 4 << 20;

  /** Bytes of a piece that goes to memory: often enough for a progress bar. */
  private static final long MEMORY_BYTES = 64 << 20;

  /** Elements to be written. */
  long elements() {
    return to - from;
  }

  /** Bytes to be written. */
  long byteSize() {
    return dtype.byteSize(elements());
  }

  /** Writes all elements to {@code out}; tells {@code progress} how many bytes are done. */
  void fill(Backend backend, MemorySegment out, LongConsumer progress) {
    long piece = piece(MEMORY_BYTES);
    for (long done = 0; done < elements(); done += piece) {
      long count = Math.min(piece, elements() - done);
      long offset = dtype.byteSize(done);
      fill(backend, out.asSlice(offset, dtype.byteSize(count)), done, count);
      progress.accept(offset + dtype.byteSize(count));
    }
  }

  /** Writes all elements to standard output; tells {@code progress} how many bytes are done. */
  void stream(Backend backend, Streams streams, LongConsumer progress) {
    long piece = piece(STREAM_BYTES);
    try (Tensor buffer = backend.tensor(dtype, Shape.of(Math.min(piece, elements())))) {
      for (long done = 0; done < elements(); done += piece) {
        long count = Math.min(piece, elements() - done);
        MemorySegment part = buffer.segment().asSlice(0, dtype.byteSize(count));
        fill(backend, part, done, count);
        for (long at = 0; at < part.byteSize(); at += STREAM_BYTES) {
          long bytes = Math.min(STREAM_BYTES, part.byteSize() - at);
          streams.write(part.asSlice(at, bytes).asByteBuffer());
        }
        progress.accept(dtype.byteSize(done + count));
      }
    }
  }

  private void fill(Backend backend, MemorySegment out, long first, long count) {
    try (Tensor tensor = backend.wrap(out, dtype, Shape.of(count))) {
      tensor.fill(fill, key, Region.of(logical).slice(from + first, from + first + count));
    }
  }

  /**
   * Elements of a piece: all of them where the fill computes the whole matrix for any part of it.
   */
  private long piece(long bytes) {
    boolean whole = fill instanceof Fill.Orthogonal || fill instanceof Fill.DeltaOrthogonal;
    return whole ? Math.max(1, elements()) : bytes / dtype.byteSize();
  }
}
