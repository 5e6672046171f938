package dev.weft.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

/**
 * {@value #BATCH} passes forward on the device's memory one after the other, and one wait for all.
 */
public class GpuDenseForwardKernelBenchmark extends GpuDenseForward {
  /** A batch. */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void forward(TeraFlops flops) {
    for (int i = 0; i < BATCH; i++) {
      layer().forward();
    }
    opened().synchronize();
    flops.add(BATCH * layer().flop());
  }
}
