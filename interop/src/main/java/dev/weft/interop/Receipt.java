package dev.weft.interop;

import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.init.Fill;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import dev.weft.internal.Checks;
import dev.weft.random.RandomKey;
import dev.weft.random.StreamOrder;
import java.lang.module.ModuleDescriptor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * Everything that determines the bytes of a tensor: whoever holds a receipt can write the tensor,
 * or check one, on any backend. A fill written as code ({@link Fill#custom}) has none.
 *
 * @param algorithm the generator; {@value #ALGORITHM}
 * @param streamVersion the version of weft's stream; {@value #STREAM_VERSION}
 * @param seed of the root key
 * @param children names of the children that lead from the root key to the tensor's key
 * @param order how blocks are counted
 * @param init the initializer
 * @param dtype the element type
 * @param layout where the fans are in the shape
 * @param region what part of which logical tensor
 * @param weftVersion the version of weft that wrote it; it explains, and determines nothing
 * @since 0.1
 */
public record Receipt(
    String algorithm,
    int streamVersion,
    long seed,
    List<String> children,
    StreamOrder order,
    InitializerSpec init,
    DType dtype,
    Layout layout,
    Region region,
    String weftVersion) {
  /** The generator of every fill. */
  public static final String ALGORITHM = "philox4x32-10";

  /** The version of the stream that this weft draws. */
  public static final int STREAM_VERSION = 1;

  private static final String OP = "receipt";
  private static final List<String> REQUIRED =
      List.of("algorithm", "stream", "seed", "order", "init", "dtype", "layout", "shape", "weft");
  private static final List<String> OPTIONAL = List.of("children", "slice", "box");

  /**
   * Checks that nothing is null, and that this weft draws that stream.
   *
   * @throws IllegalArgumentException {@code receipt: need …, got …}
   */
  public Receipt {
    children = List.copyOf(children);
    Objects.requireNonNull(order, "order");
    Objects.requireNonNull(init, "init");
    Objects.requireNonNull(dtype, "dtype");
    Objects.requireNonNull(layout, "layout");
    Objects.requireNonNull(region, "region");
    Objects.requireNonNull(weftVersion, "weftVersion");
    if (!algorithm.equals(ALGORITHM) || streamVersion != STREAM_VERSION) {
      throw Checks.bad(
          OP,
          "need algorithm " + ALGORITHM + ", stream " + STREAM_VERSION,
          "algorithm",
          algorithm,
          "stream",
          streamVersion);
    }
  }

  /** The receipt of this version of weft for a key, whose children are not known. */
  public static Receipt of(
      InitializerSpec init, Layout layout, DType dtype, Region region, RandomKey key) {
    return new Receipt(
        ALGORITHM,
        STREAM_VERSION,
        key.seed(),
        List.of(),
        key.order(),
        init,
        dtype,
        layout,
        region,
        version());
  }

  /** This receipt with the child of its key that is called {@code name}. */
  public Receipt child(String name) {
    List<String> more = new ArrayList<>(children);
    more.add(name);
    return new Receipt(
        algorithm, streamVersion, seed, more, order, init, dtype, layout, region, weftVersion);
  }

  /** The key of the tensor: the root's child's child … . */
  public RandomKey key() {
    RandomKey key = new RandomKey(seed, order);
    for (String child : children) {
      key = key.child(child);
    }
    return key;
  }

  /**
   * The fill, planned for the logical shape.
   *
   * @throws IllegalArgumentException if the fill does not suit the shape or type
   */
  public Fill fill() {
    Fill fill = init.initializer(layout).plan(region.logical());
    fill.check(region.logical(), dtype);
    return fill;
  }

  /** The type of the elements in a file. */
  public ElementType elementType() {
    return ElementType.of(dtype, fill());
  }

  /** What of a tensor is not the receipt's, in words: its type or its shape. Empty if both are. */
  public Optional<String> difference(StoredTensor tensor) {
    ElementType type;
    try {
      type = elementType();
    } catch (IllegalArgumentException e) {
      return Optional.of("the receipt is of no tensor: " + e.getMessage());
    }
    if (tensor.type().equals(Optional.of(type)) && tensor.shape().equals(region.shape())) {
      return Optional.empty();
    }
    return Optional.of(
        "the receipt is of "
            + type
            + " "
            + region.shape()
            + ", the file has "
            + Texts.shorten(tensor.typeName())
            + " "
            + tensor.shape());
  }

  /** Texts by name, which {@link #of(String, Map)} reads back. */
  public Map<String, String> toMap() {
    Map<String, String> map = new LinkedHashMap<>();
    map.put("algorithm", algorithm);
    map.put("stream", Integer.toString(streamVersion));
    map.put("seed", Long.toString(seed));
    if (!children.isEmpty()) {
      map.put("children", Json.write(children));
    }
    map.put("order", order.id());
    map.put("init", init.toString());
    map.put("dtype", dtype.id());
    map.put("layout", layout.id());
    map.put("shape", join(region.logical().dims()));
    long[] start = region.start();
    if (!region.isBox()) {
      map.put("slice", start[0] + ":" + (start[0] + region.shape().elements()));
    } else if (!region.shape().equals(region.logical())) {
      map.put("box", join(start) + ";" + join(region.shape().dims()));
    }
    map.put("weft", weftVersion);
    return map;
  }

  /** A JSON object of {@link #toMap}. */
  public String toJson() {
    return Json.write(toMap());
  }

  /**
   * The receipt in these texts.
   *
   * @param source where they are from, for messages
   * @throws FormatException {@code receipt: need …, got file=…}
   */
  public static Receipt of(String source, Map<String, String> map) throws FormatException {
    Set<String> unknown = new LinkedHashSet<>(map.keySet());
    OPTIONAL.forEach(unknown::remove);
    for (String key : REQUIRED) {
      if (!unknown.remove(key)) {
        throw new FormatException(OP, "need the key " + key, "file", source);
      }
    }
    if (!unknown.isEmpty()) {
      String key = Texts.shorten(unknown.iterator().next());
      throw new FormatException(OP, "need known keys", "file", source, "key", key);
    }
    try {
      return new Receipt(
          map.get("algorithm"),
          Integer.parseInt(map.get("stream")),
          Long.parseLong(map.get("seed")),
          children(source, map.get("children")),
          order(map.get("order")),
          InitializerSpec.parse(map.get("init")),
          DType.parse(map.get("dtype")),
          Layout.parse(map.get("layout")),
          region(Shape.parse(map.get("shape")), map.get("slice"), map.get("box")),
          map.get("weft"));
    } catch (IllegalArgumentException e) {
      throw new FormatException(
          OP, "need values that weft has (" + e.getMessage() + ")", "file", source);
    }
  }

  /**
   * The receipt in a JSON object of texts.
   *
   * @throws FormatException as {@link #of(String, Map)}
   */
  public static Receipt parse(String source, String json) throws FormatException {
    return of(source, texts(source, Json.parse(source, json)));
  }

  static Receipt parse(String source, byte[] json) throws FormatException {
    return of(source, texts(source, Json.parse(source, json)));
  }

  /** Two receipts are equal if their texts are. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Receipt that && toMap().equals(that.toMap());
  }

  @Override
  public int hashCode() {
    return toMap().hashCode();
  }

  private static Map<String, String> texts(String source, Object json) throws FormatException {
    Map<String, String> texts = new LinkedHashMap<>();
    if (json instanceof Map<?, ?> map) {
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        if (entry.getValue() instanceof String text) {
          texts.put((String) entry.getKey(), text);
        }
      }
      if (texts.size() == map.size()) {
        return texts;
      }
    }
    throw new FormatException(OP, "need a JSON object of texts", "file", source);
  }

  private static List<String> children(String source, String json) throws FormatException {
    if (json == null) {
      return List.of();
    }
    List<String> names = new ArrayList<>();
    if (Json.parse(source, json) instanceof List<?> list) {
      for (Object name : list) {
        if (name instanceof String text) {
          names.add(text);
        }
      }
      if (names.size() == list.size()) {
        return names;
      }
    }
    throw new FormatException(OP, "need children as a JSON list of names", "file", source);
  }

  private static StreamOrder order(String id) {
    for (StreamOrder order : StreamOrder.values()) {
      if (order.id().equals(id)) {
        return order;
      }
    }
    throw Checks.bad("order", "need one of curand, sequential", "order", id);
  }

  private static Region region(Shape logical, String slice, String box) {
    Region whole = Region.of(logical);
    if (slice != null && box != null) {
      throw Checks.bad(OP, "need slice or box, not both", "slice", slice, "box", box);
    }
    if (slice != null) {
      String[] ends = slice.split(":", -1);
      if (ends.length != 2) {
        throw Checks.bad(OP, "need FROM:TO", "slice", slice);
      }
      return whole.slice(Long.parseLong(ends[0]), Long.parseLong(ends[1]));
    }
    if (box != null) {
      String[] parts = box.split(";", -1);
      if (parts.length != 2) {
        throw Checks.bad(OP, "need START;EXTENT", "box", box);
      }
      return whole.box(Shape.parse(parts[0]).dims(), Shape.parse(parts[1]).dims());
    }
    return whole;
  }

  private static String join(long[] dims) {
    return String.join(",", Arrays.stream(dims).mapToObj(Long::toString).toList());
  }

  private static String version() {
    return Optional.ofNullable(Receipt.class.getModule().getDescriptor())
        .flatMap(ModuleDescriptor::rawVersion)
        .or(() -> Optional.ofNullable(Receipt.class.getPackage().getImplementationVersion()))
        .orElse("unpackaged");
  }
}
