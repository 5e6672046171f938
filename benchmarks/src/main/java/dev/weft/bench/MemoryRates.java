package dev.weft.bench;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * What JMH prints beside the number of calls per second: elements, bytes, and the share of the roof
 * that was measured just before the iteration.
 */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.OPERATIONS)
public class MemoryRates {
  /** Calls of this iteration; set to 0 by JMH. */
  public long calls;

  private double elements;
  private double bytes;
  private double roof;

  /** Counts calls of one size; {@code roof} is in bytes per second. */
  void count(long calls, double elements, double bytes, double roof) {
    this.calls += calls;
    this.elements = elements;
    this.bytes = bytes;
    this.roof = roof;
  }

  /** Elements, in 10⁹: per second, G elements/s. */
  public double gigaElements() {
    return calls * elements * 1e-9;
  }

  /** Bytes, in 10⁹: per second, GB/s. */
  public double gigaBytes() {
    return calls * bytes * 1e-9;
  }

  /** Seconds that the roof takes for the bytes: per second, the share of the roof. */
  public double shareOfRoof() {
    return roof == 0 ? 0 : calls * bytes / roof;
  }
}
