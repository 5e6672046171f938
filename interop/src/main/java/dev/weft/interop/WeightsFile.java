package dev.weft.interop;

import dev.weft.ClosedException;
import dev.weft.Tensor;
import dev.weft.internal.Access;
import dev.weft.internal.Checks;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * The weights of a model in one {@code .safetensors} file, a tensor under each name, wherever its
 * memory is.
 *
 * <pre>{@code
 * WeightsFile.save(file, mlp.parameters(), Map.of("author", "me"));
 * WeightsFile.load(file, other.parameters()); // of the same shapes and types
 * }</pre>
 *
 * <p>The bytes of a file depend on names, order, types, shapes, elements and metadata alone.
 *
 * @since 0.1
 */
public final class WeightsFile {
  private static final String OP = "weights";
  private static final String END = ".safetensors";
  private static final long CHUNK_BYTES = 4 << 20;

  private WeightsFile() {}

  /**
   * Writes the tensors, each in its own type and those of one element size in the map's order; the
   * file is atomic as {@link AtomicFile} says.
   *
   * @param metadata texts, for {@link SafetensorsFile#metadata}
   * @throws IllegalArgumentException {@code weights: need a name that ends in .safetensors, got …},
   *     or if a tensor's name is {@code __metadata__}
   * @throws ClosedException if a tensor is closed
   * @throws NoSpaceException if the file does not fit
   * @throws IOException if it cannot be written; then it is as it was before
   */
  public static void save(Path file, Map<String, Tensor> tensors, Map<String, String> metadata)
      throws IOException {
    if (!Texts.endsWith(file, END)) {
      throw Checks.bad(OP, "need a name that ends in " + END, "file", file);
    }
    List<SafetensorsLayout.Entry> entries = new ArrayList<>();
    tensors.forEach(
        (name, tensor) ->
            entries.add(new SafetensorsLayout.Entry(name, type(tensor), tensor.shape())));
    SafetensorsLayout layout = SafetensorsLayout.inOrder(entries, metadata);
    withOpen(
        tensors.values(),
        () -> {
          try (AtomicFile out = AtomicFile.create(file, layout.byteSize())) {
            MemorySegment bytes = out.map(0, layout.byteSize());
            try {
              bytes.copyFrom(MemorySegment.ofArray(layout.header()));
              tensors.forEach(
                  (name, tensor) ->
                      tensor.copyTo(bytes.asSlice(layout.offset(name), tensor.byteSize())));
            } catch (InternalError e) {
              throw out.shortened(e);
            }
            out.commit();
          }
        });
  }

  /**
   * Overwrites the tensors with those of a file. Names, shapes and types must be the same, in any
   * order; all of that is checked before the first byte is written.
   *
   * @return the file's metadata
   * @throws FormatException {@code weights: need …, got file=…} or as {@link SafetensorsFile#open};
   *     the tensors are then as they were
   * @throws ClosedException if a tensor is closed
   * @throws WrongThreadException if a tensor's memory belongs to another thread
   * @throws IOException if the file cannot be read; if it became shorter meanwhile, the tensors may
   *     hold some of it
   */
  public static Map<String, String> load(Path file, Map<String, Tensor> tensors)
      throws IOException {
    try (SafetensorsFile in = SafetensorsFile.open(file)) {
      requireNames(in, tensors);
      for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
        requireLike(file, in.tensor(entry.getKey()).orElseThrow(), entry.getValue());
      }
      withOpen(
          tensors.values(),
          () -> {
            for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
              copy(in.tensor(entry.getKey()).orElseThrow(), entry.getValue());
            }
          });
      return in.metadata();
    }
  }

  private static void copy(StoredTensor from, Tensor to) throws IOException {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment buffer = arena.allocate(Math.min(CHUNK_BYTES, from.byteSize()), Long.BYTES);
      for (long done = 0; done < from.byteSize(); done += CHUNK_BYTES) {
        MemorySegment part = buffer.asSlice(0, Math.min(CHUNK_BYTES, from.byteSize() - done));
        from.readBytes(done, part);
        to.copyFrom(done / to.dtype().byteSize(), part);
      }
    }
  }

  private static void requireNames(SafetensorsFile in, Map<String, Tensor> tensors)
      throws FormatException {
    TreeSet<String> missing = new TreeSet<>(tensors.keySet());
    TreeSet<String> extra = new TreeSet<>();
    for (StoredTensor stored : in.tensors()) {
      if (!missing.remove(stored.name())) {
        extra.add(stored.name());
      }
    }
    if (!missing.isEmpty() || !extra.isEmpty()) {
      throw new FormatException(
          OP,
          "need exactly the model's " + tensors.size() + " tensors",
          "file",
          in.path(),
          "missing",
          some(missing),
          "extra",
          some(extra));
    }
  }

  private static void requireLike(Path file, StoredTensor stored, Tensor tensor)
      throws FormatException {
    if (!stored.shape().equals(tensor.shape())) {
      throw new FormatException(
          OP,
          "need shape " + tensor.shape(),
          "file",
          file,
          "tensor",
          Texts.shorten(stored.name()),
          "shape",
          Texts.shorten(stored.shape().toString()));
    }
    if (stored.type().orElse(null) != type(tensor)) {
      throw new FormatException(
          OP,
          "need type " + type(tensor).safetensorsName(),
          "file",
          file,
          "tensor",
          Texts.shorten(stored.name()),
          "type",
          Texts.shorten(stored.typeName()));
    }
  }

  /** Something that is done with tensors none of which can be closed meanwhile. */
  private interface Copies {
    void run() throws IOException;
  }

  /** Runs {@code copies} if every tensor, and its memory, is open to this thread. */
  private static void withOpen(Collection<Tensor> tensors, Copies copies) throws IOException {
    List<Tensor> entered = new ArrayList<>();
    try {
      for (Tensor tensor : tensors) {
        Access.get().enter(tensor, OP);
        entered.add(tensor);
      }
      copies.run();
    } finally {
      entered.forEach(tensor -> Access.get().leave(tensor));
    }
  }

  private static ElementType type(Tensor tensor) {
    return ElementType.valueOf(tensor.dtype().name());
  }

  /** A few of the names, for a message. */
  private static String some(TreeSet<String> names) {
    StringBuilder text = new StringBuilder("[");
    int count = 0;
    for (String name : names) {
      if (count == 3) {
        text.append(", … ").append(names.size() - count).append(" more");
        break;
      }
      text.append(count++ == 0 ? "" : ", ").append(Texts.shorten(name));
    }
    return text.append(']').toString();
  }
}
