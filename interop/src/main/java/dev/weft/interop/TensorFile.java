package dev.weft.interop;

import dev.weft.internal.Checks;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An open file of tensors, mapped read-only: nothing is copied, and a tensor may pass 2 GiB.
 * Closing it ends the use of its tensors' data. The file must not shrink while it is open.
 *
 * @since 0.1
 */
public sealed interface TensorFile extends AutoCloseable
    permits NpyFile, SafetensorsFile, ShardedSafetensors {

  /**
   * Opens {@code .npy}, {@code .safetensors} or {@code .safetensors.index.json} by its name.
   *
   * @throws FormatException if the content is malformed or hostile
   * @throws IOException if the name has none of these endings, or the file cannot be read
   */
  static TensorFile open(Path file) throws IOException {
    String name = String.valueOf(file.getFileName());
    if (name.endsWith(".npy")) {
      return NpyFile.open(file);
    }
    if (name.endsWith(".safetensors")) {
      return SafetensorsFile.open(file);
    }
    if (name.endsWith(".safetensors.index.json")) {
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
