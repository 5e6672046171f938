package dev.weft.cpu.nn;

import dev.weft.cpu.parallel.Spares;
import java.lang.foreign.MemorySegment;

/** {@code y = f(x)} of elements. */
final class ActivateTask<A> implements Task {
  private final ArrayType<A> type;
  private final Spares<A> tiles;
  private ActivationKernel<A> f;
  private double alpha;
  private MemorySegment x;
  private MemorySegment y;
  private long count;

  ActivateTask(ArrayType<A> type, Spares<A> tiles) {
    this.type = type;
    this.tiles = tiles;
  }

  long prepare(ActivationKernel<A> f, double alpha, MemorySegment x, MemorySegment y, long count) {
    this.f = f;
    this.alpha = alpha;
    this.x = x;
    this.y = y;
    this.count = count;
    return Math.ceilDiv(count, MIN_CHUNK);
  }

  @Override
  public void run(long index) {
    long end = Math.min(count, (index + 1) * MIN_CHUNK);
    A tile = tiles.take();
    try {
      for (long at = index * MIN_CHUNK; at < end; at += TILE) {
        int n = (int) Math.min(TILE, end - at);
        type.load(x, at, tile, 0, n);
        f.forward(tile, 0, n, alpha);
        type.store(tile, 0, y, at, n);
      }
    } finally {
      tiles.give(tile);
    }
  }

  @Override
  public void clear() {
    f = null;
    x = null;
    y = null;
  }
}
