package dev.weft.interop;

import dev.weft.DType;
import dev.weft.init.Fill;
import java.util.Optional;

/**
 * The element types that files name and this module loads; stored little-endian.
 *
 * <p>The types of a tensor ({@link #dtype}) are four of them. Raw words of the stream, which are no
 * numbers, are stored as unsigned integers of the same size.
 *
 * @since 0.1
 */
public enum ElementType {
  /** One byte, 0 or 1. */
  BOOL("|b1", 1, null),
  /** Unsigned 8-bit integer. */
  U8("|u1", 1, null),
  /** Signed 8-bit integer. */
  I8("|i1", 1, null),
  /** Unsigned 16-bit integer. */
  U16("<u2", 2, null),
  /** Signed 16-bit integer. */
  I16("<i2", 2, null),
  /** Unsigned 32-bit integer. */
  U32("<u4", 4, null),
  /** Signed 32-bit integer. */
  I32("<i4", 4, null),
  /** Unsigned 64-bit integer. */
  U64("<u8", 8, null),
  /** Signed 64-bit integer. */
  I64("<i8", 8, null),
  /** IEEE 754 binary16. */
  F16("<f2", 2, DType.F16),
  /** bfloat16; NumPy has no name for it. */
  BF16(null, 2, DType.BF16),
  /** IEEE 754 binary32. */
  F32("<f4", 4, DType.F32),
  /** IEEE 754 binary64. */
  F64("<f8", 8, DType.F64);

  private final String npy;
  private final int byteSize;
  private final DType dtype;

  ElementType(String npy, int byteSize, DType dtype) {
    this.npy = npy;
    this.byteSize = byteSize;
    this.dtype = dtype;
  }

  /** Bytes of one element; the natural alignment too. */
  public int byteSize() {
    return byteSize;
  }

  /** The type of a tensor with these elements; empty for integers. */
  public Optional<DType> dtype() {
    return Optional.ofNullable(dtype);
  }

  /** NumPy's name, for example {@code <f4}; empty for bfloat16. */
  public Optional<String> npyName() {
    return Optional.ofNullable(npy);
  }

  /** The name in safetensors files, for example {@code F32}. */
  public String safetensorsName() {
    return name();
  }

  /**
   * The type that stores {@code fill} in a file: that of {@code dtype}, or unsigned for raw words.
   */
  public static ElementType of(DType dtype, Fill fill) {
    if (fill instanceof Fill.Bits) {
      return switch (dtype) {
        case F32 -> U32;
        case F64 -> U64;
        case F16, BF16 -> U16;
      };
    }
    return valueOf(dtype.name());
  }

  static Optional<ElementType> ofNpy(String name) {
    for (ElementType type : values()) {
      if (name.equals(type.npy)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }

  static Optional<ElementType> ofSafetensors(String name) {
    for (ElementType type : values()) {
      if (type.name().equals(name)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }
}
