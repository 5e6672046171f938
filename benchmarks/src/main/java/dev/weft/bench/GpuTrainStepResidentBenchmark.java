package dev.weft.bench;

import org.openjdk.jmh.annotations.Benchmark;

/**
 * One step on a minibatch in the device's memory, and its wait; labels are the host's, as always.
 */
public class GpuTrainStepResidentBenchmark extends GpuTrainStep {
  /** One call. */
  @Benchmark
  public void step(TeraFlops flops) {
    training().step();
    opened().synchronize();
    flops.add(training().flop());
  }
}
