package dev.weft.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

/**
 * {@value #BATCH} passes backward on the device's memory one after the other, and one wait for all.
 */
public class GpuDenseBackwardKernelBenchmark extends GpuDenseBackward {
  /** A batch. */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void backward(TeraFlops flops) {
    for (int i = 0; i < BATCH; i++) {
      layer().backward();
    }
    opened().synchronize();
    flops.add(BATCH * layer().flop());
  }
}
