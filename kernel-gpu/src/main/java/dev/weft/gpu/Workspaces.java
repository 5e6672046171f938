package dev.weft.gpu;

import dev.weft.gpu.cuda.DeviceMemory;
import java.util.ArrayList;

/**
 * Memory that operations use one after another, kept between them: what the next one writes there
 * comes later on the stream. One thread at a time.
 */
final class Workspaces implements AutoCloseable {
  private final DeviceMemory memory;
  private final boolean gives;
  private final long mostKept; // bytes of a block
  private final ArrayList<DeviceMemory.Block> used =
      new ArrayList<>(); // by the operation that runs
  private final ArrayList<DeviceMemory.Block> idle = new ArrayList<>();

  private Workspaces(DeviceMemory memory, boolean gives, long mostKept) {
    this.memory = memory;
    this.gives = gives;
    this.mostKept = mostKept;
  }

  /** Blocks of more than {@code mostKept} bytes go back when their operation ends. */
  static Workspaces small(DeviceMemory memory, long mostKept) {
    return new Workspaces(memory, true, mostKept);
  }

  /** Every block stays until all are closed: what was recorded writes there again. */
  static Workspaces lasting(DeviceMemory memory) {
    return new Workspaces(memory, false, Long.MAX_VALUE);
  }

  /**
   * The address of memory for the operation that runs.
   *
   * @throws dev.weft.MemoryLimitException if the device has no room
   */
  long take(long bytes) {
    used.ensureCapacity(used.size() + 1); // nothing may fail between a block and its list
    DeviceMemory.Block found = null;
    for (int i = idle.size() - 1; i >= 0 && found == null; i--) {
      if (idle.get(i).size() >= bytes) {
        found = idle.remove(i);
      }
    }
    if (found == null) {
      if (gives && !idle.isEmpty()) {
        idle.removeLast().release(); // the larger one takes its place
      }
      found = memory.workspace(bytes);
    }
    used.add(found);
    return found.address();
  }

  /** Ends the operation that runs. */
  void release() {
    idle.ensureCapacity(idle.size() + used.size());
    while (!used.isEmpty()) {
      DeviceMemory.Block block = used.removeLast();
      if (block.size() <= mostKept) {
        idle.add(block);
      } else {
        block.release();
      }
    }
  }

  /** Gives everything back. */
  @Override
  public void close() {
    release();
    while (!idle.isEmpty()) {
      idle.removeLast().release();
    }
  }
}
