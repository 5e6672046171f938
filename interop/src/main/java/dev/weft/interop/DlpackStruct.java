package dev.weft.interop;

import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.internal.Checks;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The two structs of DLPack's C API on 64-bit machines, by their byte offsets.
 *
 * <pre>
 * DLTensor                  data 0, device type 8 and id 12, ndim 16, dtype code 20, bits 21 and lanes 22,
 *                           shape 24, strides 32, byte_offset 40; 48 bytes
 * DLManagedTensor           dl_tensor 0, manager_ctx 48, deleter 56; 64 bytes
 * DLManagedTensorVersioned  version 0, manager_ctx 8, deleter 16, flags 24, dl_tensor 32; 80 bytes
 * </pre>
 */
enum DlpackStruct {
  LEGACY(64, 0, 56, -1),
  VERSIONED(80, 32, 16, 24);

  static final long READ_ONLY = 1;

  private static final int MAJOR = 1;
  private static final int MOST_DIMENSIONS = 64; // as many as NumPy's arrays may have
  private static final int FLOAT = 2;
  private static final int BFLOAT = 4;

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

  private final int byteSize;
  private final int tensor;
  private final int deleter;
  private final int flags; // -1: it has none

  DlpackStruct(int byteSize, int tensor, int deleter, int flags) {
    this.byteSize = byteSize;
    this.tensor = tensor;
    this.deleter = deleter;
    this.flags = flags;
  }

  static DlpackStruct of(Dlpack.Form form) {
    return switch (form) {
      case LEGACY -> LEGACY;
      case VERSIONED -> VERSIONED;
    };
  }

  /** A struct of someone else's, which its deleter ends. */
  record Managed(long address, long deleter, long flags, DlpackTensor tensor) {
    void requireWritable() {
      if ((flags & READ_ONLY) != 0) {
        throw Checks.bad(
            "dlpack", "need memory that may be written", "flags", DlpackTensor.hex(flags));
      }
    }

    void callDeleter() {
      if (deleter != 0) {
        NativeMemory.callDeleter(deleter, address);
      }
    }
  }

  /**
   * A new struct, its shape and strides behind it, in memory of {@link NativeMemory#allocate}; its
   * deleter is that of {@link DlpackExports}.
   */
  long write(long flagBits, DlpackTensor x) {
    int rank = x.shape().rank();
    long deleterAddress = DlpackExports.deleter();
    long address = NativeMemory.allocate(byteSize + 2L * rank * Long.BYTES);
    try {
      write(address, deleterAddress, flagBits, x);
    } catch (Throwable e) {
      NativeMemory.free(address);
      throw e;
    }
    return address;
  }

  private void write(long address, long deleterAddress, long flagBits, DlpackTensor x) {
    int rank = x.shape().rank();
    MemorySegment struct = NativeMemory.at(address, byteSize + 2L * rank * Long.BYTES);
    struct.fill((byte) 0);
    if (this == VERSIONED) {
      struct.set(INT, 0, MAJOR);
      struct.set(LONG, flags, flagBits);
    }
    struct.set(LONG, deleter, deleterAddress);
    struct.set(LONG, tensor, x.address());
    struct.set(INT, tensor + 8, x.deviceType());
    struct.set(INT, tensor + 12, x.deviceId());
    struct.set(INT, tensor + 16, rank);
    struct.set(
        ValueLayout.JAVA_BYTE, tensor + 20, (byte) (x.dtype() == DType.BF16 ? BFLOAT : FLOAT));
    struct.set(ValueLayout.JAVA_BYTE, tensor + 21, (byte) (x.dtype().byteSize() * 8));
    struct.set(ValueLayout.JAVA_SHORT, tensor + 22, (short) 1);
    struct.set(LONG, tensor + 24, address + byteSize);
    struct.set(LONG, tensor + 32, address + byteSize + (long) rank * Long.BYTES);
    for (int d = 0; d < rank; d++) {
      struct.set(LONG, byteSize + (long) d * Long.BYTES, x.shape().dim(d));
      struct.set(LONG, byteSize + (long) (rank + d) * Long.BYTES, x.strides()[d]);
    }
  }

  /**
   * What the struct at {@code address} says.
   *
   * @throws IllegalArgumentException if weft does not take it
   */
  Managed read(long address) {
    if (address <= 0 || address % Long.BYTES != 0) {
      throw Checks.bad(
          "dlpack",
          "need the address of a struct, a multiple of 8",
          "address",
          DlpackTensor.hex(address));
    }
    if (this == VERSIONED) {
      MemorySegment version = NativeMemory.at(address, 8);
      int major = version.get(INT, 0);
      if (major != MAJOR) { // nothing else of it may be read then
        throw Checks.bad(
            "dlpack",
            "need major version " + MAJOR,
            "version",
            Integer.toUnsignedString(major) + "." + Integer.toUnsignedString(version.get(INT, 4)));
      }
    }
    MemorySegment struct = NativeMemory.at(address, byteSize);
    return new Managed(
        address,
        struct.get(LONG, deleter),
        flags < 0 ? 0 : struct.get(LONG, flags),
        tensor(struct.asSlice(tensor, 48)));
  }

  private static DlpackTensor tensor(MemorySegment struct) {
    int rank = struct.get(INT, 16);
    if (rank < 0 || rank > MOST_DIMENSIONS) {
      throw Checks.bad("dlpack", "need 0 <= ndim <= " + MOST_DIMENSIONS, "ndim", rank);
    }
    DType dtype =
        dtype(
            struct.get(ValueLayout.JAVA_BYTE, 20),
            Byte.toUnsignedInt(struct.get(ValueLayout.JAVA_BYTE, 21)),
            Short.toUnsignedInt(struct.get(ValueLayout.JAVA_SHORT, 22)));
    Shape shape = Shape.of(longs("shape", struct.get(LONG, 24), rank));
    long strides = struct.get(LONG, 32);
    long data = struct.get(LONG, 0);
    long offset = struct.get(LONG, 40);
    if (offset < 0 || data > Long.MAX_VALUE - offset) {
      throw Checks.bad(
          "dlpack",
          "need an address for every element",
          "data",
          DlpackTensor.hex(data),
          "byte_offset",
          Long.toUnsignedString(offset));
    }
    return new DlpackTensor(
        data + offset,
        struct.get(INT, 8),
        struct.get(INT, 12),
        dtype,
        shape,
        strides == 0 ? DlpackTensor.rowMajor(shape) : longs("strides", strides, rank));
  }

  private static DType dtype(int code, int bits, int lanes) {
    if (lanes == 1) {
      if (code == BFLOAT && bits == 16) {
        return DType.BF16;
      }
      if (code == FLOAT) {
        switch (bits) {
          case 16:
            return DType.F16;
          case 32:
            return DType.F32;
          case 64:
            return DType.F64;
          default: // none of weft's
        }
      }
    }
    throw Checks.bad(
        "dlpack",
        "need f16, f32, f64 or bf16 of one lane",
        "code",
        code,
        "bits",
        bits,
        "lanes",
        lanes);
  }

  private static long[] longs(String name, long address, int count) {
    if (count == 0) {
      return new long[0];
    }
    if (address <= 0 || address % Long.BYTES != 0) {
      throw Checks.bad("dlpack", "need an array of " + name, name, DlpackTensor.hex(address));
    }
    return NativeMemory.at(address, (long) count * Long.BYTES).toArray(LONG);
  }
}
