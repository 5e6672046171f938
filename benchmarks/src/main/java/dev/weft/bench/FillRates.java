package dev.weft.bench;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * What JMH prints beside the number of calls per second: elements, bytes, and the share of the
 * store roof that was measured just before the iteration.
 */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.OPERATIONS)
public class FillRates {
  /** Calls of this iteration; set to 0 by JMH, counted by the benchmark. */
  public long calls;

  private double elements;
  private double bytes;
  private double roof;

  /** Takes the sizes and the roof from the benchmark whose iteration begins. */
  @Setup(Level.Iteration)
  public void begin(FillBenchmark benchmark) {
    elements = benchmark.elements();
    bytes = benchmark.byteSize();
    roof = benchmark.roof();
  }

  /** Elements, in 10⁹: per second, G elements/s. */
  public double gigaElements() {
    return calls * elements * 1e-9;
  }

  /** Bytes, in 10⁹: per second, GB/s. */
  public double gigaBytes() {
    return calls * bytes * 1e-9;
  }

  /** Seconds that the roof allows for the bytes written: per second, the share of the roof. */
  public double shareOfStoreRoof() {
    return calls * bytes / roof;
  }
}
