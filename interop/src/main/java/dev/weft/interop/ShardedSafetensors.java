package dev.weft.interop;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * An open index of {@code .safetensors} shards ({@code NAME.safetensors.index.json}) with all of
 * its shards: {@code {"metadata": {"total_size": bytes}, "weight_map": {tensor: shard}}}.
 *
 * <p>Refused: a shard that is no plain file name beside the index; a tensor that its shard has not,
 * or that a shard has and the index does not name; a total size that is not the sum of the tensors.
 *
 * @since 0.1
 */
public final class ShardedSafetensors implements TensorFile {
  private static final String OP = "index";

  private final Path path;
  private final Map<String, SafetensorsFile> shards;
  private final Map<String, String> weightMap;
  private final Map<String, String> metadata;

  private ShardedSafetensors(
      Path path,
      Map<String, SafetensorsFile> shards,
      Map<String, String> weightMap,
      Map<String, String> metadata) {
    this.path = path;
    this.shards = shards;
    this.weightMap = weightMap;
    this.metadata = metadata;
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
        || !(json.get("weight_map") instanceof Map<?, ?> map)
        || !Set.of("metadata", "weight_map").containsAll(json.keySet())) {
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
            Json.shorten(tensor),
            "shard",
            Json.shorten(String.valueOf(entry.getValue())));
      }
      weightMap.put(tensor, shard);
    }
    Map<String, SafetensorsFile> shards = new TreeMap<>();
    try {
      Map<String, String> metadata = new LinkedHashMap<>();
      long total = 0;
      for (String name : new java.util.TreeSet<>(weightMap.values())) {
        SafetensorsFile shard = SafetensorsFile.open(path.resolveSibling(name));
        shards.put(name, shard);
        for (StoredTensor tensor : shard.tensors()) {
          requireSame(path, tensor.name(), name, weightMap.get(tensor.name()));
          total += tensor.data().byteSize();
        }
        shard.metadata().forEach(metadata::putIfAbsent);
      }
      for (Map.Entry<String, String> entry : weightMap.entrySet()) {
        boolean there = shards.get(entry.getValue()).tensor(entry.getKey()).isPresent();
        requireSame(path, entry.getKey(), there ? entry.getValue() : null, entry.getValue());
      }
      checkTotal(path, json.get("metadata"), total);
      return new ShardedSafetensors(path, shards, weightMap, Collections.unmodifiableMap(metadata));
    } catch (IOException | RuntimeException | Error e) {
      shards.values().forEach(SafetensorsFile::close);
      throw e;
    }
  }

  /** The JSON of an index. */
  static byte[] write(long totalSize, Map<String, String> weightMap) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("metadata", Map.of("total_size", totalSize));
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
    return shard.endsWith(".safetensors")
        && shard.length() <= 255
        && shard.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c < ' ');
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
          Json.shorten(tensor),
          "index",
          indexed,
          "shard",
          found);
    }
  }

  private static void checkTotal(Path path, Object metadata, long total) throws FormatException {
    Object stated = metadata instanceof Map<?, ?> map ? map.get("total_size") : null;
    if (metadata != null && !(metadata instanceof Map<?, ?>)
        || stated != null && !stated.equals(total)) {
      throw new FormatException(
          OP,
          "need metadata.total_size equal to the bytes of the tensors",
          "file",
          path,
          "total_size",
          stated,
          "bytes",
          total);
    }
  }
}
