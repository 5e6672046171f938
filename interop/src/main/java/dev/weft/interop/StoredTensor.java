package dev.weft.interop;

import dev.weft.Shape;
import dev.weft.internal.Checks;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.foreign.ValueLayout.OfDouble;
import java.lang.foreign.ValueLayout.OfFloat;
import java.lang.foreign.ValueLayout.OfInt;
import java.lang.foreign.ValueLayout.OfLong;
import java.lang.foreign.ValueLayout.OfShort;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.Optional;

/**
 * A tensor in an open {@link TensorFile}. Its data are the mapped file: valid until the file is
 * closed, row-major, little-endian, not always aligned.
 *
 * @since 0.1
 */
public final class StoredTensor {
  private static final OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final String name;
  private final String typeName;
  private final ElementType type;
  private final Shape shape;
  private final MemorySegment data;

  StoredTensor(String name, String typeName, ElementType type, Shape shape, MemorySegment data) {
    this.name = name;
    this.typeName = typeName;
    this.type = type;
    this.shape = shape;
    this.data = data;
  }

  /** The name in the file; of a {@code .npy} file, its file name without the extension. */
  public String name() {
    return name;
  }

  /** The element type as the file writes it, known to weft or not. */
  public String typeName() {
    return typeName;
  }

  /** The element type, or empty if weft cannot load it. */
  public Optional<ElementType> type() {
    return Optional.ofNullable(type);
  }

  /** The dimensions. */
  public Shape shape() {
    return shape;
  }

  /** The bytes of the elements, read-only. */
  public MemorySegment data() {
    return data;
  }

  /**
   * Element {@code index} as the nearest double.
   *
   * @throws IllegalStateException {@code get: need an element type that weft loads, got …}
   */
  public double get(long index) {
    Objects.checkIndex(index, shape.elements());
    return element(requireType(), index);
  }

  /**
   * Writes elements {@code from} (inclusive) to {@code from + out.length} (exclusive), or to the
   * last one if that comes first, as the nearest doubles; returns how many.
   *
   * @throws IllegalStateException {@code get: need an element type that weft loads, got …}
   */
  public int read(long from, double[] out) {
    Objects.checkFromToIndex(from, shape.elements(), shape.elements());
    ElementType known = requireType();
    int count = (int) Math.min(out.length, shape.elements() - from);
    for (int i = 0; i < count; i++) {
      out[i] = element(known, from + i);
    }
    return count;
  }

  @Override
  public String toString() {
    return name + " " + typeName + " " + shape;
  }

  private ElementType requireType() {
    if (type == null) {
      throw new IllegalStateException(
          Checks.message(
              "get", "need an element type that weft loads", "tensor", name, "type", typeName));
    }
    return type;
  }

  private double element(ElementType known, long i) {
    return switch (known) {
      case BOOL, U8 -> data.get(ValueLayout.JAVA_BYTE, i) & 0xFF;
      case I8 -> data.get(ValueLayout.JAVA_BYTE, i);
      case U16 -> data.get(SHORT, 2 * i) & 0xFFFF;
      case I16 -> data.get(SHORT, 2 * i);
      case U32 -> data.get(INT, 4 * i) & 0xFFFFFFFFL;
      case I32 -> data.get(INT, 4 * i);
      case U64 -> unsigned(data.get(LONG, 8 * i));
      case I64 -> data.get(LONG, 8 * i);
      case F16 -> Float.float16ToFloat(data.get(SHORT, 2 * i));
      case BF16 -> Float.intBitsToFloat(data.get(SHORT, 2 * i) << 16);
      case F32 -> data.get(FLOAT, 4 * i);
      case F64 -> data.get(DOUBLE, 8 * i);
    };
  }

  /**
   * The double nearest to an unsigned 64-bit integer: halved with a sticky low bit, then doubled.
   */
  private static double unsigned(long bits) {
    return bits >= 0 ? bits : 2.0 * (bits >>> 1 | bits & 1);
  }
}
