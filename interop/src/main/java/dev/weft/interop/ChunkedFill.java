package dev.weft.interop;

import dev.weft.Backend;
import dev.weft.Region;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.internal.Checks;
import dev.weft.internal.Chunks;
import dev.weft.internal.Failures;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.nio.channels.ClosedByInterruptException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;

/**
 * Fills regions of any size chunk by chunk in two buffers: while a thread fills one, the caller's
 * hands on the other. Used by one thread at a time.
 *
 * <p>Chunks of 4 MiB stay in the cache between the fill and the copy into the page cache; by the
 * median, a file of 1 GiB takes less time than by filling its mapping (docs/files.md).
 */
final class ChunkedFill implements AutoCloseable {
  /** Bytes of a chunk. */
  static final int CHUNK_BYTES = 4 << 20;

  private final Backend backend;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment[] buffers = new MemorySegment[2];
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          task -> Thread.ofPlatform().daemon().name("weft-fill").unstarted(task));

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

  /**
   * Fills the region of {@code draw} and hands its bytes to {@code sink} in order.
   *
   * @throws InterruptedIOException if the thread is interrupted; it still is
   */
  void run(Draw draw, TensorStream.Sink sink) throws IOException {
    Delivery delivery = new Delivery(sink);
    if (draw.byteSize() == 0) {
      return;
    }
    if (draw.byteSize() <= CHUNK_BYTES) { // a small tensor is not worth another thread
      delivery.take(filled(draw, draw.region(), 0));
    } else if (isDivisible(draw.fill())) {
      runDivided(draw, delivery);
    } else {
      runWhole(draw, delivery);
    }
  }

  private void runDivided(Draw draw, Delivery delivery) throws IOException {
    Pipeline pipeline = new Pipeline(delivery);
    try {
      Chunks.forEach(
          draw.region(),
          CHUNK_BYTES / draw.dtype().byteSize(),
          chunk -> pipeline.next(draw, chunk));
      pipeline.finish();
    } finally {
      pipeline.settle();
    }
  }

  private void runWhole(Draw draw, Delivery delivery) throws IOException {
    try (Tensor whole = backend.tensor(draw.dtype(), draw.region().shape())) {
      whole.fill(draw.fill(), draw.key(), draw.region());
      for (long at = 0; at < draw.byteSize(); at += CHUNK_BYTES) {
        MemorySegment part = buffer(0, Math.min(CHUNK_BYTES, draw.byteSize() - at));
        whole.copyTo(at / draw.dtype().byteSize(), part);
        delivery.take(part);
      }
    }
  }

  private MemorySegment filled(Draw draw, Region region, int turn) {
    MemorySegment part = buffer(turn, draw.dtype().byteSize(region.shape().elements()));
    backend.wrap(part, draw.dtype(), region.shape()).fill(draw.fill(), draw.key(), region);
    return part;
  }

  private MemorySegment buffer(int turn, long byteSize) {
    if (buffers[turn] == null) {
      buffers[turn] = arena.allocate(CHUNK_BYTES, 4096);
    }
    return buffers[turn].asSlice(0, byteSize);
  }

  @Override
  public void close() {
    thread.shutdown();
    arena.close();
  }

  /** Hands bytes to a sink, one piece after the other, on the caller's thread. */
  private static final class Delivery {
    private final TensorStream.Sink sink;
    private long position;

    Delivery(TensorStream.Sink sink) {
      this.sink = sink;
    }

    void take(MemorySegment bytes) throws IOException {
      if (Thread.currentThread().isInterrupted()) {
        throw interrupted(null);
      }
      try {
        sink.accept(bytes.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN), position);
      } catch (ClosedByInterruptException e) {
        throw interrupted(e);
      }
      position += bytes.byteSize();
    }

    InterruptedIOException interrupted(Exception cause) {
      InterruptedIOException failure =
          new InterruptedIOException(
              Checks.message(
                  "write", "need a thread that is not interrupted", "position", position));
      failure.initCause(cause);
      return failure;
    }
  }

  /** Fills a chunk while the one before is delivered. */
  private final class Pipeline {
    private final Delivery delivery;
    private Future<MemorySegment> before; // filled or being filled; null at the beginning
    private Future<MemorySegment> last; // begun last
    private int turn;

    Pipeline(Delivery delivery) {
      this.delivery = delivery;
    }

    /** Begins a chunk, in the buffer that was delivered last, and delivers the one before it. */
    void next(Draw draw, Region chunk) throws IOException {
      int mine = turn;
      FutureTask<MemorySegment> filling = new FutureTask<>(() -> filled(draw, chunk, mine));
      try {
        thread.execute(filling);
      } catch (OutOfMemoryError e) { // no thread left: this one does the work
        filling.run();
      }
      last = filling;
      if (before != null) {
        finish();
      }
      before = last;
      turn ^= 1;
    }

    /** Delivers the last chunk. */
    void finish() throws IOException {
      MemorySegment bytes;
      try {
        bytes = before.get();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw delivery.interrupted(e);
      } catch (ExecutionException e) {
        Failures.raise(e.getCause());
        throw new AssertionError(e); // it was thrown
      }
      delivery.take(bytes);
    }

    /** Waits, whatever happened, until nothing fills the buffers. */
    void settle() {
      boolean interrupted = false;
      boolean done = last == null;
      while (!done) {
        try {
          last.get();
          done = true;
        } catch (ExecutionException e) {
          done = true; // its failure, or one before it, is on its way
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
