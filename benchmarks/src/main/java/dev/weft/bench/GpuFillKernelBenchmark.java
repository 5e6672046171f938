package dev.weft.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Setup;

/**
 * The device's time of a fill: {@value #BATCH} fills of the device's memory one after the other,
 * and one wait for all, so that what a call and a wait cost is hidden where a fill takes longer
 * than its launch (from some MiB on).
 */
public class GpuFillKernelBenchmark extends GpuFill {
  static final int BATCH = 32;

  private double roof;

  /** Measures the write roof of this memory. */
  @Setup(Level.Iteration)
  public void measureRoof() {
    roof = writeRoof();
  }

  /** A batch. */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void fill(MemoryRates rates) {
    for (int i = 0; i < BATCH; i++) {
      tensor().fill(fill(), KEY);
    }
    opened().synchronize();
    rates.count(BATCH, tensor().shape().elements(), tensor().byteSize(), roof);
  }
}
