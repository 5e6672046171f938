package dev.weft.gpu.cuda;

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

  private final class Slot {
    final DeviceMemory.Block block;
    final MemorySegment pinned;
    final CUevent copied = device.event();
    final CUevent computed = device.event();

    Slot(DeviceMemory memory, long bytes) {
      pinned = arena.allocate(bytes, 4096);
      device.register(pinned);
      block = memory.workspace(bytes);
    }
  }

  /** Buffers for inputs of so many bytes, at most {@link #MOST}. */
  public InputBuffers(Device device, DeviceMemory memory, long bytes) {
    this.device = device;
    try {
      for (int i = 0; i < slots.length; i++) {
        slots[i] = new Slot(memory, bytes);
      }
    } catch (RuntimeException | Error e) {
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
    device.copyAfter(slot.computed); // nor does anything read the block
    device.copyToDevice(slot.pinned, slot.block.address(), in.byteSize());
    device.recordCopy(slot.copied);
    device.computeAfter(slot.copied);
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
    for (Slot slot : slots) {
      if (slot != null) {
        device.unregister(slot.pinned);
        device.destroy(slot.copied);
        device.destroy(slot.computed);
        slot.block.release();
      }
    }
    arena.close();
  }
}
