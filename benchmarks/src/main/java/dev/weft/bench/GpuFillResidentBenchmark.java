package dev.weft.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Setup;

/** One fill of the device's memory as a caller sees it: the call, and the wait until it is done. */
public class GpuFillResidentBenchmark extends GpuFill {
  private double roof;

  /** Measures the write roof of this memory. */
  @Setup(Level.Iteration)
  public void measureRoof() {
    roof = writeRoof();
  }

  /** One call. */
  @Benchmark
  public void fill(MemoryRates rates) {
    tensor().fill(fill(), KEY);
    opened().synchronize();
    rates.count(1, tensor().shape().elements(), tensor().byteSize(), roof);
  }
}
