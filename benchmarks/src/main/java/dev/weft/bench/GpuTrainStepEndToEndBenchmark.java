package dev.weft.bench;

import dev.weft.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.openjdk.jmh.annotations.Benchmark;

/**
 * One step as a loop of training has it: the minibatch comes from the host's memory, and the loss
 * is read back.
 */
public class GpuTrainStepEndToEndBenchmark extends GpuTrainStep {
  private Arena memory;
  private MemorySegment examples;

  @Override
  String prepare() {
    String what = super.prepare();
    Tensor x = training().examples();
    memory = Arena.ofShared();
    examples = memory.allocate(x.byteSize(), 4096);
    x.copyTo(examples);
    return what;
  }

  @Override
  void release() {
    super.release();
    memory.close();
  }

  /** One step; the loss. */
  @Benchmark
  public double step(TeraFlops flops) {
    training().examples().copyFrom(examples);
    training().step();
    flops.add(training().flop());
    return training().loss();
  }
}
