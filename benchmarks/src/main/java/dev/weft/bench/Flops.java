package dev.weft.bench;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** Floating-point operations, which JMH prints beside the number of calls per second. */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.OPERATIONS)
public class Flops {
  /** 10⁹ of them; set to 0 by JMH before an iteration. Per second, GFLOP/s. */
  public double gigaFlop;

  /** Counts a call that does {@code flop} of them. */
  void add(double flop) {
    gigaFlop += flop * 1e-9;
  }
}
