package dev.weft.gpu.cuda;

import dev.weft.internal.Failures;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import jcuda.driver.CUevent;

/**
 * Input of the host for one computation after another, which goes to the device while the one
 * before runs: two pinned buffers and two blocks of the device, in turn. One thread at a time.
 *
 * <p>For each computation: {@link #next}, {@link #upload}, what computes, {@link #computed}.
 */
public final class InputBuffers implements AutoCloseable {
  /** Most bytes of an input: it is pinned twice. */
  public static final long MOST = 64L << 20;

  private final Device device;
  private final Arena arena = Arena.ofShared();
  private final Slot[] slots = new Slot[2];
  private int turn;

  /** What was not made, because something failed before, is null. */
  private static final class Slot {
    DeviceMemory.Block block;
    CUevent copied;
    CUevent computed;
    MemorySegment pinned;
  }

  /** Buffers for inputs of so many bytes, at most {@link #MOST}. */
  public InputBuffers(Device device, DeviceMemory memory, long bytes) {
    this.device = device;
    try {
      for (int i = 0; i < slots.length; i++) {
        Slot slot = slots[i] = new Slot();
        slot.block = memory.workspace(bytes);
        slot.copied = device.event();
        slot.computed = device.event();
        MemorySegment buffer = arena.allocate(bytes, 4096);
        device.register(buffer);
        slot.pinned = buffer;
      }
    } catch (Throwable e) {
      close();
      throw e;
    }
  }

  /** Where the next input will be on the device. */
  public long next() {
    return slots[turn].block.address();
  }

  /**
   * Begins to copy an input there; what is begun on the computing stream from now on comes after
   * it. The input has been read when this returns.
   */
  public void upload(MemorySegment in) {
    Slot slot = slots[turn];
    device.await(slot.copied); // the input before the last is out of the pinned buffer
    MemorySegment.copy(in, 0, slot.pinned, 0, in.byteSize());
    boolean done = false;
    try {
      device.copyAfter(slot.computed); // nor does anything read the block
      device.copyToDevice(slot.pinned, slot.block.address(), in.byteSize());
      device.recordCopy(slot.copied);
      device.computeAfter(slot.copied);
      done = true;
    } finally {
      if (!done) {
        device.drain(); // the next input takes the same buffer
      }
    }
  }

  /** What computes with the input was begun. */
  public void computed() {
    device.recordCompute(slots[turn].computed);
    turn = 1 - turn;
  }

  /** Waits for what uses the buffers, and gives them back. */
  @Override
  public void close() {
    device.drain();
    Failures failures = new Failures();
    for (Slot slot : slots) {
      if (slot != null) {
        failures.attempt(() -> close(slot));
      }
    }
    failures.attempt(arena::close).raise();
  }

  private void close(Slot slot) {
    if (slot.pinned != null) {
      device.unregister(slot.pinned);
    }
    if (slot.copied != null) {
      device.destroy(slot.copied);
    }
    if (slot.computed != null) {
      device.destroy(slot.computed);
    }
    if (slot.block != null) {
      slot.block.release();
    }
  }
}
