package dev.weft.cli;

import dev.weft.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A tensor as the host sees it: its own memory, or for a device's a copy that goes to and fro. */
final class HostView {
  private final Tensor tensor;
  private final MemorySegment memory;

  HostView(Tensor tensor) {
    this.tensor = tensor;
    this.memory =
        tensor.isHost() ? tensor.segment() : Arena.ofAuto().allocate(tensor.byteSize(), 64);
  }

  /** The tensor's bytes when they were last read, and what was put there since. */
  MemorySegment memory() {
    return memory;
  }

  /** Gives the tensor what is in the memory. */
  void write() {
    if (!tensor.isHost()) {
      tensor.copyFrom(memory);
    }
  }

  /** Brings the memory up to date. */
  MemorySegment read() {
    if (!tensor.isHost()) {
      tensor.copyTo(memory);
    }
    return memory;
  }
}
