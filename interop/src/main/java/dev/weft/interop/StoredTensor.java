package dev.weft.interop;

import dev.weft.Shape;
import dev.weft.internal.Checks;
import java.io.IOException;
import java.io.UncheckedIOException;
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
 * A tensor in an open {@link TensorFile}, valid until the file is closed. Its elements are handed
 * out row-major and little-endian, whatever order they have in the file.
 *
 * <p>{@link #get}, {@link #read} and {@link #readBytes} read the file into buffers: a file that
 * others shorten meanwhile ends them with an exception that says so. {@link #data} maps it.
 *
 * <p>A tensor whose file is column-major is read whole before its first element is handed out, and
 * takes its size in memory outside the heap until the file is closed.
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

  private static final int BLOCK_BYTES = 1 << 16;

  /** How the elements of a tensor lie in a file. */
  record Order(boolean bigEndian, boolean columnMajor) {
    static final Order PLAIN = new Order(false, false);
  }

  private final String name;
  private final String typeName;
  private final ElementType type;
  private final Shape shape;
  private final InputFile file;
  private final long offset;
  private final long byteSize;
  private final Order order;
  private MemorySegment rows; // the elements of a tensor of another order than PLAIN, once needed
  private volatile Block last; // where get was last

  /** Elements from {@code first} on, little-endian. */
  private record Block(long first, int count, MemorySegment bytes) {
    boolean holds(long index) {
      return index >= first && index - first < count;
    }
  }

  /** A tensor of {@code byteSize} bytes at {@code offset} in its file. */
  StoredTensor(
      String name,
      String typeName,
      ElementType type,
      Shape shape,
      InputFile file,
      long offset,
      long byteSize,
      Order order) {
    this.name = name;
    this.typeName = typeName;
    this.type = type;
    this.shape = shape;
    this.file = file;
    this.offset = offset;
    this.byteSize = byteSize;
    this.order = order;
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

  /** Bytes of all elements. */
  public long byteSize() {
    return byteSize;
  }

  /**
   * The bytes of the elements, read-only and not always aligned: the mapped file, or a copy in
   * memory if the file is big-endian or column-major.
   *
   * <p>Of a mapped file that others shorten, the part behind its new end is gone. Access to it
   * throws {@link InternalError}, or ends the JVM by SIGBUS where the JDK's own vectorized code
   * does it, {@link MemorySegment#mismatch} for one. Use {@link #readBytes} for files that others
   * may write.
   *
   * @throws UncheckedIOException if the file is shorter than it was, or cannot be read
   */
  public MemorySegment data() {
    return order.equals(Order.PLAIN) ? file.map().asSlice(offset, byteSize) : rows().asReadOnly();
  }

  /**
   * Fills {@code out} with bytes of the elements, from byte {@code from} of the tensor on.
   *
   * @param out whole elements, native or heap
   * @throws IndexOutOfBoundsException if the tensor has fewer bytes
   * @throws IllegalArgumentException {@code readBytes: need whole elements, got …}, or {@code
   *     readBytes: need a writable segment, got …}
   * @throws IOException {@code read: need a file that keeps its length, and it became shorter …},
   *     or if it cannot be read
   */
  public void readBytes(long from, MemorySegment out) throws IOException {
    Objects.checkFromIndexSize(from, out.byteSize(), byteSize);
    int size = type == null ? 1 : type.byteSize();
    if (from % size != 0 || out.byteSize() % size != 0) {
      throw Checks.bad(
          "readBytes",
          "need whole elements",
          "from",
          from,
          "bytes",
          out.byteSize(),
          "elementBytes",
          size);
    }
    if (out.isReadOnly()) {
      throw Checks.bad("readBytes", "need a writable segment", "segment", out);
    }
    if (!order.columnMajor()) {
      file.read(offset + from, out);
      if (order.bigEndian()) {
        Rows.reverse(out, size);
      }
      return;
    }
    try {
      MemorySegment.copy(rows(), from, out, 0, out.byteSize());
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /**
   * Element {@code index} as the nearest double.
   *
   * @throws IllegalStateException {@code get: need an element type that weft loads, got …}
   * @throws UncheckedIOException if the file became shorter, or cannot be read
   */
  public double get(long index) {
    Objects.checkIndex(index, shape.elements());
    ElementType known = requireType();
    Block block = last;
    if (block == null || !block.holds(index)) {
      int most = BLOCK_BYTES / known.byteSize();
      long first = index / most * most;
      block = block(known, first, (int) Math.min(most, shape.elements() - first));
      last = block;
    }
    return element(known, block.bytes, index - block.first);
  }

  /**
   * Writes elements {@code from} (inclusive) to {@code from + out.length} (exclusive), or to the
   * last one if that comes first, as the nearest doubles; returns how many.
   *
   * @throws IllegalStateException {@code get: need an element type that weft loads, got …}
   * @throws UncheckedIOException if the file became shorter, or cannot be read
   */
  public int read(long from, double[] out) {
    Objects.checkFromToIndex(from, shape.elements(), shape.elements());
    ElementType known = requireType();
    int count = (int) Math.min(out.length, shape.elements() - from);
    int most = BLOCK_BYTES / known.byteSize();
    for (int done = 0; done < count; done += most) {
      int part = Math.min(most, count - done);
      MemorySegment bytes = block(known, from + done, part).bytes;
      for (int i = 0; i < part; i++) {
        out[done + i] = element(known, bytes, i);
      }
    }
    return count;
  }

  private Block block(ElementType known, long first, int count) {
    MemorySegment bytes = MemorySegment.ofArray(new byte[count * known.byteSize()]);
    try {
      readBytes(first * known.byteSize(), bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Block(first, count, bytes);
  }

  /** The elements in memory, row-major and little-endian. */
  private synchronized MemorySegment rows() {
    if (rows == null) {
      MemorySegment copy = file.arena().allocate(byteSize, Long.BYTES);
      try {
        Rows.read(file, offset, shape, type.byteSize(), order, copy);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      rows = copy;
    }
    return rows;
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

  private static double element(ElementType known, MemorySegment data, long i) {
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
