package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.testkit.FaultyBackend;
import dev.weft.testkit.FaultyBackend.Operation;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Whatever call of the engine fails while a file is written, read or checked, or memory is shared:
 * memory counts and files are as they were before, and the same work succeeds afterwards.
 */
class FileFaultsTest {
  private static final RandomKey KEY = RandomKey.of(3);
  private static final String MODEL =
      """
      {"name": "m", "layout": "torch", "dtype": "f32", "tensors": [
        {"name": "a", "shape": [20, 3], "init": "he_normal"},
        {"name": "b", "shape": [8, 8], "init": "orthogonal"},
        {"name": "c", "shape": [3], "init": "zeros", "dtype": "bf16"}
      ]}
      """;

  @TempDir Path directory;

  /** What may fail. */
  enum Work {
    SAVE,
    LOAD,
    WRITE_NPY,
    WRITE_SAFETENSORS,
    WRITE_BIN,
    WRITE_ORTHOGONAL,
    WRITE_SHARDS,
    STREAM,
    VERIFY,
    EXPORT_AND_IMPORT
  }

  @ParameterizedTest
  @EnumSource
  void everyCallMayFail(Work work) throws Exception {
    try (Backend other = Weft.open("scalar")) {
      write(other, "normal", "given.safetensors");
    }
    Operation operation =
        backend -> {
          Map<String, String> before = files();
          try {
            run(work, backend);
          } catch (Throwable e) {
            assertThat(files()).isEqualTo(before);
            throw e;
          }
        };
    BackendOptions options = BackendOptions.DEFAULT.withThreads(2);
    try (FaultyBackend faulty = FaultyBackend.over(Weft.open("scalar", options))) {
      faulty.requireNothingLeft(operation);
    }
  }

  private void run(Work work, Backend backend) throws IOException {
    switch (work) {
      case SAVE -> {
        try (Tensor a = filled(backend);
            Tensor b = filled(backend)) {
          WeightsFile.save(
              directory.resolve("saved.safetensors"), Map.of("a", a, "b", b), Map.of("k", "v"));
        }
      }
      case LOAD -> {
        try (Tensor a = filled(backend)) {
          WeightsFile.load(directory.resolve("given.safetensors"), Map.of("a", a));
        }
      }
      case WRITE_NPY -> write(backend, "normal", "out.npy");
      case WRITE_SAFETENSORS -> write(backend, "sparse", "out.safetensors");
      case WRITE_BIN -> write(backend, "bits", "out.bin");
      case WRITE_ORTHOGONAL -> write(backend, "orthogonal", "out.npy");
      case WRITE_SHARDS ->
          ModelWriter.write(
              backend,
              ModelManifest.parse("test", MODEL),
              KEY,
              directory.resolve("model.safetensors"),
              100,
              Progress.NONE);
      case STREAM ->
          TensorStream.of(backend, receipt("uniform"))
              .writeTo(Channels.newChannel(new ByteArrayOutputStream()), Progress.NONE);
      case VERIFY -> {
        try (TensorFile file = TensorFile.open(directory.resolve("given.safetensors"))) {
          List<Verification> verdicts = Verifier.verify(backend, file, Progress.NONE);
          assertThat(verdicts.getFirst().outcome()).isEqualTo(Verification.Outcome.MATCH);
        }
      }
      case EXPORT_AND_IMPORT -> {
        try (Tensor a = filled(backend)) {
          long struct = Dlpack.exportTensor(a, Dlpack.Form.VERSIONED);
          Tensor imported;
          try {
            imported = Dlpack.importTensor(backend, struct, Dlpack.Form.VERSIONED);
          } catch (RuntimeException | Error e) {
            DlpackExports.delete(struct); // where an exception is thrown it stays the caller's
            throw e;
          }
          imported.close();
        }
      }
    }
  }

  private void write(Backend backend, String spec, String file) throws IOException {
    TensorWriter.write(backend, receipt(spec), "a", directory.resolve(file), Progress.NONE);
  }

  private static Receipt receipt(String spec) {
    Region region = Region.of(Shape.of(6, 5));
    return Receipt.of(InitializerSpec.parse(spec), Layout.KERAS, DType.F32, region, KEY);
  }

  private static Tensor filled(Backend backend) {
    Tensor tensor = backend.tensor(DType.F32, Shape.of(6, 5));
    try {
      tensor.fill(Fill.constant(2), KEY);
      return tensor;
    } catch (RuntimeException | Error e) {
      tensor.close();
      throw e;
    }
  }

  /** The files of the directory, with their bytes. */
  private Map<String, String> files() throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (var list = Files.list(directory)) {
      for (Path file : list.toList()) {
        files.put(
            file.getFileName().toString(), HexFormat.of().formatHex(Files.readAllBytes(file)));
      }
    }
    return files;
  }
}
