package dev.weft.interop;

import dev.weft.Shape;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * An array of numbers in IDX, the format in which MNIST's images and labels are published; packed
 * by gzip or not. Read whole: at most 2³¹ − 9 bytes.
 *
 * <p>Refused: an unknown type, a dimension that is negative, data that are not exactly the shape's.
 *
 * @see <a href="http://yann.lecun.com/exdb/mnist/">The format</a>, LeCun, Cortes and Burges 1998
 * @since 0.1
 */
public final class IdxFile {
  private static final String OP = "idx";
  private static final long MOST_BYTES = Integer.MAX_VALUE - 8L;

  private final Shape shape;
  private final Type type;
  private final ByteBuffer data;

  private IdxFile(Shape shape, Type type, ByteBuffer data) {
    this.shape = shape;
    this.type = type;
    this.data = data;
  }

  /**
   * Reads {@code file}.
   *
   * @throws FormatException {@code idx: need …, got file=…}
   * @throws IOException if it cannot be read
   */
  public static IdxFile read(Path file) throws IOException {
    try (InputStream stored = new BufferedInputStream(Files.newInputStream(file));
        DataInputStream in = new DataInputStream(unpacked(stored))) {
      return read(in, file);
    } catch (EOFException e) {
      throw bad("need a whole header and as many elements as its shape has", file, "end", "early");
    } catch (ZipException e) {
      throw bad("need whole gzip data", file, "reason", e.getMessage());
    }
  }

  private static InputStream unpacked(InputStream stored) throws IOException {
    stored.mark(2);
    boolean packed = stored.read() == 0x1f && stored.read() == 0x8b;
    stored.reset();
    return packed ? new GZIPInputStream(stored, 1 << 16) : stored;
  }

  private static IdxFile read(DataInputStream in, Path file) throws IOException {
    int magic = in.readInt();
    Type type = Type.of(magic >>> 8);
    if (type == null) {
      throw bad(
          "need 0, 0, a type of 8, 9, 11 to 14, and the number of dimensions",
          file,
          "begin",
          String.format(Locale.ROOT, "%08x", magic));
    }
    long[] dims = new long[magic & 0xFF];
    long bytes = type.byteSize;
    for (int i = 0; i < dims.length; i++) {
      dims[i] = in.readInt();
      if (dims[i] < 0) {
        throw bad("need dimensions >= 0", file, "dims[" + i + "]", dims[i]);
      }
      if (dims[i] > 0 && bytes > MOST_BYTES / dims[i]) {
        throw bad("need at most " + MOST_BYTES + " bytes", file, "dims[" + i + "]", dims[i]);
      }
      bytes *= dims[i];
    }
    byte[] data = in.readNBytes((int) bytes); // grows with what there is
    if (data.length < bytes) {
      throw new EOFException();
    }
    if (in.read() >= 0) {
      throw bad("need nothing after the elements", file, "bytes", "more than " + bytes);
    }
    return new IdxFile(
        Shape.of(dims), type, ByteBuffer.wrap(data).asReadOnlyBuffer().order(ByteOrder.BIG_ENDIAN));
  }

  /** The shape, row-major: [images, rows, columns] of MNIST's images, [labels] of its labels. */
  public Shape shape() {
    return shape;
  }

  /**
   * The value of an element; unsigned bytes are 0 to 255.
   *
   * @throws IndexOutOfBoundsException unless {@code 0 <= index < shape().elements()}
   */
  public double get(long index) {
    int i = (int) Objects.checkIndex(index, shape.elements());
    return type.get(data, i);
  }

  /**
   * Writes elements {@code from … from + count - 1} to {@code out}, each the nearest f32.
   *
   * @throws IndexOutOfBoundsException if there are fewer, or {@code out} is shorter
   */
  public void copyTo(long from, float[] out, int count) {
    Objects.checkFromIndexSize(from, count, shape.elements());
    Objects.checkFromIndexSize(0, count, out.length);
    for (int i = 0; i < count; i++) {
      out[i] = (float) type.get(data, (int) from + i);
    }
  }

  private static FormatException bad(String rule, Path file, String name, Object value) {
    return new FormatException(OP, rule, "file", file, name, value);
  }

  /** Element types by their codes. */
  private enum Type {
    U8(0x08, 1),
    I8(0x09, 1),
    I16(0x0B, 2),
    I32(0x0C, 4),
    F32(0x0D, 4),
    F64(0x0E, 8);

    final int code;
    final int byteSize;

    Type(int code, int byteSize) {
      this.code = code;
      this.byteSize = byteSize;
    }

    static Type of(int code) {
      for (Type type : values()) {
        if (type.code == code) {
          return type;
        }
      }
      return null;
    }

    double get(ByteBuffer data, int index) {
      int at = index * byteSize;
      return switch (this) {
        case U8 -> data.get(at) & 0xFF;
        case I8 -> data.get(at);
        case I16 -> data.getShort(at);
        case I32 -> data.getInt(at);
        case F32 -> data.getFloat(at);
        case F64 -> data.getDouble(at);
      };
    }
  }
}
