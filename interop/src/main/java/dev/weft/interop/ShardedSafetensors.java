package dev.weft.interop;

import dev.weft.internal.Checks;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * An open index of {@code .safetensors} shards ({@code NAME.safetensors.index.json}) with all of
 * its shards: {@code {"metadata": {"total_size": bytes}, "weight_map": {tensor: shard}}}.
 *
 * <p>Refused: a shard that is no plain file name beside the index; a tensor that its shard has not,
 * or that a shard has and the index does not name; a shard of another set than the index, where the
 * index names its set (docs/files.md). Told by {@link #warnings}: a total size that is not the sum
 * of the tensors, and keys that are not known.
 *
 * <p>One shard is open at a time, or as many as threads read at once.
 *
 * @since 0.1
 */
public final class ShardedSafetensors implements TensorFile {
  private static final String OP = "index";

  private final Path path;
  private final Map<String, SafetensorsFile> shards;
  private final Map<String, String> weightMap;
  private final Map<String, String> metadata;
  private final List<String> warnings;

  private ShardedSafetensors(
      Path path,
      Map<String, SafetensorsFile> shards,
      Map<String, String> weightMap,
      Map<String, String> metadata,
      List<String> warnings) {
    this.path = path;
    this.shards = shards;
    this.weightMap = weightMap;
    this.metadata = metadata;
    this.warnings = warnings;
  }

  /**
   * Opens the index {@code path} and its shards.
   *
   * @throws FormatException {@code index: need …, got file=…}, or as {@link SafetensorsFile#open}
   * @throws IOException if one of the files cannot be read
   */
  public static ShardedSafetensors open(Path path) throws IOException {
    String source = path.toString();
    if (!(Json.parse(source, Texts.read(path)) instanceof Map<?, ?> json)
        || !(json.get("weight_map") instanceof Map<?, ?> map)) {
      throw new FormatException(OP, "need an object with weight_map, metadata", "file", path);
    }
    Map<String, String> weightMap = new LinkedHashMap<>();
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      String tensor = (String) entry.getKey();
      if (!(entry.getValue() instanceof String shard) || !isPlainName(shard)) {
        throw new FormatException(
            OP,
            "need plain names of .safetensors files in the same directory",
            "file",
            path,
            "tensor",
            Texts.shorten(tensor),
            "shard",
            Texts.shorten(String.valueOf(entry.getValue())));
      }
      weightMap.put(tensor, shard);
    }
    Map<String, SafetensorsFile> shards = new TreeMap<>();
    InputFile.Group group = new InputFile.Group();
    try {
      Map<String, String> metadata = new LinkedHashMap<>();
      long total = 0;
      for (String name : new java.util.TreeSet<>(weightMap.values())) {
        Path beside = path.resolveSibling(name);
        if (!Files.exists(beside)) {
          throw new FormatException(
              OP, "need every shard beside the index", "file", path, "missing", name);
        }
        SafetensorsFile shard = SafetensorsFile.open(beside, group);
        shards.put(name, shard);
        requireSet(path, json.get("metadata"), name, shard);
        for (StoredTensor tensor : shard.tensors()) {
          requireSame(path, tensor.name(), name, weightMap.get(tensor.name()));
          total += tensor.byteSize();
        }
        shard.metadata().forEach(metadata::putIfAbsent);
      }
      for (Map.Entry<String, String> entry : weightMap.entrySet()) {
        boolean there = shards.get(entry.getValue()).tensor(entry.getKey()).isPresent();
        requireSame(path, entry.getKey(), there ? entry.getValue() : null, entry.getValue());
      }
      return new ShardedSafetensors(
          path,
          shards,
          weightMap,
          Collections.unmodifiableMap(metadata),
          warnings(path, json, total));
    } catch (IOException | RuntimeException | Error e) {
      shards.values().forEach(SafetensorsFile::close);
      throw e;
    }
  }

  /** The JSON of an index. */
  static byte[] write(long totalSize, String identity, Map<String, String> weightMap) {
    Map<String, Object> metadata = new LinkedHashMap<>();
    metadata.put("total_size", totalSize);
    metadata.put(SafetensorsFile.SET_KEY, identity);
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("metadata", metadata);
    json.put("weight_map", new TreeMap<>(weightMap));
    return Json.writePretty(json).getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public Path path() {
    return path;
  }

  /** The shards by file name, in the order of their names. */
  public Map<String, SafetensorsFile> shards() {
    return Collections.unmodifiableMap(shards);
  }

  @Override
  public List<StoredTensor> tensors() {
    List<StoredTensor> tensors = new ArrayList<>();
    shards.values().forEach(shard -> tensors.addAll(shard.tensors()));
    return tensors;
  }

  @Override
  public Optional<StoredTensor> tensor(String name) {
    return Optional.ofNullable(weightMap.get(name))
        .flatMap(shard -> shards.get(shard).tensor(name));
  }

  @Override
  public List<String> warnings() {
    return warnings;
  }

  /** The metadata of all shards; of equal keys the first shard's. */
  @Override
  public Map<String, String> metadata() {
    return metadata;
  }

  @Override
  public Optional<Receipt> receipt(String name) throws IOException {
    String shard = weightMap.get(name);
    return shard == null ? Optional.empty() : shards.get(shard).receipt(name);
  }

  @Override
  public void close() {
    shards.values().forEach(SafetensorsFile::close);
  }

  private static boolean isPlainName(String shard) {
    return Texts.endsWith(shard, ".safetensors")
        && shard.length() <= 255
        && shard.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c < ' ');
  }

  /** Shards that were not written together are no model. An index of others names no set. */
  private static void requireSet(Path path, Object metadata, String name, SafetensorsFile shard)
      throws FormatException {
    Object stated = metadata instanceof Map<?, ?> map ? map.get(SafetensorsFile.SET_KEY) : null;
    String found = shard.metadata().get(SafetensorsFile.SET_KEY);
    if (stated != null && !stated.equals(found)) {
      throw new FormatException(
          OP,
          "need shards that were written with the index",
          "file",
          path,
          "set",
          Texts.shorten(stated.toString()),
          "shard",
          name,
          "shardSet",
          found == null ? "none" : Texts.shorten(found));
    }
  }

  private static void requireSame(Path path, String tensor, String found, String indexed)
      throws FormatException {
    if (found == null || !found.equals(indexed)) {
      throw new FormatException(
          OP,
          "need every tensor in the shard that the index names",
          "file",
          path,
          "tensor",
          Texts.shorten(tensor),
          "index",
          indexed,
          "shard",
          found);
    }
  }

  private static List<String> warnings(Path path, Map<?, ?> json, long total)
      throws FormatException {
    List<String> warnings = new ArrayList<>();
    List<String> unknown = new ArrayList<>();
    for (Object key : json.keySet()) {
      if (!key.equals("metadata") && !key.equals("weight_map")) {
        unknown.add((String) key);
      }
    }
    if (!unknown.isEmpty()) {
      warnings.add(
          Checks.message(
              OP,
              "need no keys but metadata and weight_map; others are not read",
              "file",
              path,
              "keys",
              unknown.size(),
              "first",
              Texts.shorten(unknown.getFirst())));
    }
    Object metadata = json.get("metadata");
    if (metadata != null && !(metadata instanceof Map<?, ?>)) {
      throw new FormatException(OP, "need metadata as an object", "file", path);
    }
    Object stated = metadata == null ? null : ((Map<?, ?>) metadata).get("total_size");
    if (stated != null && !stated.equals(total)) {
      warnings.add(
          Checks.message(
              OP,
              "need metadata.total_size equal to the bytes of the tensors; it is not used",
              "file",
              path,
              "total_size",
              Texts.shorten(String.valueOf(stated)),
              "bytes",
              total));
    }
    return List.copyOf(warnings);
  }
}
