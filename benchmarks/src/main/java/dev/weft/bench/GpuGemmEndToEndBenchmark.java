package dev.weft.bench;

import org.openjdk.jmh.annotations.Benchmark;

/** One product of matrices in the host's memory: A and B go to the device, C comes back. */
public class GpuGemmEndToEndBenchmark extends GpuGemm {
  @Override
  boolean onHost() {
    return true;
  }

  /** One call, complete when it returns. */
  @Benchmark
  public void gemm(TeraFlops flops) {
    product().multiply();
    flops.add(product().flop());
  }
}
