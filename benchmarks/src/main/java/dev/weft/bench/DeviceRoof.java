package dev.weft.bench;

import dev.weft.Tensor;
import dev.weft.gpu.cuda.Cuda;
import dev.weft.gpu.cuda.Device;
import dev.weft.gpu.kernels.FillKernel;
import java.util.List;

/**
 * The rate at which CUDA's own memset writes the memory of a tensor, by the context that the tensor
 * is of: no fill is faster.
 */
final class DeviceRoof implements AutoCloseable {
  private static final int BATCH = 8;

  private final Device device;

  /** The roof of {@code gpu}, the first device, or {@code gpu:K}. */
  DeviceRoof(String backend) {
    int colon = backend.indexOf(':');
    int ordinal = colon < 0 ? -1 : Integer.parseInt(backend.substring(colon + 1));
    Cuda.DeviceInfo info =
        Cuda.devices().stream()
            .filter(each -> ordinal < 0 || each.ordinal() == ordinal)
            .findFirst()
            .orElseThrow();
    device = new Device(info, List.of(FillKernel.ptx()));
  }

  /**
   * Bytes per second written into a tensor of the device, whose content is lost.
   *
   * @param nanos how long to write; at least one batch is
   */
  double bytesPerSecond(Tensor tensor, long nanos) {
    long address = tensor.devicePointer();
    long words = tensor.byteSize() / Integer.BYTES;
    device.set(address, 0, words);
    device.synchronize();
    long batches = 0;
    long start = System.nanoTime();
    long now;
    do {
      for (int i = 0; i < BATCH; i++) {
        device.set(address, 0x3F000000, words);
      }
      device.synchronize();
      batches++;
      now = System.nanoTime();
    } while (now - start < nanos);
    return (double) batches * BATCH * words * Integer.BYTES / (now - start) * 1e9;
  }

  @Override
  public void close() {
    device.close();
  }
}
