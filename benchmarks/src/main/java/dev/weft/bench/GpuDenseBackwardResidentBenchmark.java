package dev.weft.bench;

import org.openjdk.jmh.annotations.Benchmark;

/** One pass backward on the device's memory, and its wait. */
public class GpuDenseBackwardResidentBenchmark extends GpuDenseBackward {
  /** One call. */
  @Benchmark
  public void backward(TeraFlops flops) {
    layer().backward();
    opened().synchronize();
    flops.add(layer().flop());
  }
}
