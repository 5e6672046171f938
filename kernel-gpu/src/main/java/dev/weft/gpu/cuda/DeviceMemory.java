package dev.weft.gpu.cuda;

import dev.weft.DeviceException;
import dev.weft.MemoryInfo;
import dev.weft.MemoryLimitException;
import dev.weft.internal.Failures;
import java.util.ArrayList;
import java.util.Map;
import java.util.TreeMap;

/**
 * Memory of a device, kept when it is given back: the driver's own allocation takes as long as a
 * fill of a megabyte, and its release waits for the device. A block given back is used again by
 * what comes later on the computing stream, after everything that used it before. What is kept goes
 * back to the driver when it is in the way: by {@link #trim}, by a limit, or because the device has
 * no more.
 */
public final class DeviceMemory {
  /** Blocks are multiples of it, below {@link #LARGE}; what CUDA aligns to. */
  static final long SMALL_UNIT = 512;

  /** From here on blocks are multiples of an eighth of the power of two below. */
  static final long LARGE = 1 << 20;

  private final Device device;
  private final long limit;
  private final TreeMap<Long, ArrayList<Long>> kept = new TreeMap<>(); // addresses by size
  private long keptBytes;
  private long usedBytes;
  private long peakBytes;
  private boolean closed;

  /**
   * Memory of which tensors take at most {@code limit} bytes; 0 for all that the device has. What
   * blocks take beyond their tensors, at most an eighth, and {@link #workspace} do not count.
   */
  public DeviceMemory(Device device, long limit) {
    this.device = device;
    this.limit = limit > 0 ? Math.min(limit, device.info().bytes()) : device.info().bytes();
  }

  /** A block of memory. */
  public final class Block {
    private final long tensorBytes; // that count
    private long address; // like the next, set once, before anybody sees the block
    private long size;
    private boolean released; // guarded by the memory

    private Block(long tensorBytes) {
      this.tensorBytes = tensorBytes;
    }

    private Block at(long address, long size) {
      this.address = address;
      this.size = size;
      return this;
    }

    /** Where it begins: a multiple of 256. */
    public long address() {
      return address;
    }

    /** Its bytes: at least those that were asked for. */
    public long size() {
      return size;
    }

    /** Gives it back; once. */
    public void release() {
      DeviceMemory.this.release(this);
    }
  }

  /** What tensors hold now, and the most that they held. */
  public synchronized MemoryInfo info() {
    return new MemoryInfo(usedBytes, peakBytes, limit);
  }

  /** Whether blocks of these sizes were within the limit together, if there were no others. */
  public boolean allows(long... bytes) {
    long sum = 0;
    for (long each : bytes) {
      sum += blockSize(each);
    }
    return sum <= limit;
  }

  /**
   * A block for a tensor of {@code bytes} bytes, whose content is undefined.
   *
   * @throws MemoryLimitException if neither the limit nor the device allows it
   */
  public synchronized Block allocate(long bytes) {
    device.requireAlive();
    if (bytes > limit - usedBytes) {
      throw new MemoryLimitException(
          "allocate",
          "need requestedBytes <= freeBytes of the limit " + limit,
          bytes,
          limit - usedBytes);
    }
    Block block = block(bytes, bytes);
    usedBytes += bytes;
    peakBytes = Math.max(peakBytes, usedBytes);
    return block;
  }

  /**
   * A block of {@code bytes} bytes for an operation, beside the limit.
   *
   * @throws MemoryLimitException if the device has no room
   */
  public synchronized Block workspace(long bytes) {
    device.requireAlive();
    return block(bytes, 0);
  }

  private Block block(long bytes, long tensorBytes) {
    long size = blockSize(bytes);
    Block block = new Block(tensorBytes); // nothing may fail once there is memory
    Map.Entry<Long, ArrayList<Long>> found = kept.ceilingEntry(size);
    if (found != null && !found.getValue().isEmpty() && found.getKey() - size <= size / 8) {
      return block.at(take(found), found.getKey());
    }
    if (size > limit - usedBytes - keptBytes) {
      trim();
    }
    long address = device.allocate(size);
    if (address == 0 && keptBytes > 0) {
      trim();
      address = device.allocate(size);
    }
    if (address == 0) {
      throw new MemoryLimitException(
          "allocate", "need requestedBytes <= freeBytes of the device", bytes, device.freeBytes());
    }
    return block.at(address, size);
  }

  private long take(Map.Entry<Long, ArrayList<Long>> entry) {
    long address = entry.getValue().removeLast();
    if (entry.getValue().isEmpty()) {
      kept.remove(entry.getKey());
    }
    keptBytes -= entry.getKey();
    return address;
  }

  private synchronized void release(Block block) {
    if (block.released) {
      return;
    }
    block.released = true;
    usedBytes -= block.tensorBytes;
    if (closed) {
      free(block.address);
      return;
    }
    try {
      kept.computeIfAbsent(block.size, size -> new ArrayList<>()).add(block.address);
      keptBytes += block.size;
    } catch (OutOfMemoryError e) { // of the heap, to keep it with
      free(block.address);
    }
  }

  /** Gives everything that is kept back to the driver. */
  public synchronized void trim() {
    Failures failures = new Failures();
    while (!kept.isEmpty()) {
      Map.Entry<Long, ArrayList<Long>> first = kept.firstEntry();
      if (first.getValue().isEmpty()) { // one that could not be kept
        kept.remove(first.getKey());
      } else {
        long address = take(first); // before it is freed: once, also if that fails
        failures.attempt(() -> free(address));
      }
    }
    failures.raise();
  }

  private void free(long address) {
    try {
      device.free(address);
    } catch (DeviceException e) {
      if (!e.isFatal()) { // of a lost device the memory is gone already
        throw e;
      }
    }
  }

  /** Trims, and keeps nothing from now on. */
  public synchronized void close() {
    closed = true;
    trim();
  }

  /** Bytes of the block for so many bytes: at most an eighth more from {@link #LARGE} on. */
  static long blockSize(long bytes) {
    long unit = bytes < LARGE ? SMALL_UNIT : Long.highestOneBit(bytes) / 8;
    long units = bytes / unit + (bytes % unit == 0 ? 0 : 1);
    return Math.max(units, 1) * unit;
  }
}
