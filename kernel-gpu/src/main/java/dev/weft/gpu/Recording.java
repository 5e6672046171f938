package dev.weft.gpu;

import dev.weft.gpu.cuda.Device;
import dev.weft.gpu.cuda.DeviceMemory;
import dev.weft.gpu.kernels.NnLaunch;
import dev.weft.internal.Failures;
import dev.weft.nn.Labels;
import dev.weft.nn.Optimizer;
import dev.weft.spi.OptimizerRates;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * One training step as a CUDA graph, with the memory that it works in: workspaces of its own, and a
 * block for what the host gives anew each time, the optimizer's numbers and the labels.
 */
final class Recording implements AutoCloseable {
  private static final long RATES = 64; // bytes, of which NnLaunch writes less

  /** Where x and the target are, of which the recording is. */
  final long x;

  final long target;
  final Workspaces workspaces;
  private final Device device;
  private final DeviceMemory.Block inputs;
  private final MemorySegment staged; // what inputs is to hold
  private final Device.Upload upload;
  private final OptimizerRates rates = new OptimizerRates();
  private Device.Graph graph; // null: nothing was recorded so far

  /** To be recorded, of so many labels. */
  Recording(Device device, DeviceMemory memory, long x, long target, long labels) {
    this.device = device;
    this.x = x;
    this.target = target;
    this.workspaces = Workspaces.lasting(memory);
    this.staged = Arena.ofAuto().allocate(RATES + labels * Integer.BYTES, 8);
    this.inputs = memory.workspace(staged.byteSize());
    try {
      this.upload = new Device.Upload(staged, inputs.address());
    } catch (Throwable e) {
      inputs.release();
      throw e;
    }
  }

  /** Where the optimizer's numbers will be. */
  long ratesAddress() {
    return inputs.address();
  }

  /** Where the labels will be. */
  long labelsAddress() {
    return inputs.address() + RATES;
  }

  boolean isRecorded() {
    return graph != null;
  }

  void recorded(Device.Graph graph) {
    this.graph = graph;
  }

  /** Begins the step. */
  void replay(Labels labels, Optimizer rule, long step) {
    rates.set(rule, step);
    NnLaunch.put(rates, staged, 0);
    if (labels != null) {
      MemorySegment.copy(labels.segment(), 0, staged, RATES, labels.count() * Integer.BYTES);
    }
    device.upload(upload);
    device.launch(graph);
  }

  /** Gives everything back; what was begun ends before its memory is used otherwise. */
  @Override
  public void close() {
    Failures failures = new Failures();
    Device.Graph last = graph;
    graph = null;
    if (last != null) {
      failures.attempt(() -> device.destroy(last));
    }
    failures.attempt(workspaces::close).attempt(inputs::release).raise();
  }
}
