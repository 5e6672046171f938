package dev.weft.bench;

import dev.weft.Tensor;
import dev.weft.gpu.cuda.Cuda;
import dev.weft.gpu.cuda.Device;
import java.util.List;

/**
 * The rates at which CUDA itself writes and copies the memory of tensors, by the context that they
 * are of: no fill is faster than its memset, and no pass from tensor to tensor than its copy.
 */
final class DeviceRoof implements AutoCloseable {
  private static final long NANOS = 10_000_000;
  private static final int ROUNDS = 3;
  private static final int BATCH = 8;

  private final Device device;

  /** The roofs of {@code gpu}, the first device, or {@code gpu:K}. */
  DeviceRoof(String backend) {
    int colon = backend.indexOf(':');
    int ordinal = colon < 0 ? -1 : Integer.parseInt(backend.substring(colon + 1));
    Cuda.DeviceInfo info =
        Cuda.devices().stream()
            .filter(each -> ordinal < 0 || each.ordinal() == ordinal)
            .findFirst()
            .orElseThrow();
    device = new Device(info, List.of());
  }

  /** Bytes per second written into a tensor of a backend, whose content is lost. */
  static double write(String backend, Tensor tensor) {
    try (DeviceRoof roof = new DeviceRoof(backend)) {
      long address = tensor.devicePointer();
      long words = tensor.byteSize() / Integer.BYTES;
      return roof.best(() -> roof.device.set(address, 0x3F000000, words), words * Integer.BYTES);
    }
  }

  /** Bytes per second, read and written together, copied from one tensor to another of its size. */
  static double copy(String backend, Tensor from, Tensor to) {
    try (DeviceRoof roof = new DeviceRoof(backend)) {
      long source = from.devicePointer();
      long target = to.devicePointer();
      long bytes = to.byteSize();
      return roof.best(() -> roof.device.copy(source, target, bytes), 2 * bytes);
    }
  }

  /** The best rate of a few rounds. */
  private double best(Runnable call, double bytes) {
    call.run();
    device.synchronize();
    double best = 0;
    for (int r = 0; r < ROUNDS; r++) {
      long batches = 0;
      long start = System.nanoTime();
      long now;
      do {
        for (int i = 0; i < BATCH; i++) {
          call.run();
        }
        device.synchronize();
        batches++;
        now = System.nanoTime();
      } while (now - start < NANOS);
      best = Math.max(best, batches * BATCH * bytes / (now - start) * 1e9);
    }
    return best;
  }

  @Override
  public void close() {
    device.close();
  }
}
