package dev.weft.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

/** {@value #BATCH} products of the device's memory one after the other, and one wait for all. */
public class GpuGemmKernelBenchmark extends GpuGemm {
  /** A batch. */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void gemm(TeraFlops flops) {
    for (int i = 0; i < BATCH; i++) {
      product().multiply();
    }
    opened().synchronize();
    flops.add(BATCH * product().flop());
  }
}
