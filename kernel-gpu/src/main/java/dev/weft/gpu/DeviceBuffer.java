package dev.weft.gpu;

import dev.weft.gpu.cuda.DeviceMemory;
import dev.weft.spi.Buffer;
import java.lang.foreign.MemorySegment;

/** Memory of the device; {@code block} is null for the caller's. */
record DeviceBuffer(long devicePointer, DeviceMemory.Block block) implements Buffer {
  @Override
  public MemorySegment segment() {
    throw new UnsupportedOperationException(
        "segment: need memory of the host; copyTo copies a tensor of a device there");
  }

  @Override
  public boolean isHost() {
    return false;
  }

  @Override
  public void close() {
    if (block != null) {
      block.release();
    }
  }
}
