package dev.weft.interop;

import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.internal.Checks;
import java.util.Arrays;

/**
 * What a {@code DLTensor} says.
 *
 * @param address of the first element, the byte offset included
 * @param deviceType kDLCPU, kDLCUDA, …
 * @param deviceId number of the device among those of its type
 * @param dtype of the elements
 * @param shape the dimensions
 * @param strides elements from an index to the next along each dimension
 */
record DlpackTensor(
    long address, int deviceType, int deviceId, DType dtype, Shape shape, long[] strides) {
  static final int CPU = 1;
  static final int CUDA = 2;
  static final int CUDA_HOST = 3;
  static final int CUDA_MANAGED = 13;

  /**
   * A matrix as BLAS stores it: rows of {@code columns} elements, {@code leading} apart.
   *
   * @param byColumns whether its rows are the struct's columns
   */
  record Leading(long rows, long columns, long leading, boolean byColumns) {
    /** Elements from the first to the last. */
    long span() {
      return rows == 0 || columns == 0 ? 0 : (rows - 1) * leading + columns;
    }
  }

  /**
   * A tensor at this address.
   *
   * @param ordinal of its device; -1 for the host
   */
  static DlpackTensor of(Tensor tensor, long address, int ordinal) {
    Shape shape = tensor.shape();
    return new DlpackTensor(
        shape.elements() == 0 ? 0 : address,
        ordinal < 0 ? CPU : CUDA,
        Math.max(ordinal, 0),
        tensor.dtype(),
        shape,
        rowMajor(shape));
  }

  /**
   * Strides of a tensor by rows without gaps; of one without elements, as if a size of 0 were 1.
   */
  static long[] rowMajor(Shape shape) {
    long[] strides = new long[shape.rank()];
    long stride = 1;
    for (int d = strides.length - 1; d >= 0; d--) {
      strides[d] = stride;
      if (shape.elements() > 0) {
        stride *= shape.dim(d);
      }
    }
    return strides;
  }

  boolean isHost() {
    return deviceType == CPU || deviceType == CUDA_HOST;
  }

  /** Throws unless a backend of this device, or -1 for none, reaches the memory. */
  void requireDevice(int ordinal) {
    boolean cuda = deviceType == CUDA || deviceType == CUDA_MANAGED;
    if (!isHost() && !(cuda && ordinal >= 0 && ordinal == deviceId)) {
      throw Checks.bad(
          "dlpack",
          "need memory of the host or of the backend's device",
          "device type",
          deviceType,
          "device id",
          deviceId,
          "backend's device",
          ordinal < 0 ? "none" : ordinal);
    }
  }

  /** Throws unless the elements lie by rows without gaps. */
  void requireRowMajor() {
    long[] expected = rowMajor(shape);
    for (int d = 0; d < strides.length; d++) {
      if (shape.elements() > 0 && shape.dim(d) > 1 && strides[d] != expected[d]) {
        throw Checks.bad(
            "dlpack",
            "need elements by rows without gaps (a matrix may have them: importMatrix)",
            "shape",
            shape,
            "strides",
            Arrays.toString(strides));
      }
    }
  }

  /** The matrix that this is. */
  Leading matrix() {
    if (shape.rank() == 2) {
      long rows = shape.dim(0);
      long columns = shape.dim(1);
      if (fits(rows, columns, strides[0], strides[1])) {
        return leading(rows, columns, strides[0], false);
      }
      if (fits(columns, rows, strides[1], strides[0])) {
        return leading(columns, rows, strides[1], true);
      }
    }
    throw Checks.bad(
        "dlpack",
        "need two dimensions and elements of a row or column side by side",
        "shape",
        shape,
        "strides",
        Arrays.toString(strides));
  }

  /** Whether these are rows of elements side by side, that do not overlap. */
  private static boolean fits(long rows, long columns, long rowStride, long columnStride) {
    return rows == 0
        || columns == 0
        || (columnStride == 1 || columns == 1) && (rowStride >= columns || rows == 1);
  }

  private Leading leading(long rows, long columns, long rowStride, boolean byColumns) {
    long leading = rows > 1 && columns > 0 ? rowStride : columns;
    if (rows > 1 && Math.multiplyHigh(rows - 1, leading) != 0
        || (rows - 1) * leading > Long.MAX_VALUE - columns
        || rows > 1 && (rows - 1) * leading < 0) {
      throw Checks.bad(
          "dlpack",
          "need an address for every element",
          "shape",
          shape,
          "strides",
          Arrays.toString(strides));
    }
    return new Leading(rows, columns, leading, byColumns);
  }

  /** The bytes of {@code elements > 0} elements; throws unless they may lie where it says. */
  long requireAddressed(long elements) {
    long bytes = dtype.byteSize(elements);
    if (address <= 0 || address > Long.MAX_VALUE - bytes) {
      throw Checks.bad(
          "dlpack", "need an address for every element", "data", hex(address), "bytes", bytes);
    }
    if (address % dtype.byteSize() != 0) {
      throw Checks.bad(
          "dlpack",
          "need elements at multiples of their size",
          "data",
          hex(address),
          "dtype",
          dtype);
    }
    return bytes;
  }

  static String hex(long address) {
    return "0x" + Long.toHexString(address);
  }
}
