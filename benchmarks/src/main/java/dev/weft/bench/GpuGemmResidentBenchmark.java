package dev.weft.bench;

import org.openjdk.jmh.annotations.Benchmark;

/** One product of the device's memory, and its wait. */
public class GpuGemmResidentBenchmark extends GpuGemm {
  /** One call. */
  @Benchmark
  public void gemm(TeraFlops flops) {
    product().multiply();
    opened().synchronize();
    flops.add(product().flop());
  }
}
