package dev.weft.interop;

import dev.weft.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * An open {@code .safetensors} file. Every rule of the format is checked before anything is handed
 * out: a header of at most 100 000 000 bytes; strict JSON with every key once; data that follow one
 * another without hole or overlap and end with the file; shape × type equal to the range; metadata
 * of texts alone, or null; at most {@value Shape#MAX_RANK} dimensions. Unknown keys of a tensor are
 * not read.
 *
 * <p>A tensor of a type that weft does not know is listed and has its bytes, but no elements.
 *
 * @see <a href="https://github.com/huggingface/safetensors">The format</a>
 * @since 0.1
 */
public final class SafetensorsFile implements TensorFile {
  /** The key of the metadata in the header. */
  static final String METADATA = "__metadata__";

  /** A receipt's key in the metadata is this, followed by the tensor's name. */
  static final String RECEIPT_KEY = "weft.receipt.";

  /** The key of the identity of the set that a shard, or an index, belongs to. */
  static final String SET_KEY = "weft.set";

  private static final String OP = "safetensors";
  private static final Set<String> KEYS = Set.of("dtype", "shape", "data_offsets");

  private final Path path;
  private final InputFile file;
  private final Map<String, StoredTensor> tensors;
  private final Map<String, String> metadata;

  private SafetensorsFile(
      Path path, InputFile file, Map<String, StoredTensor> tensors, Map<String, String> metadata) {
    this.path = path;
    this.file = file;
    this.tensors = tensors;
    this.metadata = metadata;
  }

  /**
   * Opens {@code path}.
   *
   * @throws FormatException {@code safetensors: need …, got file=…} or {@code json: need …}
   * @throws IOException if it cannot be read
   */
  public static SafetensorsFile open(Path path) throws IOException {
    return open(path, new InputFile.Group());
  }

  /** Opens {@code path} as one of a group of files. */
  static SafetensorsFile open(Path path, InputFile.Group group) throws IOException {
    InputFile file = new InputFile(path, group);
    try {
      return new Header(path, file).read();
    } catch (IOException | RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  @Override
  public Path path() {
    return path;
  }

  @Override
  public List<StoredTensor> tensors() {
    return List.copyOf(tensors.values());
  }

  @Override
  public Optional<StoredTensor> tensor(String name) {
    return Optional.ofNullable(tensors.get(name));
  }

  @Override
  public Map<String, String> metadata() {
    return metadata;
  }

  @Override
  public Optional<Receipt> receipt(String name) throws IOException {
    String json = metadata.get(RECEIPT_KEY + name);
    return json == null
        ? Optional.empty()
        : Optional.of(Receipt.parse(path + " " + RECEIPT_KEY + Texts.shorten(name), json));
  }

  @Override
  public void close() {
    file.close();
  }

  /** Reads and checks the header. */
  private record Header(Path path, InputFile file) {
    private record Range(String name, String type, Shape shape, long begin, long end) {}

    SafetensorsFile read() throws IOException {
      long size = file.byteSize();
      if (size < Long.BYTES) {
        throw bad("a header length of 8 bytes", "bytes", size);
      }
      ByteBuffer start = ByteBuffer.wrap(file.bytes(0, Long.BYTES));
      long length = start.order(ByteOrder.LITTLE_ENDIAN).getLong();
      if (length < 0 || length > Texts.MAX_BYTES) {
        throw bad(
            "a header of at most " + Texts.MAX_BYTES + " bytes",
            "header",
            Long.toUnsignedString(length));
      }
      if (length > size - Long.BYTES) {
        throw bad("the whole header", "header", length, "bytes", size);
      }
      byte[] text = file.bytes(Long.BYTES, (int) length);
      if (length == 0 || text[0] != '{') {
        throw bad("a header that begins with {", "header", length);
      }
      Map<?, ?> json = (Map<?, ?>) Json.parse(path.toString(), text);
      Map<String, String> metadata = new LinkedHashMap<>();
      List<Range> ranges = new ArrayList<>();
      for (Map.Entry<?, ?> entry : json.entrySet()) {
        String name = (String) entry.getKey();
        if (name.equals(METADATA)) {
          metadata(entry.getValue(), metadata);
        } else {
          ranges.add(range(name, entry.getValue()));
        }
      }
      ranges.sort(Comparator.comparingLong(Range::begin).thenComparingLong(Range::end));
      Map<String, StoredTensor> tensors = new LinkedHashMap<>();
      long data = Long.BYTES + length;
      long end = 0;
      for (Range range : ranges) {
        if (range.begin != end) {
          throw bad(
              "data without hole or overlap",
              "tensor",
              Texts.shorten(range.name),
              "begin",
              range.begin,
              "previousEnd",
              end);
        }
        end = range.end;
        if (end > size - data) {
          throw bad(
              "data within the file",
              "tensor",
              Texts.shorten(range.name),
              "end",
              end,
              "data",
              size - data);
        }
        tensors.put(
            range.name,
            new StoredTensor(
                range.name,
                range.type,
                ElementType.ofSafetensors(range.type).orElse(null),
                range.shape,
                file,
                data + range.begin,
                range.end - range.begin,
                StoredTensor.Order.PLAIN));
      }
      if (end != size - data) {
        throw bad("data up to the end of the file", "end", end, "data", size - data);
      }
      return new SafetensorsFile(path, file, tensors, Collections.unmodifiableMap(metadata));
    }

    private void metadata(Object value, Map<String, String> metadata) throws FormatException {
      if (value == null) {
        return;
      }
      if (!(value instanceof Map<?, ?> map)) {
        throw bad("an object of texts", "key", METADATA);
      }
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        if (!(entry.getValue() instanceof String text)) {
          throw bad("texts in " + METADATA, "key", Texts.shorten((String) entry.getKey()));
        }
        metadata.put((String) entry.getKey(), text);
      }
    }

    private Range range(String name, Object value) throws FormatException {
      if (!(value instanceof Map<?, ?> map)
          || !map.keySet().containsAll(KEYS)
          || !(map.get("dtype") instanceof String type)) {
        throw bad("dtype, shape and data_offsets", "tensor", Texts.shorten(name));
      }
      long[] dims = longs(name, "shape", map.get("shape"));
      long[] offsets = longs(name, "data_offsets", map.get("data_offsets"));
      if (offsets.length != 2 || offsets[0] > offsets[1]) {
        throw bad("data_offsets [begin, end]", "tensor", Texts.shorten(name));
      }
      if (dims.length > Shape.MAX_RANK) {
        throw bad(
            "at most " + Shape.MAX_RANK + " dimensions",
            "tensor",
            Texts.shorten(name),
            "rank",
            dims.length);
      }
      Shape shape;
      try {
        shape = Shape.of(dims);
        Optional<ElementType> known = ElementType.ofSafetensors(type);
        if (known.isPresent()) {
          long needed = Math.multiplyExact(shape.elements(), (long) known.get().byteSize());
          if (needed != offsets[1] - offsets[0]) {
            throw bad(
                "shape times type equal to the range",
                "tensor",
                Texts.shorten(name),
                "shape",
                Texts.shorten(shape.toString()),
                "dtype",
                type,
                "range",
                offsets[1] - offsets[0]);
          }
        }
      } catch (IllegalArgumentException | ArithmeticException e) {
        throw bad("a shape below 2^63 bytes", "tensor", Texts.shorten(name));
      }
      return new Range(name, type, shape, offsets[0], offsets[1]);
    }

    private long[] longs(String name, String key, Object value) throws FormatException {
      if (value instanceof List<?> list) {
        long[] out = new long[list.size()];
        int count = 0;
        for (Object element : list) {
          if (element instanceof Long number && number >= 0) {
            out[count++] = number;
          }
        }
        if (count == out.length) {
          return out;
        }
      }
      throw bad("a list of whole numbers >= 0", "tensor", Texts.shorten(name), "key", key);
    }

    private FormatException bad(String what, Object... namesAndValues) {
      Object[] all = new Object[namesAndValues.length + 2];
      all[0] = "file";
      all[1] = path;
      System.arraycopy(namesAndValues, 0, all, 2, namesAndValues.length);
      return new FormatException(OP, "need " + what, all);
    }
  }
}
