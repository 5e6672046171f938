package dev.weft.gpu;

import dev.weft.gpu.cuda.Device;
import dev.weft.gpu.cuda.DeviceMemory;
import dev.weft.gpu.cuda.InputBuffers;
import dev.weft.internal.Failures;
import dev.weft.nn.Labels;
import dev.weft.nn.Optimizer;
import dev.weft.spi.Buffer;
import dev.weft.spi.StepRecorder;
import dev.weft.spi.StridedMatrix;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Training steps as CUDA graphs: the first one with an x runs as it is, so that every kernel is
 * loaded and cuBLAS has chosen its own; the second is recorded; later ones are replayed. An x of
 * the host goes to one of two buffers in turn, and so has two graphs. A step whose target is the
 * host's, or whose x is too large to pin, is not recorded.
 */
final class StepGraphs implements StepRecorder {
  /** Graphs that are kept of a step, each with an x of its own. */
  private static final int MOST = 4;

  private final Device device;
  private final DeviceMemory memory;
  private final Layers layers;
  private final Consumer<StepGraphs> closed;
  private final List<Recording> recordings = new ArrayList<>(); // the last used one last
  private InputBuffers inputs; // null: no x was the host's
  private boolean recordable; // the step that was asked for last
  private Recording found; // of it, or null

  /** Recordings of a device; {@code closed} is told when they are given back. */
  StepGraphs(Device device, DeviceMemory memory, Layers layers, Consumer<StepGraphs> closed) {
    this.closed = closed;
    this.device = device;
    this.memory = memory;
    this.layers = layers;
  }

  private static long bytes(StridedMatrix x) {
    return x.dtype().byteSize(x.rows() * x.columns());
  }

  /** What the host has of x. */
  private static MemorySegment host(StridedMatrix x) {
    return x.buffer().segment().asSlice(0, bytes(x));
  }

  private static long address(Buffer buffer) {
    return buffer == null ? 0 : buffer.devicePointer();
  }

  /** Where the step finds x. */
  private long address(StridedMatrix x) {
    if (!x.buffer().isHost()) {
      return x.buffer().devicePointer();
    }
    if (inputs == null) {
      inputs = new InputBuffers(device, memory, bytes(x)); // a recorder has one batch size
    }
    return inputs.next();
  }

  @Override
  public boolean hasRecorded(StridedMatrix x, Buffer target) {
    found = null;
    recordable =
        (target == null || !target.isHost())
            && (!x.buffer().isHost() || bytes(x) <= InputBuffers.MOST);
    if (!recordable) {
      return false;
    }
    found = of(address(x), address(target));
    return found != null && found.isRecorded();
  }

  private Recording of(long x, long target) {
    for (int i = recordings.size() - 1; i >= 0; i--) {
      Recording each = recordings.get(i);
      if (each.x == x && each.target == target) {
        if (i != recordings.size() - 1) {
          recordings.add(recordings.remove(i));
        }
        return each;
      }
    }
    return null;
  }

  @Override
  public void replay(StridedMatrix x, Labels labels, Optimizer rule, long step) {
    if (!x.buffer().isHost()) {
      found.replay(labels, rule, step);
      return;
    }
    inputs.upload(host(x));
    try {
      found.replay(labels, rule, step);
    } finally {
      inputs.computed();
    }
  }

  @Override
  public void run(
      StridedMatrix x,
      Buffer target,
      Labels labels,
      Optimizer rule,
      long step,
      Runnable operations) {
    if (!recordable) {
      operations.run();
    } else if (!x.buffer().isHost()) {
      runAndRecord(x, null, address(target), labels, rule, step, operations);
    } else {
      inputs.upload(host(x));
      try {
        runAndRecord(x, host(x), address(target), labels, rule, step, operations);
      } finally {
        inputs.computed();
      }
    }
  }

  private void runAndRecord(
      StridedMatrix x,
      MemorySegment host,
      long target,
      Labels labels,
      Optimizer rule,
      long step,
      Runnable operations) {
    long at = address(x);
    if (found != null) {
      layers.runWith(host, at, () -> layers.record(found, operations));
      found.replay(labels, rule, step);
      return;
    }
    long count = labels == null ? 0 : labels.count();
    Recording next = new Recording(device, memory, at, target, count); // before anything is done
    try {
      layers.runWith(host, at, operations);
    } catch (Throwable e) {
      next.close();
      throw e;
    }
    try {
      if (recordings.size() == MOST) {
        recordings.removeFirst().close();
      }
      recordings.add(next);
    } catch (Throwable e) {
      next.close();
      throw e;
    }
  }

  /** Once is enough: a backend that is closed before its perceptrons does it for them. */
  @Override
  public void close() {
    closed.accept(this);
    Failures failures = new Failures();
    while (!recordings.isEmpty()) {
      failures.attempt(recordings.removeLast()::close);
    }
    InputBuffers last = inputs;
    inputs = null;
    if (last != null) {
      failures.attempt(last::close);
    }
    failures.raise();
  }
}
