package dev.weft.cpu.nn;

import dev.weft.cpu.parallel.Spares;
import dev.weft.nn.Optimizer;
import dev.weft.spi.OptimizerRates;
import java.lang.foreign.MemorySegment;

/** One step of an optimizer: parameters, gradients and slots are read and written once. */
final class UpdateTask<A> implements Task {
  private final ArrayType<A> type;
  private final UpdateKernel<A> kernel;
  private final Spares<A> tiles;
  private final OptimizerRates rates = new OptimizerRates();
  private final Clip clip = new Clip();
  private MemorySegment w;
  private MemorySegment g;
  private MemorySegment slot1;
  private MemorySegment slot2;
  private long count;

  UpdateTask(ArrayType<A> type, UpdateKernel<A> kernel, Spares<A> tiles) {
    this.type = type;
    this.kernel = kernel;
    this.tiles = tiles;
  }

  long prepare(
      Optimizer rule,
      long step,
      MemorySegment squares,
      double limit,
      MemorySegment w,
      MemorySegment g,
      MemorySegment slot1,
      MemorySegment slot2,
      long count) {
    rates.set(rule, step);
    clip.set(type.dtype(), squares, limit);
    this.w = w;
    this.g = g;
    this.slot1 = slot1;
    this.slot2 = slot2;
    this.count = count;
    return Math.ceilDiv(count, MIN_CHUNK);
  }

  @Override
  public void run(long index) {
    long end = Math.min(count, (index + 1) * MIN_CHUNK);
    A weights = tiles.take();
    A gradients = tiles.take();
    A first = tiles.take();
    A second = tiles.take();
    try {
      for (long at = index * MIN_CHUNK; at < end; at += TILE) {
        int n = (int) Math.min(TILE, end - at);
        type.load(w, at, weights, 0, n);
        type.load(g, at, gradients, 0, n);
        if (slot1 != null) {
          type.load(slot1, at, first, 0, n);
        }
        if (slot2 != null) {
          type.load(slot2, at, second, 0, n);
        }
        kernel.update(rates, clip, weights, gradients, first, second, n);
        type.store(weights, 0, w, at, n);
        if (slot1 != null) {
          type.store(first, 0, slot1, at, n);
        }
        if (slot2 != null) {
          type.store(second, 0, slot2, at, n);
        }
      }
    } finally {
      tiles.give(weights);
      tiles.give(gradients);
      tiles.give(first);
      tiles.give(second);
    }
  }

  @Override
  public void clear() {
    w = null;
    g = null;
    slot1 = null;
    slot2 = null;
  }
}
