package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.Weft;
import dev.weft.random.RandomKey;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole models: bytes by name alone, shards, atomicity. */
class ModelWriterTest {
  private static final RandomKey ROOT = RandomKey.of(11);
  private static final String MODEL =
      """
      {"name": "m", "layout": "torch", "dtype": "f32", "tensors": [
        {"name": "embed", "shape": [1201, 1100], "init": "normal:stddev=0.02"},
        {"name": "h.0.w", "shape": [64, 64], "init": "orthogonal"},
        {"name": "h.0.b", "shape": [3], "init": "zeros", "dtype": "bf16"},
        {"name": "h.1.w", "shape": [64, 64], "init": "he_uniform", "dtype": "f64"},
        {"name": "h.1.e", "shape": [0, 5], "init": "ones", "dtype": "f16"},
        {"name": "tied", "shape": [64, 64], "init": "orthogonal", "key": "h.0.w"}
      ]}
      """;
  private static Backend backend;

  @TempDir Path directory;

  @BeforeAll
  static void open() {
    backend = Weft.open("cpu");
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  @ParameterizedTest
  @ValueSource(longs = {Long.MAX_VALUE, 6_000_000, 40_000, 1})
  void everyTensorIsTheChildOfItsName(long shardBytes) throws IOException {
    ModelManifest manifest = ModelManifest.parse("test", MODEL);
    List<Long> seen = new ArrayList<>();
    List<Path> files =
        ModelWriter.write(
            backend,
            manifest,
            ROOT,
            directory.resolve("model.safetensors"),
            shardBytes,
            (tensors, bytes) -> seen.add(bytes));
    assertThat(seen).isSorted().last().isEqualTo(manifest.byteSize());
    int shards = shardBytes == Long.MAX_VALUE ? 1 : files.size() - 1;
    if (shards > 1) {
      assertThat(files.getFirst().getFileName().toString())
          .isEqualTo(String.format(Locale.ROOT, "model-00001-of-%05d.safetensors", shards));
      assertThat(files.getLast().getFileName().toString())
          .isEqualTo("model.safetensors.index.json");
    }
    assertThat(names(directory)).hasSize(files.size());
    try (TensorFile read = TensorFile.open(files.getLast())) {
      assertThat(read.tensors()).hasSize(manifest.tensors().size());
      for (ModelManifest.Entry entry : manifest.tensors()) {
        StoredTensor tensor = read.tensor(entry.name()).orElseThrow();
        assertThat(tensor.data().toArray(ValueLayout.JAVA_BYTE))
            .isEqualTo(bytes(entry.receipt(ROOT)));
        assertThat(tensor.data().address() % tensor.type().orElseThrow().byteSize()).isZero();
      }
      assertThat(
              read.tensor("tied")
                  .orElseThrow()
                  .data()
                  .mismatch(read.tensor("h.0.w").orElseThrow().data()))
          .isEqualTo(-1);
      assertThat(Verifier.verify(backend, read, Progress.NONE))
          .allMatch(v -> v.outcome() == Verification.Outcome.MATCH);
    }
  }

  /** Whose digits are ٠ to ٩. */
  @Test
  void shardsHaveTheSameNamesInEveryLocale() throws IOException {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
    try {
      assertThat("%d".formatted(1)).isEqualTo("\u0661"); // a negative control
      Path file = directory.resolve("model.safetensors");
      ModelWriter.write(
          backend, ModelManifest.parse("test", MODEL), ROOT, file, 40_000, (tensors, bytes) -> {});
    } finally {
      Locale.setDefault(before);
    }
    assertThat(names(directory))
        .hasSizeGreaterThan(2)
        .contains("model.safetensors.index.json")
        .allMatch(name -> name.matches("model(-0000[0-9]-of-0000[0-9])?\\.safetensors(\\..*)?"));
  }

  @Test
  void verifierFindsOneFlippedBit() throws IOException {
    Path file = directory.resolve("model.safetensors");
    ModelWriter.write(backend, ModelManifest.parse("test", MODEL), ROOT, file, Progress.NONE);
    long element = 1_200_003; // in the second chunk
    long address;
    try (TensorFile read = TensorFile.open(file)) {
      StoredTensor embed = read.tensor("embed").orElseThrow();
      address = Files.size(file);
      for (StoredTensor tensor : read.tensors().reversed()) {
        address -= tensor.data().byteSize();
        if (tensor.name().equals(embed.name())) {
          break;
        }
      }
    }
    try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
      raw.seek(address + 4 * element + 3);
      int b = raw.read();
      raw.seek(address + 4 * element + 3);
      raw.write(b ^ 1);
    }
    try (TensorFile read = TensorFile.open(file)) {
      assertThat(Verifier.verify(backend, read, Progress.NONE))
          .filteredOn(v -> v.outcome() != Verification.Outcome.MATCH)
          .singleElement()
          .satisfies(
              v -> {
                assertThat(v.tensor()).isEqualTo("embed");
                assertThat(v.outcome()).isEqualTo(Verification.Outcome.DIFFERENT);
                assertThat(v.element()).isEqualTo(element);
                assertThat(v.detail()).contains("element 1200003", "0x");
              });
    }
  }

  @Test
  void aFailedFillLeavesNothingAndKeepsWhatWas() throws IOException {
    Path index = Files.writeString(directory.resolve("model.safetensors.index.json"), "old");
    Backend closed = Weft.open("cpu");
    closed.close();
    assertThatThrownBy(
            () ->
                ModelWriter.write(
                    closed,
                    ModelManifest.parse("test", MODEL),
                    ROOT,
                    directory.resolve("model.safetensors"),
                    40_000,
                    Progress.NONE))
        .isInstanceOf(dev.weft.ClosedException.class);
    assertThat(names(directory)).containsExactly("model.safetensors.index.json");
    assertThat(index).hasContent("old");
  }

  @Test
  void badArgumentsAreNamed() throws IOException {
    ModelManifest manifest = ModelManifest.parse("test", MODEL);
    assertThatThrownBy(
            () ->
                ModelWriter.write(
                    backend, manifest, ROOT, directory.resolve("a.bin"), Progress.NONE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a.bin");
    assertThatThrownBy(
            () ->
                ModelWriter.write(
                    backend, manifest, ROOT, directory.resolve("a.safetensors"), 0, Progress.NONE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("shardBytes=0");
    assertThat(names(directory)).isEmpty();
  }

  static List<String> names(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  private static byte[] bytes(Receipt receipt) {
    try (var tensor = backend.tensor(receipt.dtype(), receipt.region().shape())) {
      tensor.fill(receipt.fill(), receipt.key());
      return tensor.segment().toArray(ValueLayout.JAVA_BYTE);
    }
  }
}
