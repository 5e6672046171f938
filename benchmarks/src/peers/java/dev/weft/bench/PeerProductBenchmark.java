package dev.weft.bench;

import org.openjdk.jmh.annotations.Benchmark;

/** An operation made of products, whose work is counted in floating-point operations. */
public abstract class PeerProductBenchmark extends PeerBenchmark {
  /** One call. */
  @Benchmark
  public void call(Flops flops) {
    run();
    flops.add(work());
  }
}
