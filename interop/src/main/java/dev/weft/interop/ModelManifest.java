package dev.weft.interop;

import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The tensors of a model and how each is initialized; read from JSON (docs/manifest.md).
 *
 * @param name of the model
 * @param tensors in the order of the manifest, their names all different
 * @since 0.1
 */
public record ModelManifest(String name, List<Entry> tensors) {
  private static final String OP = "manifest";

  /**
   * One tensor of a model.
   *
   * @param name in the model and in the file
   * @param shape the dimensions
   * @param init the initializer
   * @param dtype the element type
   * @param layout where the fans are in the shape
   * @param key name of the child key that it is drawn from; the tensor's name unless the manifest
   *     says otherwise
   */
  public record Entry(
      String name, Shape shape, InitializerSpec init, DType dtype, Layout layout, String key) {

    /** The receipt of this tensor in a model whose root key is {@code root}. */
    public Receipt receipt(RandomKey root) {
      return Receipt.of(init, layout, dtype, Region.of(shape), root).child(key);
    }
  }

  /** Copies the list. */
  public ModelManifest {
    tensors = List.copyOf(tensors);
  }

  /** Elements of all tensors together. */
  public long parameters() {
    return tensors.stream().mapToLong(tensor -> tensor.shape.elements()).sum();
  }

  /** Bytes of all tensors together. */
  public long byteSize() {
    return tensors.stream()
        .mapToLong(tensor -> tensor.dtype.byteSize(tensor.shape.elements()))
        .reduce(0, TensorWriter::sum);
  }

  /**
   * Reads the manifest in {@code file}.
   *
   * @throws FormatException {@code manifest: need …, got file=…, path=$.tensors[3].shape, …}
   * @throws IOException if it cannot be read
   */
  public static ModelManifest read(Path file) throws IOException {
    return new Reader(file.toString()).manifest(Json.parse(file.toString(), Texts.read(file)));
  }

  /**
   * The manifest in {@code json}.
   *
   * @param source where it is from, for messages
   * @throws FormatException as {@link #read}
   */
  public static ModelManifest parse(String source, String json) throws FormatException {
    return new Reader(source).manifest(Json.parse(source, json));
  }

  /** Turns JSON into a manifest, and knows where it is. */
  private record Reader(String source) {
    ModelManifest manifest(Object json) throws FormatException {
      Map<?, ?> map = object(json, "$", Set.of("name", "source", "layout", "dtype", "tensors"));
      text(map, "$", "source", "");
      Layout layout = value("$.layout", text(map, "$", "layout", null), Layout::parse);
      DType dtype = value("$.dtype", text(map, "$", "dtype", null), DType::parse);
      if (!(map.get("tensors") instanceof List<?> list) || list.isEmpty()) {
        throw bad("a list of tensors", "$.tensors", map.get("tensors"));
      }
      List<Entry> tensors = new ArrayList<>();
      Set<String> names = new HashSet<>();
      for (int i = 0; i < list.size(); i++) {
        String path = "$.tensors[" + i + "]";
        Entry entry = entry(list.get(i), path, layout, dtype);
        if (!names.add(entry.name) || entry.name.equals(SafetensorsFile.METADATA)) {
          throw bad(
              "names that differ, and none " + SafetensorsFile.METADATA,
              path + ".name",
              entry.name);
        }
        tensors.add(entry);
      }
      return new ModelManifest(text(map, "$", "name", null), tensors);
    }

    private Entry entry(Object json, String path, Layout layout, DType dtype)
        throws FormatException {
      Map<?, ?> map = object(json, path, Set.of("name", "shape", "init", "dtype", "layout", "key"));
      String name = text(map, path, "name", null);
      InitializerSpec init =
          value(path + ".init", text(map, path, "init", null), InitializerSpec::parse);
      Entry entry =
          new Entry(
              name,
              shape(map.get("shape"), path + ".shape"),
              init,
              value(path + ".dtype", text(map, path, "dtype", dtype.id()), DType::parse),
              value(path + ".layout", text(map, path, "layout", layout.id()), Layout::parse),
              text(map, path, "key", name));
      try {
        entry.dtype.byteSize(entry.shape.elements());
        entry.receipt(RandomKey.of(0)).fill();
      } catch (IllegalArgumentException e) {
        throw bad("a fill that suits the shape and type (" + e.getMessage() + ")", path, name);
      }
      return entry;
    }

    private Map<?, ?> object(Object json, String path, Set<String> keys) throws FormatException {
      if (!(json instanceof Map<?, ?> map)) {
        throw bad("an object", path, json);
      }
      for (Object key : map.keySet()) {
        if (!keys.contains(key)) {
          throw bad("the keys " + String.join(", ", new java.util.TreeSet<>(keys)), path, key);
        }
      }
      return map;
    }

    private String text(Map<?, ?> map, String path, String key, String otherwise)
        throws FormatException {
      Object value = map.containsKey(key) ? map.get(key) : otherwise;
      if (!(value instanceof String text)) {
        throw bad("a text", path + "." + key, map.containsKey(key) ? value : "nothing");
      }
      return text;
    }

    private Shape shape(Object json, String path) throws FormatException {
      if (json instanceof List<?> list && list.stream().allMatch(dim -> dim instanceof Long)) {
        long[] dims = list.stream().mapToLong(dim -> (Long) dim).toArray();
        return value(path, dims, Shape::of);
      }
      throw bad("a list of whole numbers", path, json);
    }

    private interface Parser<T, V> {
      V parse(T text);
    }

    private <T, V> V value(String path, T text, Parser<T, V> parser) throws FormatException {
      try {
        return parser.parse(text);
      } catch (IllegalArgumentException e) {
        throw bad(
            "a value that weft has (" + e.getMessage() + ")",
            path,
            text instanceof long[] dims ? java.util.Arrays.toString(dims) : text);
      }
    }

    private FormatException bad(String what, String path, Object value) {
      return new FormatException(
          OP,
          "need " + what,
          "file",
          source,
          "path",
          path,
          "value",
          Texts.shorten(String.valueOf(value)));
    }
  }
}
