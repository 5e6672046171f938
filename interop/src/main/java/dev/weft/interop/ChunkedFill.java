package dev.weft.interop;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.init.Fill;
import dev.weft.internal.Checks;
import dev.weft.internal.Chunks;
import dev.weft.random.RandomKey;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Fills regions of any size chunk by chunk in two buffers: while the backend fills one, a thread
 * hands on the other. Used by one thread at a time.
 *
 * <p>Chunks of 4 MiB stay in the cache between the fill and the copy into the page cache; by the
 * median, a file of 1 GiB takes less time than by filling its mapping (docs/files.md).
 */
final class ChunkedFill implements AutoCloseable {
  /** Bytes of a chunk. */
  static final int CHUNK_BYTES = 4 << 20;

  /** Takes the chunks of a region, one after the other. */
  interface Sink {
    /** Takes the bytes at {@code position} of the region's bytes, before it returns. */
    void accept(ByteBuffer bytes, long position) throws IOException;
  }

  private final Backend backend;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment[] buffers = new MemorySegment[2];
  private final Future<?>[] pending = new Future<?>[2];
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          task -> Thread.ofPlatform().daemon().name("weft-write").unstarted(task));
  private int turn;

  ChunkedFill(Backend backend) {
    if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      throw Checks.bad("write", "need a little-endian machine", "order", ByteOrder.nativeOrder());
    }
    this.backend = backend;
  }

  /** Whether any region of {@code fill} costs no more than its share of the whole. */
  static boolean isDivisible(Fill fill) {
    return switch (fill) {
      case Fill.Orthogonal f -> false;
      case Fill.DeltaOrthogonal f -> false;
      case Fill.Bits f -> true;
      case Fill.Constant f -> true;
      case Fill.Uniform f -> true;
      case Fill.Normal f -> true;
      case Fill.TruncatedNormal f -> true;
      case Fill.Identity f -> true;
      case Fill.Dirac f -> true;
      case Fill.Sparse f -> true;
      case Fill.Custom f -> true;
    };
  }

  /** Fills {@code region} and hands its bytes to {@code sink} in order; all are taken on return. */
  void run(Fill fill, RandomKey key, DType dtype, Region region, Sink sink) throws IOException {
    long bytes = dtype.byteSize(region.shape().elements());
    long[] position = {0};
    try {
      if (bytes <= CHUNK_BYTES) { // a small tensor is not worth another thread
        if (bytes > 0) {
          sink.accept(filled(fill, key, dtype, region).asByteBuffer(), 0);
        }
      } else if (isDivisible(fill)) {
        Chunks.forEach(
            region,
            CHUNK_BYTES / dtype.byteSize(),
            chunk -> {
              await(turn);
              ByteBuffer full = filled(fill, key, dtype, chunk).asByteBuffer();
              long at = position[0];
              position[0] += full.remaining();
              pending[turn] = submit(sink, full, at);
              turn ^= 1;
            });
      } else {
        try (Arena whole = Arena.ofShared()) {
          MemorySegment matrix = whole.allocate(bytes, 64);
          backend.wrap(matrix, dtype, region.shape()).fill(fill, key, region);
          for (long at = 0; at < bytes; at += CHUNK_BYTES) {
            long part = Math.min(CHUNK_BYTES, bytes - at);
            sink.accept(matrix.asSlice(at, part).asByteBuffer(), at);
          }
        }
      }
      await(turn);
      await(turn ^ 1);
    } finally {
      settle();
    }
  }

  @Override
  public void close() {
    settle();
    thread.shutdown();
    arena.close();
  }

  private MemorySegment filled(Fill fill, RandomKey key, DType dtype, Region chunk) {
    if (buffers[turn] == null) {
      buffers[turn] = arena.allocate(CHUNK_BYTES, 4096);
    }
    MemorySegment part = buffers[turn].asSlice(0, dtype.byteSize(chunk.shape().elements()));
    backend.wrap(part, dtype, chunk.shape()).fill(fill, key, chunk);
    return part;
  }

  private Future<?> submit(Sink sink, ByteBuffer bytes, long position) {
    Callable<Void> task =
        () -> {
          sink.accept(bytes, position);
          return null;
        };
    return thread.submit(task);
  }

  private void await(int buffer) throws IOException {
    Future<?> future = pending[buffer];
    if (future == null) {
      return;
    }
    try {
      future.get();
      pending[buffer] = null;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("write: interrupted");
    } catch (ExecutionException e) {
      pending[buffer] = null;
      switch (e.getCause()) {
        case IOException cause -> throw cause;
        case RuntimeException cause -> throw cause;
        case Error cause -> throw cause;
        default -> throw new AssertionError(e.getCause());
      }
    }
  }

  /** Waits, whatever happens, until nobody uses the buffers. */
  private void settle() {
    boolean interrupted = false;
    for (int i = 0; i < pending.length; i++) {
      while (pending[i] != null) {
        try {
          pending[i].get();
          pending[i] = null;
        } catch (ExecutionException e) {
          pending[i] = null; // a failure before this one is already on its way
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
