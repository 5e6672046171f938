package dev.weft.interop;

import dev.weft.Shape;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Brings elements of a file into row-major order and little-endian. */
final class Rows {
  private static final int PART = 1 << 20; // a multiple of every element size

  private Rows() {}

  /** Reads a tensor of elements of {@code size} bytes at {@code offset} into {@code out}. */
  static void read(
      InputFile file,
      long offset,
      Shape shape,
      int size,
      StoredTensor.Order order,
      MemorySegment out)
      throws IOException {
    Walk walk = new Walk(shape, order.columnMajor());
    for (long done = 0; done < out.byteSize(); done += PART) {
      byte[] part = file.bytes(offset + done, (int) Math.min(PART, out.byteSize() - done));
      if (order.bigEndian()) {
        reverse(MemorySegment.ofArray(part), size);
      }
      for (int at = 0; at < part.length; at += size) {
        MemorySegment.copy(part, at, out, ValueLayout.JAVA_BYTE, walk.next() * size, size);
      }
    }
  }

  /** Reverses the bytes of every element of {@code size} bytes. */
  static void reverse(MemorySegment bytes, int size) {
    for (long at = 0; at < bytes.byteSize(); at += size) {
      for (long low = at, high = at + size - 1; low < high; low++, high--) {
        byte b = bytes.get(ValueLayout.JAVA_BYTE, low);
        bytes.set(ValueLayout.JAVA_BYTE, low, bytes.get(ValueLayout.JAVA_BYTE, high));
        bytes.set(ValueLayout.JAVA_BYTE, high, b);
      }
    }
  }

  /** The row-major indices of elements, in the order of the file. */
  private static final class Walk {
    private final long[] dims;
    private final long[] strides;
    private final long[] index;
    private long at;

    Walk(Shape shape, boolean columnMajor) {
      dims = columnMajor ? shape.dims() : new long[] {shape.elements()};
      index = new long[dims.length];
      strides = new long[dims.length];
      long stride = 1;
      for (int a = dims.length - 1; a >= 0; a--) {
        strides[a] = stride;
        stride *= Math.max(1, dims[a]);
      }
    }

    long next() {
      long found = at;
      for (int a = 0; a < dims.length; a++) { // the first axis varies fastest
        at += strides[a];
        if (++index[a] < dims[a]) {
          break;
        }
        at -= strides[a] * dims[a];
        index[a] = 0;
      }
      return found;
    }
  }
}
