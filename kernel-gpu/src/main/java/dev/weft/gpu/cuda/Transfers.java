package dev.weft.gpu.cuda;

import dev.weft.internal.Failures;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.ReentrantLock;
import jcuda.driver.CUevent;

/**
 * Copies between a device and host memory of any kind and size, by way of two pinned buffers in
 * turn: while one is on its way to or from the device, the host copies the other. One transfer at a
 * time; what a transfer takes does not grow with it.
 */
public final class Transfers implements AutoCloseable {
  /** Bytes of a buffer: far above what a copy costs to begin. */
  public static final long CHUNK = 8L << 20;

  /** The least that is worth a chunk of its own. */
  private static final long SMALL_CHUNK = 1L << 20;

  private final Device device;
  private final DeviceMemory memory;
  private final ReentrantLock lock = new ReentrantLock();
  private final Arena arena = Arena.ofShared();
  private final MemorySegment[] pinned = new MemorySegment[2]; // made when first needed
  private final CUevent[] copied = new CUevent[2];
  private final CUevent[] computed = new CUevent[2];

  /** Transfers of a device; {@code memory} gives what {@link #produce} needs on it. */
  public Transfers(Device device, DeviceMemory memory) {
    this.device = device;
    this.memory = memory;
  }

  /** Writes bytes {@code from … from + count − 1} of some whole to an address of the device. */
  public interface Producer {
    /** Begins it on the computing stream. */
    void produce(long from, long count, long address);
  }

  /** Copies {@code out.byteSize()} bytes to the host, after what was computed before. */
  public void read(long address, MemorySegment out) {
    lock.lock();
    try {
      prepare();
      device.recordCompute(computed[0]);
      device.copyAfter(computed[0]);
      long size = out.byteSize();
      long bytes = chunkBytes(size);
      long chunks = (size + bytes - 1) / bytes;
      boolean done = false;
      try {
        for (long chunk = 0; chunk <= chunks; chunk++) {
          if (chunk < chunks) {
            int i = (int) (chunk % 2);
            long from = chunk * bytes;
            device.copyToHost(address + from, pinned[i], Math.min(bytes, size - from));
            device.recordCopy(copied[i]);
          }
          if (chunk > 0) {
            receive(chunk - 1, bytes, out);
          }
        }
        done = true;
      } finally {
        if (!done) {
          device.drain(); // a copy may still read memory that its owner gives back after this
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** Waits for a chunk, and takes it out of its buffer. */
  private void receive(long chunk, long bytes, MemorySegment out) {
    int i = (int) (chunk % 2);
    long from = chunk * bytes;
    long count = Math.min(bytes, out.byteSize() - from);
    device.await(copied[i]);
    MemorySegment.copy(pinned[i], 0, out, from, count);
  }

  /**
   * Copies {@code in.byteSize()} bytes to the device, after what was computed before; what is
   * computed later comes after it.
   */
  public void write(MemorySegment in, long address) {
    lock.lock();
    try {
      prepare();
      device.recordCompute(computed[0]);
      device.copyAfter(computed[0]);
      long size = in.byteSize();
      long bytes = chunkBytes(size);
      boolean done = false;
      try {
        for (long from = 0; from < size; from += bytes) {
          int i = (int) (from / bytes % 2);
          long count = Math.min(bytes, size - from);
          device.await(copied[i]); // of the chunk before the last, or of an earlier transfer
          MemorySegment.copy(in, from, pinned[i], 0, count);
          device.copyToDevice(pinned[i], address + from, count);
          device.recordCopy(copied[i]);
        }
        device.recordCopy(computed[1]);
        device.computeAfter(computed[1]);
        done = true;
      } finally {
        if (!done) {
          device.drain(); // of a part, when the caller's memory was closed under it
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Computes {@code out.byteSize()} bytes chunk by chunk on the device, and copies them to the
   * host: a chunk is computed while the one before it is copied.
   */
  public void produce(Producer producer, MemorySegment out) {
    lock.lock();
    try {
      prepare();
      long size = out.byteSize();
      long bytes = chunkBytes(size);
      long chunks = (size + bytes - 1) / bytes;
      DeviceMemory.Block block = memory.workspace(Math.min(size, 2 * bytes));
      boolean done = false;
      try {
        for (long chunk = 0; chunk <= chunks; chunk++) {
          if (chunk < chunks) {
            int i = (int) (chunk % 2);
            long from = chunk * bytes;
            long count = Math.min(bytes, size - from);
            long address = block.address() + i * bytes;
            producer.produce(from, count, address); // its buffer is free: chunk − 2 was received
            device.recordCompute(computed[i]);
            device.copyAfter(computed[i]);
            device.copyToHost(address, pinned[i], count);
            device.recordCopy(copied[i]);
          }
          if (chunk > 0) {
            receive(chunk - 1, bytes, out);
          }
        }
        done = true;
      } finally {
        if (!done) {
          device.drain(); // a copy may still read the block
        }
        block.release();
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Bytes of a chunk: a quarter of the whole where that is less than a buffer, so that they
   * overlap.
   */
  private static long chunkBytes(long size) {
    long quarter = (size / 4 + SMALL_CHUNK - 1) / SMALL_CHUNK * SMALL_CHUNK;
    return Math.clamp(quarter, SMALL_CHUNK, CHUNK);
  }

  private void prepare() {
    if (pinned[1] != null) {
      return;
    }
    for (int i = 0; i < 2; i++) {
      if (copied[i] == null) {
        copied[i] = device.event();
      }
      if (computed[i] == null) {
        computed[i] = device.event();
      }
      if (pinned[i] == null) {
        MemorySegment buffer = arena.allocate(CHUNK, 4096);
        device.register(buffer);
        pinned[i] = buffer;
      }
    }
  }

  /** Waits for the transfer that runs, if any, and gives the buffers back. */
  @Override
  public void close() {
    lock.lock();
    try {
      Failures failures = new Failures();
      for (MemorySegment buffer : pinned) {
        if (buffer != null) {
          failures.attempt(() -> device.unregister(buffer));
        }
      }
      for (CUevent[] events : new CUevent[][] {copied, computed}) {
        for (CUevent event : events) {
          if (event != null) {
            failures.attempt(() -> device.destroy(event));
          }
        }
      }
      failures.attempt(arena::close).raise();
    } finally {
      lock.unlock();
    }
  }
}
