package dev.weft.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

/**
 * {@value #BATCH} steps on a minibatch in the device's memory one after the other, and one wait for
 * all; labels are the host's, as always.
 */
public class GpuTrainStepKernelBenchmark extends GpuTrainStep {
  /** A batch. */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void step(TeraFlops flops) {
    for (int i = 0; i < BATCH; i++) {
      training().step();
    }
    opened().synchronize();
    flops.add(BATCH * training().flop());
  }
}
