package dev.weft.bench;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** Elements, which JMH prints beside the number of calls per second. */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.OPERATIONS)
public class Elements {
  /** 10⁹ of them; set to 0 by JMH before an iteration. Per second, G elements/s. */
  public double gigaElements;

  /** Counts a call on {@code elements} of them. */
  void add(double elements) {
    gigaElements += elements * 1e-9;
  }
}
