package dev.weft.gpu;

import dev.weft.gpu.cuda.DeviceMemory;
import dev.weft.gpu.cuda.Transfers;
import dev.weft.spi.Buffer;
import dev.weft.spi.StridedMatrix;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The operands of one operation as a device sees them: its own memory as it is, and copies of the
 * host's, which go back when the operation is done. The same memory of the host has one copy. For
 * device operands it allocates nothing.
 */
final class StagedOperands implements AutoCloseable {
  /** Bytes of a workspace that is kept for the next operation. */
  private static final long MOST_KEPT = 1 << 20;

  private final Transfers transfers;
  private final List<Copy> copies = new ArrayList<>();
  private final Workspaces own;
  private Workspaces workspaces;
  private MemorySegment aliased;
  private long aliasAddress;

  StagedOperands(DeviceMemory memory, Transfers transfers) {
    this.transfers = transfers;
    this.own = Workspaces.small(memory, MOST_KEPT);
    this.workspaces = own;
  }

  /** Operations take their workspaces there from now on; null for where they took them first. */
  void useWorkspaces(Workspaces other) {
    workspaces = other == null ? own : other;
  }

  /** A copy of the host's memory. */
  private static final class Copy {
    final MemorySegment host;
    final long address;
    boolean written;

    Copy(MemorySegment host, long address) {
      this.host = host;
      this.address = address;
    }
  }

  /** Where element (0, 0) of what is read lies. */
  long read(StridedMatrix m) {
    return matrix(m, true, false);
  }

  /** Where what is read and written lies. */
  long readWrite(StridedMatrix m) {
    return matrix(m, true, true);
  }

  /** Where what is written lies, a matrix without gaps. */
  long write(StridedMatrix m) {
    return matrix(m, false, true);
  }

  private long matrix(StridedMatrix m, boolean read, boolean written) {
    long origin = m.dtype().byteSize(m.origin());
    if (!m.buffer().isHost()) {
      return m.buffer().devicePointer() + origin;
    }
    long elements = 0;
    if (m.batch() * m.rows() * m.columns() != 0) {
      long last = (m.batch() - 1) * m.batchStride() + (m.rows() - 1) * m.rowStride();
      elements = last + (m.columns() - 1) * m.columnStride() + 1;
    }
    long bytes = m.dtype().byteSize(elements);
    return stage(m.buffer().segment().asSlice(origin, bytes), read, written);
  }

  /** Where the first bytes of a buffer lie, which are read. */
  long read(Buffer buffer, long bytes) {
    return buffer(buffer, bytes, true, false);
  }

  /** The same, read and written. */
  long readWrite(Buffer buffer, long bytes) {
    return buffer(buffer, bytes, true, true);
  }

  /** The same, written. */
  long write(Buffer buffer, long bytes) {
    return buffer(buffer, bytes, false, true);
  }

  private long buffer(Buffer buffer, long bytes, boolean read, boolean written) {
    return buffer.isHost()
        ? stage(buffer.segment().asSlice(0, bytes), read, written)
        : buffer.devicePointer();
  }

  /** Where a copy of the host's memory lies, which is read. */
  long read(MemorySegment host) {
    return stage(host, true, false);
  }

  /** What is read of this memory of the host is there already; null for no such memory. */
  void alias(MemorySegment host, long address) {
    aliased = host;
    aliasAddress = address;
  }

  private long stage(MemorySegment host, boolean read, boolean written) {
    if (!written && host.equals(aliased)) {
      return aliasAddress;
    }
    for (Copy known : copies) {
      if (known.host.equals(host)) {
        known.written |= written;
        return known.address; // read before, or of no account
      }
    }
    Copy copy = new Copy(host, workspace(host.byteSize()));
    copies.add(copy);
    copy.written = written;
    if (read) {
      transfers.write(host, copy.address);
    }
    return copy.address;
  }

  /** Memory for this operation. */
  long workspace(long bytes) {
    return workspaces.take(bytes);
  }

  /** Copies what was written to the host; waits for the operation if there is such. */
  void giveBack() {
    for (int i = 0; i < copies.size(); i++) { // an iterator would be an object
      Copy copy = copies.get(i);
      if (copy.written) {
        transfers.read(copy.address, copy.host);
      }
    }
  }

  /** Ends the operation, whether it was given back or failed. */
  void release() {
    workspaces.release();
    copies.clear();
  }

  @Override
  public void close() {
    own.close();
  }
}
