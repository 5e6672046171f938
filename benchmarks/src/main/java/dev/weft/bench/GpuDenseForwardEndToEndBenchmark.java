package dev.weft.bench;

import org.openjdk.jmh.annotations.Benchmark;

/**
 * One pass forward of examples in the host's memory: x goes to the device, where the weights are,
 * and y comes back.
 */
public class GpuDenseForwardEndToEndBenchmark extends GpuDenseForward {
  @Override
  boolean onHost() {
    return true;
  }

  /** One call, complete when it returns. */
  @Benchmark
  public void forward(TeraFlops flops) {
    layer().forward();
    flops.add(layer().flop());
  }
}
