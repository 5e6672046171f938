package dev.weft.interop;

import dev.weft.internal.Checks;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An open file of tensors, which are read when they are asked for: a tensor may pass 2 GiB. Closing
 * it ends the use of its tensors. A file that others shorten or replace meanwhile ends reading with
 * an exception that says so; {@link StoredTensor#data} says what becomes of a mapping.
 *
 * @since 0.1
 */
public sealed interface TensorFile extends AutoCloseable
    permits NpyFile, SafetensorsFile, ShardedSafetensors {

  /**
   * Opens {@code .npy}, {@code .safetensors} or {@code .safetensors.index.json} by its name, in
   * letters of any case.
   *
   * @throws FormatException if the content is malformed or hostile
   * @throws IOException if the name has none of these endings, or the file cannot be read
   */
  static TensorFile open(Path file) throws IOException {
    String name = String.valueOf(file.getFileName());
    if (Texts.endsWith(name, ".npy")) {
      return NpyFile.open(file);
    }
    if (Texts.endsWith(name, ".safetensors")) {
      return SafetensorsFile.open(file);
    }
    if (Texts.endsWith(name, ".safetensors.index.json")) {
      return ShardedSafetensors.open(file);
    }
    throw new IOException(
        Checks.message(
            "open",
            "need a file that ends in .npy, .safetensors or .safetensors.index.json",
            "file",
            file));
  }

  /** Where it is. */
  Path path();

  /** Its tensors, in the order of the data. */
  List<StoredTensor> tensors();

  /** The tensor called {@code name}. */
  Optional<StoredTensor> tensor(String name);

  /** What in the file is not as it should be and changes no tensor, each in one line. */
  default List<String> warnings() {
    return List.of();
  }

  /** Free texts of the file; empty for {@code .npy}. */
  Map<String, String> metadata();

  /**
   * The receipt of the tensor called {@code name}, or empty if the file has none.
   *
   * @throws FormatException if there is one and it is malformed
   */
  Optional<Receipt> receipt(String name) throws IOException;

  @Override
  void close();
}
