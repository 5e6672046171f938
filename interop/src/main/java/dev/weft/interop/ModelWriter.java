package dev.weft.interop;

import dev.weft.Backend;
import dev.weft.internal.Checks;
import dev.weft.random.RandomKey;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Writes all tensors of a model as one {@code .safetensors} file, or as shards with an index, every
 * tensor at its final place, in bounded memory. Each tensor is drawn from the child of the root key
 * that its manifest entry names, so its bytes depend neither on the other tensors nor on the
 * shards.
 *
 * <p>Room for everything is reserved first; files take their names after all are written, the index
 * last. A failure before that leaves nothing behind, and what existed as it was. From then on the
 * end of the process waits until all have their names; where it is killed there is no index.
 *
 * <p>Shards and index carry the identity of their set under {@code weft.set}: the first 128 bits of
 * the SHA-256 of the shards' headers without it, which state names, shapes, types and receipts. It
 * is the same for the same model on every machine, and {@link ShardedSafetensors} refuses a shard
 * of another set. A model has one writer at a time.
 *
 * @since 0.1
 */
public final class ModelWriter implements AutoCloseable {
  private static final String OP = "model";
  private static final String END = ".safetensors";
  private static final int MAX_SHARDS = 99_999;
  private static final int IDENTITY_BYTES = 16;

  /** One tensor of a shard. */
  private record Weight(String name, Draw draw) {
    SafetensorsLayout.Entry entry() {
      return new SafetensorsLayout.Entry(name, draw.type(), draw.region().shape());
    }
  }

  /** One file that is being written. */
  private record Shard(AtomicFile file, SafetensorsLayout layout, List<Weight> weights) {}

  private final Backend backend;
  private final Progress progress;
  private final FileSet files;
  private final List<Shard> shards = new ArrayList<>();

  private ModelWriter(Backend backend, Progress progress, FileSet files) {
    this.backend = backend;
    this.progress = progress;
    this.files = files;
  }

  /**
   * Writes the model as one file.
   *
   * @throws IllegalArgumentException unless the name ends in {@code .safetensors}
   * @throws dev.weft.MemoryLimitException if a matrix that is made as a whole does not fit in
   *     memory
   * @throws NoSpaceException if it does not fit
   * @throws IOException if it cannot be written, or somebody else is writing it
   */
  public static void write(
      Backend backend, ModelManifest manifest, RandomKey root, Path file, Progress progress)
      throws IOException {
    write(backend, manifest, root, file, Long.MAX_VALUE, progress);
  }

  /**
   * Writes the model in shards of at most {@code shardBytes} bytes of data (a larger tensor has a
   * shard of its own): {@code NAME-00001-of-0000N.safetensors} and {@code
   * NAME.safetensors.index.json} for {@code NAME.safetensors}. What fits in one shard becomes that
   * one file, without an index.
   *
   * @return the files that were written; the index, if there is one, last
   * @throws IllegalArgumentException unless the name ends in {@code .safetensors}, {@code
   *     shardBytes >= 1}, and there are at most 99 999 shards
   * @throws dev.weft.MemoryLimitException if a matrix that is made as a whole does not fit in
   *     memory
   * @throws NoSpaceException if they do not fit
   * @throws IOException if they cannot be written, or somebody else is writing the model
   */
  public static List<Path> write(
      Backend backend,
      ModelManifest manifest,
      RandomKey root,
      Path file,
      long shardBytes,
      Progress progress)
      throws IOException {
    String name = String.valueOf(file.getFileName());
    if (!Texts.endsWith(file, END)) {
      throw Checks.bad(OP, "need a name that ends in " + END, "file", file);
    }
    if (shardBytes < 1) {
      throw Checks.bad(OP, "need shardBytes >= 1", "shardBytes", shardBytes);
    }
    List<List<Weight>> parts = divide(manifest, root, shardBytes);
    if (parts.size() > MAX_SHARDS) {
      throw Checks.bad(
          OP,
          "need at most " + MAX_SHARDS + " shards",
          "shards",
          parts.size(),
          "bytes",
          shardBytes);
    }
    parts.forEach(part -> part.forEach(weight -> weight.draw.requireMemory(backend)));
    try (ModelWriter writer = new ModelWriter(backend, progress, FileSet.open(file))) {
      if (parts.size() == 1) {
        writer.begin(file, layout(manifest, parts.getFirst(), null), parts.getFirst());
        writer.fill();
        writer.files.commit(null);
        return List.of(file);
      }
      return writer.writeShards(
          manifest, file, name.substring(0, name.length() - END.length()), parts);
    }
  }

  /** Removes what was not committed. */
  @Override
  public void close() throws IOException {
    files.close();
  }

  /** The weights in shards, in the order of the manifest. */
  private static List<List<Weight>> divide(
      ModelManifest manifest, RandomKey root, long shardBytes) {
    List<List<Weight>> parts = new ArrayList<>();
    long room = 0;
    for (ModelManifest.Entry entry : manifest.tensors()) {
      Weight weight = new Weight(entry.name(), Draw.of(entry.receipt(root)));
      long bytes = weight.draw.byteSize();
      if (parts.isEmpty() || bytes > room) {
        parts.add(new ArrayList<>());
        room = shardBytes;
      }
      parts.getLast().add(weight);
      room = Math.max(0, room - bytes);
    }
    return parts;
  }

  private List<Path> writeShards(
      ModelManifest manifest, Path file, String stem, List<List<Weight>> parts) throws IOException {
    String identity = identity(manifest, parts);
    Map<String, String> weightMap = new LinkedHashMap<>();
    long total = 0;
    for (int i = 0; i < parts.size(); i++) {
      String shard =
          String.format(Locale.ROOT, "%s-%05d-of-%05d%s", stem, i + 1, parts.size(), END);
      List<Weight> part = parts.get(i);
      begin(file.resolveSibling(shard), layout(manifest, part, identity), part);
      for (Weight weight : part) {
        weightMap.put(weight.name, shard);
        total += weight.draw.byteSize();
      }
    }
    byte[] content = ShardedSafetensors.write(total, identity, weightMap);
    AtomicFile index = files.begin(file.resolveSibling(stem + END + ".index.json"), content.length);
    index.write(ByteBuffer.wrap(content), 0);
    index.finish();
    fill();
    files.commit(index.target()); // one of before must never stand beside shards that it is not of
    List<Path> written = new ArrayList<>();
    shards.forEach(shard -> written.add(shard.file.target()));
    written.add(index.target());
    return written;
  }

  /** A digest of all that determines the shards. */
  private static String identity(ModelManifest manifest, List<List<Weight>> parts) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e); // every JDK has it
    }
    parts.forEach(part -> digest.update(layout(manifest, part, null).header()));
    return HexFormat.of().formatHex(digest.digest(), 0, IDENTITY_BYTES);
  }

  private static SafetensorsLayout layout(
      ModelManifest manifest, List<Weight> weights, String identity) {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put("format", "pt"); // loaders of PyTorch models ask for it
    metadata.put("weft.model", manifest.name());
    for (Weight weight : weights) {
      Receipt receipt = weight.draw.receipt().orElseThrow();
      metadata.put(SafetensorsFile.RECEIPT_KEY + weight.name, receipt.toJson());
    }
    if (identity != null) {
      metadata.put(SafetensorsFile.SET_KEY, identity);
    }
    return SafetensorsLayout.of(weights.stream().map(Weight::entry).toList(), metadata);
  }

  /** Reserves the room of one file; its descriptor waits until it is filled. */
  private void begin(Path target, SafetensorsLayout layout, List<Weight> weights)
      throws IOException {
    AtomicFile file = files.begin(target, layout.byteSize());
    file.setAside();
    shards.add(new Shard(file, layout, weights));
  }

  private void fill() throws IOException {
    long tensors = 0;
    long bytes = 0;
    try (ChunkedFill chunks = new ChunkedFill(backend)) {
      for (Shard shard : shards) {
        shard.file.write(ByteBuffer.wrap(shard.layout.header()), 0);
        for (Weight weight : shard.weights) {
          long tensorsBefore = tensors;
          long bytesBefore = bytes;
          TensorWriter.put(
              backend,
              chunks,
              weight.draw,
              shard.file,
              shard.layout.offset(weight.name),
              done -> progress.update(tensorsBefore, bytesBefore + done));
          tensors++;
          bytes += weight.draw.byteSize();
          progress.update(tensors, bytes);
        }
        shard.file.finish();
      }
    }
  }
}
