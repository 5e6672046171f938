package dev.weft.bench;

import dev.weft.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

/**
 * One step as a loop of training has it: the minibatch comes from the host's memory, and the loss
 * is read back.
 */
public class GpuTrainStepEndToEndBenchmark extends GpuTrainStep {
  private Arena memory;
  private Tensor examples;

  @Override
  String prepare() {
    String what = super.prepare();
    Tensor x = training().examples();
    memory = Arena.ofShared();
    MemorySegment segment = memory.allocate(x.byteSize(), 4096);
    x.copyTo(segment);
    examples = opened().wrap(segment, x.dtype(), x.shape());
    return what;
  }

  @Override
  void release() {
    super.release();
    examples.close();
    memory.close();
  }

  /** One step; the loss. */
  @Benchmark
  public double step(TeraFlops flops) {
    training().step(examples);
    flops.add(training().flop());
    return training().loss();
  }

  /** {@value #BATCH} steps, whose examples are copied beside them, and one wait. */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void steps(TeraFlops flops) {
    for (int i = 0; i < BATCH; i++) {
      training().step(examples);
    }
    opened().synchronize();
    flops.add(BATCH * training().flop());
  }
}
