package dev.weft.bench;

import dev.weft.Tensor;
import java.lang.foreign.Arena;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Setup;

/**
 * One fill of the host's memory, computed on the device. Its roof is the copy of a tensor that is
 * on the device already to the same memory.
 */
public class GpuFillEndToEndBenchmark extends GpuFill {
  private static final int ROOFS = 3;

  private Arena arena;
  private Tensor mine;
  private double roof;

  /** Makes the host's memory, and checks the fill there. */
  @Override
  String prepare() {
    String what = super.prepare();
    arena = Arena.ofShared();
    mine = host(arena);
    Agreement.check(mine, fill(), KEY);
    return what;
  }

  /** Measures how fast bytes come from the device: the best of a few. */
  @Setup(Level.Iteration)
  public void measureRoof() {
    roof = 0;
    for (int r = 0; r < ROOFS; r++) {
      long start = System.nanoTime();
      tensor().copyTo(mine.segment());
      roof = Math.max(roof, mine.byteSize() * 1e9 / (System.nanoTime() - start));
    }
  }

  /** One call. */
  @Benchmark
  public void fill(MemoryRates rates) {
    mine.fill(fill(), KEY);
    rates.count(1, mine.shape().elements(), mine.byteSize(), roof);
  }

  /** Checks the fill once more, and gives the memory back. */
  @Override
  void release() {
    Agreement.check(mine, fill(), KEY);
    mine.close();
    arena.close();
    super.release();
  }
}
