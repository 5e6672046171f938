package dev.weft.interop;

import dev.weft.Backend;
import dev.weft.internal.Checks;
import dev.weft.random.RandomKey;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
 * last. A failure before that leaves nothing behind, and what existed as it was.
 *
 * @since 0.1
 */
public final class ModelWriter implements AutoCloseable {
  private static final String OP = "model";
  private static final String END = ".safetensors";
  private static final int MAX_SHARDS = 99_999;

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
  private final List<Shard> shards = new ArrayList<>();

  private ModelWriter(Backend backend, Progress progress) {
    this.backend = backend;
    this.progress = progress;
  }

  /**
   * Writes the model as one file.
   *
   * @throws IllegalArgumentException unless the name ends in {@code .safetensors}
   * @throws NoSpaceException if it does not fit
   * @throws IOException if it cannot be written
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
   * @throws NoSpaceException if they do not fit
   * @throws IOException if they cannot be written
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
    if (!name.endsWith(END)) {
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
    try (ModelWriter writer = new ModelWriter(backend, progress)) {
      String stem = name.substring(0, name.length() - END.length());
      for (int i = 0; i < parts.size(); i++) {
        String shard =
            parts.size() == 1
                ? name
                : String.format(Locale.ROOT, "%s-%05d-of-%05d%s", stem, i + 1, parts.size(), END);
        writer.begin(manifest, file.resolveSibling(shard), parts.get(i));
      }
      writer.fill();
      return writer.commit(file.resolveSibling(name + ".index.json"));
    }
  }

  /** Removes what was not committed. */
  @Override
  public void close() throws IOException {
    IOException failure = null;
    for (Shard shard : shards) {
      try {
        shard.file.close();
      } catch (IOException e) {
        failure = e;
      }
    }
    if (failure != null) {
      throw failure;
    }
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

  /** Lays out one file and reserves its room. */
  private void begin(ModelManifest manifest, Path file, List<Weight> weights) throws IOException {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put("format", "pt"); // loaders of PyTorch models ask for it
    metadata.put("weft.model", manifest.name());
    for (Weight weight : weights) {
      Receipt receipt = weight.draw.receipt().orElseThrow();
      metadata.put(SafetensorsFile.RECEIPT_KEY + weight.name, receipt.toJson());
    }
    SafetensorsLayout layout =
        SafetensorsLayout.of(weights.stream().map(Weight::entry).toList(), metadata);
    shards.add(new Shard(AtomicFile.create(file, layout.byteSize()), layout, weights));
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
      }
    }
  }

  /** Names the files. An index of before must never stand beside shards that it is not of. */
  private List<Path> commit(Path index) throws IOException {
    List<Path> written = new ArrayList<>();
    if (shards.size() == 1) {
      shards.getFirst().file.commit();
      written.add(shards.getFirst().file.target());
      return written;
    }
    Map<String, String> weightMap = new LinkedHashMap<>();
    long total = 0;
    for (Shard shard : shards) {
      for (Weight weight : shard.weights) {
        weightMap.put(weight.name, shard.file.target().getFileName().toString());
        total += weight.draw.byteSize();
      }
    }
    byte[] content = ShardedSafetensors.write(total, weightMap);
    try (AtomicFile last = AtomicFile.create(index, content.length)) {
      last.write(ByteBuffer.wrap(content), 0);
      if (Files.deleteIfExists(index)) {
        AtomicFile.force(index.toAbsolutePath().getParent());
      }
      for (Shard shard : shards) {
        shard.file.commit();
        written.add(shard.file.target());
      }
      last.commit();
      written.add(index);
    }
    return written;
  }
}
