package dev.weft.bench;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** {@link Flops} in the unit of GPUs. */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.OPERATIONS)
public class TeraFlops {
  /** 10¹² of them; set to 0 by JMH before an iteration. Per second, TFLOP/s. */
  public double teraFlop;

  /** Counts calls that do {@code flop} of them together. */
  void add(double flop) {
    teraFlop += flop * 1e-12;
  }
}
