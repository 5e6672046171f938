package dev.weft.bench;

import org.openjdk.jmh.annotations.Benchmark;

/** One pass forward on the device's memory, and its wait. */
public class GpuDenseForwardResidentBenchmark extends GpuDenseForward {
  /** One call. */
  @Benchmark
  public void forward(TeraFlops flops) {
    layer().forward();
    opened().synchronize();
    flops.add(layer().flop());
  }
}
