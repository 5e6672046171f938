package dev.weft.gpu;

import dev.weft.gpu.cuda.Device;
import dev.weft.gpu.cuda.DeviceMemory;
import dev.weft.nn.Labels;
import dev.weft.nn.Optimizer;
import dev.weft.spi.Buffer;
import dev.weft.spi.StepRecorder;
import java.util.ArrayList;
import java.util.List;

/**
 * Training steps as CUDA graphs: the first one with an x runs as it is, so that every kernel is
 * loaded and cuBLAS has chosen its own; the second is recorded; later ones are replayed. A step
 * whose x or target is the host's is not recorded.
 */
final class StepGraphs implements StepRecorder {
  /** Graphs that are kept of a step, each with an x of its own. */
  private static final int MOST = 4;

  private final Device device;
  private final DeviceMemory memory;
  private final Layers layers;
  private final List<Recording> recordings = new ArrayList<>(); // the last used one last
  private Recording found;

  StepGraphs(Device device, DeviceMemory memory, Layers layers) {
    this.device = device;
    this.memory = memory;
    this.layers = layers;
  }

  private static long address(Buffer buffer) {
    return buffer == null ? 0 : buffer.devicePointer();
  }

  @Override
  public boolean hasRecorded(Buffer x, Buffer target) {
    found = null;
    return !x.isHost()
        && (target == null || !target.isHost())
        && (found = of(address(x), address(target))) != null
        && found.isRecorded();
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
  public void replay(Labels labels, Optimizer rule, long step) {
    found.replay(labels, rule, step);
  }

  @Override
  public void run(
      Buffer x, Buffer target, Labels labels, Optimizer rule, long step, Runnable operations) {
    boolean first = found == null;
    if (first) {
      operations.run();
      if (!x.isHost() && (target == null || !target.isHost())) {
        if (recordings.size() == MOST) {
          recordings.removeFirst().close();
        }
        long count = labels == null ? 0 : labels.count();
        recordings.add(new Recording(device, memory, address(x), address(target), count));
      }
      return;
    }
    layers.record(found, operations);
    found.replay(labels, rule, step);
  }

  @Override
  public void close() {
    recordings.forEach(Recording::close);
    recordings.clear();
  }
}
