package dev.weft.bench;

import org.openjdk.jmh.annotations.Benchmark;

/**
 * One pass backward of gradients in the host's memory: x, y and dy go to the device, dx and dz come
 * back, weights and their gradients stay there.
 */
public class GpuDenseBackwardEndToEndBenchmark extends GpuDenseBackward {
  @Override
  boolean onHost() {
    return true;
  }

  /** One call, complete when it returns. */
  @Benchmark
  public void backward(TeraFlops flops) {
    layer().backward();
    flops.add(layer().flop());
  }
}
