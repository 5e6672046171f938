package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.testkit.Availability;
import dev.weft.testkit.Programs;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole or not at all: failures, kills and full disks. */
class AtomicFileTest {
  private static final long MIB = 1 << 20;

  @TempDir Path directory;

  @Test
  void nothingIsThereBeforeTheCommit() throws IOException {
    Path target = Files.writeString(directory.resolve("a.bin"), "old");
    try (AtomicFile file = AtomicFile.create(target, 4)) {
      file.write(ByteBuffer.wrap(new byte[] {1, 2, 3, 4}), 0);
      assertThat(target).hasContent("old");
      assertThat(names())
          .hasSize(3)
          .contains("a.bin", ".a.bin.lock")
          .anyMatch(name -> name.matches("\\.a\\.bin\\.\\d+\\.\\d+\\.tmp"));
      file.commit();
    }
    assertThat(target).hasBinaryContent(new byte[] {1, 2, 3, 4});
    assertThat(names()).containsExactly("a.bin");
  }

  @Test
  void closeWithoutCommitLeavesNothing() throws IOException {
    AtomicFile.create(directory.resolve("a.bin"), MIB).close();
    try (AtomicFile file = AtomicFile.create(directory.resolve("b.bin"), MIB)) {
      file.map(0, MIB).fill((byte) 7);
    }
    assertThat(names()).isEmpty();
  }

  @Test
  void mappingsAndWritesMeetInTheFile() throws IOException {
    Path target = directory.resolve(longName());
    try (AtomicFile file = AtomicFile.create(target, 3 * MIB)) {
      file.write(ByteBuffer.allocate(64), 0);
      file.map(65, 3 * MIB - 65).fill((byte) 9);
      file.write(ByteBuffer.wrap(new byte[] {1}), 64);
      file.commit();
    }
    byte[] bytes = Files.readAllBytes(target);
    assertThat(bytes).hasSize((int) (3 * MIB)).startsWith(new byte[64]).endsWith((byte) 9);
    assertThat(bytes[64]).isEqualTo((byte) 1);
    assertThat(bytes[65]).isEqualTo((byte) 9);
  }

  /** As long as one may be, and not ASCII where names here may have such letters. */
  private static String longName() {
    String name = "ä".repeat(100) + ".bin";
    try {
      Path.of(name);
      return name;
    } catch (InvalidPathException inThisLocale) { // C has ASCII alone
      return "ae".repeat(100) + ".bin";
    }
  }

  @Test
  void badTargetsAreNamed() throws IOException {
    Path link = Files.createSymbolicLink(directory.resolve("link.bin"), directory.resolve("x"));
    Path folder = Files.createDirectory(directory.resolve("folder.bin"));
    refuse(link, "symbolic link");
    refuse(folder, "kind=directory");
    refuse(directory.resolve("missing").resolve("a.bin"), "directory that exists");
    refuse(link.resolve("a.bin"), "directory that exists");
    refuse(Path.of("/"), "file name");
    refuse(Path.of(""), "file name");
    if (Files.exists(Path.of("/dev/null"))) {
      refuse(Path.of("/dev/null"), "special file");
    }
    if (Files.isDirectory(Path.of("/proc/self"))) {
      refuse(Path.of("/proc/self/a.bin"), "can be created");
    }
    assertThat(names()).containsExactlyInAnyOrder("link.bin", "folder.bin");
  }

  @Test
  void aReceiptNeverStandsBesideOtherData() throws IOException {
    Path file = directory.resolve("a.npy");
    Region region = Region.of(Shape.of(8));
    try (Backend backend = Weft.open("cpu")) {
      TensorWriter.write(
          backend,
          Receipt.of(
              InitializerSpec.parse("normal"), Layout.KERAS, DType.F32, region, RandomKey.of(1)),
          "w",
          file,
          Progress.NONE);
      assertThat(names()).containsExactlyInAnyOrder("a.npy", "a.npy.json");
      Fill fill = Fill.custom((index, word) -> index);
      TensorWriter.write(
          backend, fill, RandomKey.of(1), DType.F32, region, "w", file, Progress.NONE);
      assertThat(names()).containsExactly("a.npy");
      try (NpyFile npy = NpyFile.open(file)) {
        assertThat(npy.tensor().get(5)).isEqualTo(5);
        assertThat(Verifier.verify(backend, npy, Progress.NONE))
            .singleElement()
            .returns(Verification.Outcome.NO_RECEIPT, Verification::outcome);
      }
      assertThatThrownBy(
              () ->
                  TensorWriter.write(
                      backend,
                      fill,
                      RandomKey.of(1),
                      DType.BF16,
                      region,
                      "w",
                      directory.resolve("b.npy"),
                      Progress.NONE))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(".safetensors");
      assertThatThrownBy(
              () ->
                  TensorWriter.write(
                      backend,
                      Fill.custom(
                          (index, word) -> {
                            throw new IllegalStateException("mine");
                          }),
                      RandomKey.of(1),
                      DType.F32,
                      Region.of(Shape.of(5_000_000)),
                      "w",
                      directory.resolve("b.npy"),
                      Progress.NONE))
          .hasMessageContaining("mine");
    }
    assertThat(names()).containsExactly("a.npy");
  }

  @Test
  void aFullStreamIsAnIOException() throws IOException {
    Availability.need("full", Files.exists(Path.of("/dev/full")), () -> "no /dev/full");
    Receipt receipt =
        Receipt.of(
            InitializerSpec.parse("uniform"),
            Layout.KERAS,
            DType.F32,
            Region.of(Shape.of(5_000_000)),
            RandomKey.of(1));
    try (Backend backend = Weft.open("cpu");
        FileChannel full = FileChannel.open(Path.of("/dev/full"), StandardOpenOption.WRITE)) {
      assertThatThrownBy(() -> TensorStream.of(backend, receipt).writeTo(full, Progress.NONE))
          .isInstanceOf(IOException.class);
    }
  }

  /** With and without native access: by reservation, by zeros before a mapping, by write. */
  @ParameterizedTest
  @ValueSource(strings = {"ALL-UNNAMED", "java.base"})
  void aFullDiskIsNamedAndLeavesNothing(String nativeAccess) throws Exception {
    Path disk = Files.createDirectory(directory.resolve("disk"));
    Programs.Result mounted =
        Programs.run(List.of("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", disk.toString()));
    Availability.need("mount", mounted.ok(), () -> "no tmpfs is mounted: " + mounted.lastLine());
    try {
      Programs.Result child = Programs.run(java(nativeAccess, FullDisk.class, disk.toString()));
      assertThat(child.status()).as(child.output()).isZero();
    } finally {
      assertThat(Programs.run(List.of("umount", disk.toString())).ok()).isTrue();
    }
  }

  @Test
  void aKilledWriterLeavesNoFile() throws Exception {
    Process child =
        new ProcessBuilder(java("ALL-UNNAMED", SlowWriter.class, directory.toString()))
            .redirectErrorStream(true)
            .start();
    try (var lines = child.inputReader()) {
      String line;
      do {
        line = lines.readLine();
      } while (line != null && !line.equals("half"));
      assertThat(line).isEqualTo("half");
      // Another process is writing the model.
      assertThatThrownBy(() -> AtomicFile.create(directory.resolve("model.safetensors"), 1))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("need no other writer of the file");
    } finally {
      child.destroyForcibly();
    }
    assertThat(child.waitFor(5, TimeUnit.MINUTES)).isTrue();
    assertThat(child.exitValue()).isEqualTo(128 + 9);
    assertThat(names())
        .allMatch(
            name -> name.matches("(\\.model\\.safetensors\\.(lock|.*\\.tmp))|model\\.safetensors"));
    assertThat(names()).hasSize(5); // the old file, the lock, and what two shards and an index were
    assertThat(directory.resolve("model.safetensors")).hasContent("old");
    Path other = Files.writeString(directory.resolve(".model.safetensors2.1.1.tmp"), "another's");
    AtomicFile.write(directory.resolve("model.safetensors"), new byte[1]); // takes over
    assertThat(names()).containsExactlyInAnyOrder("model.safetensors", other.getFileName() + "");
  }

  @Test
  void anEndedWriterLeavesNothing() throws Exception {
    Process child =
        new ProcessBuilder(java("ALL-UNNAMED", SlowWriter.class, directory.toString()))
            .redirectErrorStream(true)
            .start();
    try (var lines = child.inputReader()) {
      assertThat(lines.lines().anyMatch(line -> line.equals("half"))).isTrue();
      child.destroy();
      assertThat(child.waitFor(5, TimeUnit.MINUTES)).isTrue();
    }
    assertThat(names()).containsExactly("model.safetensors");
  }

  /** Writes a model in two shards, and stops in the second. */
  static final class SlowWriter {
    public static void main(String[] args) throws Exception {
      Path target = Files.writeString(Path.of(args[0], "model.safetensors"), "old");
      ModelManifest manifest =
          ModelManifest.parse(
              "test",
              """
              {"name": "m", "layout": "torch", "dtype": "f32", "tensors": [
                {"name": "a", "shape": [1000], "init": "normal"},
                {"name": "b", "shape": [4000000], "init": "normal"}]}
              """);
      try (Backend backend = Weft.open("scalar")) {
        ModelWriter.write(
            backend,
            manifest,
            RandomKey.of(1),
            target,
            4000,
            (tensors, bytes) -> {
              if (bytes > 4000) {
                System.out.println("half");
                System.out.flush();
                try {
                  Thread.sleep(60_000);
                } catch (InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              }
            });
      }
    }
  }

  /** Tries what does not fit on a disk of 6 MiB, in every way of writing. */
  static final class FullDisk {
    public static void main(String[] args) throws Exception {
      Path disk = Path.of(args[0]);
      try (Backend backend = Weft.open("scalar")) {
        for (String init : List.of("uniform", "orthogonal")) {
          for (String end : List.of("npy", "safetensors", "bin")) {
            Receipt receipt =
                Receipt.of(
                    InitializerSpec.parse(init),
                    Layout.KERAS,
                    DType.F64,
                    Region.of(Shape.of(1 << 20, 1)),
                    RandomKey.of(1));
            assertThatThrownBy(
                    () ->
                        TensorWriter.write(
                            backend, receipt, "w", disk.resolve("a." + end), Progress.NONE))
                .isInstanceOfSatisfying(
                    NoSpaceException.class,
                    e -> {
                      assertThat(e.neededBytes()).isBetween(8 * MIB, 8 * MIB + 2000);
                      assertThat(e.availableBytes()).isBetween(5 * MIB, 6 * MIB);
                      assertThat(e).hasMessageContaining("a." + end);
                    });
            try (Stream<Path> files = Files.list(disk)) {
              assertThat(files).isEmpty();
            }
          }
        }
        // The data fit to the last byte, and their receipt does not.
        Receipt receipt =
            Receipt.of(
                InitializerSpec.parse("uniform"),
                Layout.KERAS,
                DType.F32,
                Region.of(Shape.of((6 * MIB - 128) / 4)),
                RandomKey.of(1));
        assertThatThrownBy(
                () ->
                    TensorWriter.write(backend, receipt, "w", disk.resolve("a.npy"), Progress.NONE))
            .isInstanceOf(NoSpaceException.class)
            .hasMessageContaining(
                AtomicFile.class.getModule().isNativeAccessEnabled()
                    ? "a.npy.json"
                    : "a.npy"); // not reserved: then the receipt comes first
        try (Stream<Path> files = Files.list(disk)) {
          assertThat(files).isEmpty();
        }
        TensorWriter.write(backend, receipt, "w", disk.resolve("a.bin"), Progress.NONE);
      }
    }
  }

  private void refuse(Path target, String rule) {
    assertThatThrownBy(() -> AtomicFile.create(target, 1))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("write: need ")
        .hasMessageContaining(rule)
        .hasMessageContaining("file=" + target);
  }

  private List<String> names() throws IOException {
    return ModelWriterTest.names(directory);
  }

  static List<String> java(String nativeAccess, Class<?> main, String... args) {
    List<String> command =
        new java.util.ArrayList<>(
            List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Xmx512m",
                "--enable-native-access=" + nativeAccess,
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                main.getName()));
    command.addAll(List.of(args));
    return command;
  }
}
