package dev.weft.interop;

import dev.weft.Shape;
import dev.weft.internal.Checks;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where the tensors of a {@code .safetensors} file go: those of larger elements first, then by name
 * or as they are given; the header ends at a multiple of 64, so every tensor is aligned to its
 * elements.
 */
final class SafetensorsLayout {
  private static final String OP = "safetensors";
  private static final int ALIGNMENT = 64;

  /** A tensor to be stored. */
  record Entry(String name, ElementType type, Shape shape) {
    long byteSize() {
      return Math.multiplyExact(shape.elements(), (long) type.byteSize());
    }
  }

  private final byte[] header;
  private final Map<String, Long> offsets;
  private final long byteSize;

  private SafetensorsLayout(byte[] header, Map<String, Long> offsets, long byteSize) {
    this.header = header;
    this.offsets = offsets;
    this.byteSize = byteSize;
  }

  /**
   * The layout of a file, tensors of one element size by their names.
   *
   * @throws IllegalArgumentException if two names are equal or one is reserved, or the header
   *     passes its limit
   */
  static SafetensorsLayout of(List<Entry> entries, Map<String, String> metadata) {
    List<Entry> byName = new ArrayList<>(entries);
    byName.sort(Comparator.comparing(Entry::name));
    return inOrder(byName, metadata);
  }

  /**
   * The layout of a file, tensors of one element size in the order of {@code entries}.
   *
   * @throws IllegalArgumentException as {@link #of}
   */
  static SafetensorsLayout inOrder(List<Entry> entries, Map<String, String> metadata) {
    List<Entry> sorted = new ArrayList<>(entries);
    sorted.sort(Comparator.comparingInt(entry -> -entry.type.byteSize()));
    Map<String, Object> json = new LinkedHashMap<>();
    if (!metadata.isEmpty()) {
      json.put(SafetensorsFile.METADATA, metadata);
    }
    Map<String, Long> offsets = new LinkedHashMap<>();
    long end = 0;
    for (Entry entry : sorted) {
      long begin = end;
      end = TensorWriter.sum(begin, entry.byteSize());
      Map<String, Object> value = new LinkedHashMap<>();
      value.put("dtype", entry.type.safetensorsName());
      value.put("shape", Arrays.stream(entry.shape.dims()).boxed().toList());
      value.put("data_offsets", List.of(begin, end));
      boolean reserved = entry.name.equals(SafetensorsFile.METADATA);
      if (reserved || json.put(entry.name, value) != null) {
        throw Checks.bad(
            OP, "need names that differ, and none " + SafetensorsFile.METADATA, "name", entry.name);
      }
      offsets.put(entry.name, begin);
    }
    byte[] text = Json.write(json).getBytes(StandardCharsets.UTF_8);
    int length = Math.ceilDiv(Long.BYTES + text.length, ALIGNMENT) * ALIGNMENT;
    if (length - Long.BYTES > Texts.MAX_BYTES) {
      throw Checks.bad(
          OP, "need a header of at most " + Texts.MAX_BYTES + " bytes", "header", text.length);
    }
    byte[] header = new byte[length];
    Arrays.fill(header, (byte) ' ');
    ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN).putLong(length - Long.BYTES).put(text);
    offsets.replaceAll((name, offset) -> offset + length);
    return new SafetensorsLayout(header, offsets, TensorWriter.sum(end, length));
  }

  /** The bytes before the data. */
  byte[] header() {
    return header;
  }

  /** Where in the file the tensor's data begin. */
  long offset(String name) {
    return offsets.get(name);
  }

  /** Bytes of the whole file. */
  long byteSize() {
    return byteSize;
  }
}
