package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.testkit.Availability;
import dev.weft.testkit.Programs;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that others shorten, replace or write while they are read. */
class ShortenedFileTest {
  private static final String SHORTER = "became shorter while it was read";
  private static final int COUNT = 200_000; // 800 kB: pages and blocks beyond the cut
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
  @ValueSource(strings = {"w.npy", "w.safetensors"})
  void readingEndsWithOneError(String name) throws IOException {
    Path file = write(directory.resolve(name));
    long byteSize = Files.size(file);
    try (TensorFile opened = TensorFile.open(file)) {
      StoredTensor tensor = opened.tensors().getFirst();
      assertThat(tensor.get(COUNT - 1)).isFinite();
      shorten(file, 300_000);
      assertThat(tensor.get(0)).isFinite(); // what is still there is read
      double[] all = new double[COUNT];
      assertThatThrownBy(() -> tensor.read(0, all))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContaining(SHORTER);
      assertThatThrownBy(() -> tensor.get(COUNT / 2))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContaining(SHORTER);
      assertThatThrownBy(() -> tensor.readBytes(4L * COUNT - 4, MemorySegment.ofArray(new byte[4])))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(SHORTER)
          .hasMessageContaining("file=" + file)
          .hasMessageContaining("needed=" + byteSize);
      assertThatThrownBy(tensor::data)
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContaining(SHORTER);
      assertThatThrownBy(() -> Verifier.verify(backend, opened, Progress.NONE))
          .isExactlyInstanceOf(IOException.class)
          .hasMessageContaining(SHORTER);
    }
  }

  @Test
  void weightsThatBecomeShorterAreNotLoaded() throws IOException {
    Path file = directory.resolve("w.safetensors");
    try (Tensor weights = backend.tensor(DType.F32, Shape.of(COUNT))) {
      WeightsFile.save(file, Map.of("w", weights), Map.of());
      byte[] bytes = Files.readAllBytes(file);
      assertThat(WeightsFile.load(file, Map.of("w", weights))).isEmpty();
      Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length - 1));
      assertThatThrownBy(() -> WeightsFile.load(file, Map.of("w", weights)))
          .isInstanceOf(FormatException.class);
    }
  }

  /** One of many shards is open at a time; another file of its name is not taken for it. */
  @Test
  void aShardThatIsReplacedIsRefused() throws IOException {
    ModelManifest manifest =
        ModelManifest.parse(
            "test",
            """
            {"name": "m", "layout": "keras", "dtype": "f32", "tensors": [
              {"name": "a", "shape": [100000], "init": "normal"},
              {"name": "b", "shape": [100000], "init": "normal"}]}
            """);
    Path target = directory.resolve("m.safetensors");
    List<Path> files =
        ModelWriter.write(backend, manifest, RandomKey.of(1), target, 400_000, Progress.NONE);
    try (TensorFile opened = TensorFile.open(files.getLast())) {
      StoredTensor a = opened.tensor("a").orElseThrow();
      StoredTensor b = opened.tensor("b").orElseThrow();
      double first = a.get(0);
      assertThat(b.get(0)).isNotEqualTo(first);
      assertThat(a.get(99_999)).isFinite(); // opened again
      Path copy = Files.copy(files.getFirst(), directory.resolve("copy"));
      assertThat(b.get(99_999)).isFinite();
      Files.move(copy, files.getFirst(), StandardCopyOption.REPLACE_EXISTING);
      assertThatThrownBy(() -> a.get(0))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContaining("another has its name");
      assertThat(b.get(0)).isFinite();
    }
  }

  @Test
  void oneShardIsOpenAtATime() throws IOException {
    Path descriptors = Path.of("/proc/self/fd");
    Availability.need("proc", Files.isDirectory(descriptors), () -> "there is no " + descriptors);
    StringBuilder json = new StringBuilder();
    for (int i = 0; i < 40; i++) {
      json.append(i == 0 ? "" : ",")
          .append("{\"name\": \"t" + i + "\", \"shape\": [10], \"init\": \"normal\"}");
    }
    ModelManifest manifest =
        ModelManifest.parse(
            "test",
            "{\"name\": \"m\", \"layout\": \"keras\", \"dtype\": \"f32\", \"tensors\": ["
                + json
                + "]}");
    Path target = directory.resolve("m.safetensors");
    List<Path> files =
        ModelWriter.write(backend, manifest, RandomKey.of(1), target, 40, Progress.NONE);
    assertThat(files).hasSize(41);
    try (TensorFile opened = TensorFile.open(files.getLast())) {
      assertThat(openShards(descriptors)).isLessThanOrEqualTo(1);
      for (StoredTensor tensor : opened.tensors()) {
        assertThat(tensor.get(3)).isFinite();
        assertThat(openShards(descriptors)).isLessThanOrEqualTo(1);
      }
    }
    assertThat(openShards(descriptors)).isZero();
  }

  private long openShards(Path descriptors) throws IOException {
    long count = 0;
    try (Stream<Path> all = Files.list(descriptors)) {
      for (Path each : all.toList()) {
        try {
          count += Files.readSymbolicLink(each).startsWith(directory) ? 1 : 0;
        } catch (IOException e) {
          // closed meanwhile: that of this listing
        }
      }
    }
    return count;
  }

  /** An interrupt ends the read of its own thread and of no other. */
  @Test
  void anInterruptedReaderLeavesTheFileToOthers() throws Exception {
    Path file = write(directory.resolve("w.npy"));
    try (NpyFile opened = NpyFile.open(file)) {
      Thread interrupted =
          Thread.ofPlatform()
              .start(
                  () -> {
                    Thread.currentThread().interrupt();
                    assertThatThrownBy(() -> opened.tensor().get(0))
                        .isInstanceOf(UncheckedIOException.class);
                  });
      interrupted.join();
      assertThat(opened.tensor().get(1)).isFinite();
    }
    NpyFile closed = NpyFile.open(file);
    closed.close();
    closed.close();
    assertThatThrownBy(() -> closed.tensor().get(0)).isInstanceOf(IllegalStateException.class);
  }

  /** In a JVM of its own, which a SIGBUS would end. */
  @Test
  void truncationAtAnyMomentIsAnErrorAndNoCrash() throws IOException {
    Programs.Result result =
        Programs.run(AtomicFileTest.java("ALL-UNNAMED", Truncations.class, directory.toString()));
    assertThat(result.status()).as(result.output()).isZero();
    assertThat(result.output()).contains("shortened");
  }

  /** Verifies and reads a file again and again that another thread shortens and restores. */
  static final class Truncations {
    public static void main(String[] args) throws Exception {
      Path file = write(Path.of(args[0], "w.npy"));
      byte[] whole = Files.readAllBytes(file);
      Thread other = Thread.ofPlatform().daemon().start(() -> disturb(file, whole));
      int shortened = 0;
      int undisturbed = 0;
      long end = System.nanoTime() + 700_000_000L;
      for (int i = 0; System.nanoTime() < end || shortened == 0 || undisturbed == 0; i++) {
        try (NpyFile opened = NpyFile.open(file)) {
          if (i % 2 == 0) {
            Verifier.verify(backend, opened, Progress.NONE);
          } else {
            opened.tensor().read(0, new double[COUNT]);
          }
          undisturbed++;
        } catch (IOException | UncheckedIOException e) {
          shortened++; // while it was read, or before it was opened
        }
      }
      System.out.println(
          "shortened " + shortened + ", whole " + undisturbed + " " + other.isAlive());
    }

    private static void disturb(Path file, byte[] whole) {
      Random random = new Random(1);
      try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
        while (true) {
          raw.setLength(random.nextInt(whole.length));
          Thread.sleep(random.nextInt(2));
          raw.seek(0);
          raw.write(whole);
          Thread.sleep(random.nextInt(3));
        }
      } catch (IOException | InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /**
   * A writer's own temporary file, cut by somebody else while it is filled; in a JVM of its own.
   */
  @Test
  void aTemporaryFileThatIsShortenedIsOneErrorAndNoFile() throws IOException {
    Programs.Result result =
        Programs.run(AtomicFileTest.java("ALL-UNNAMED", CutWriter.class, directory.toString()));
    assertThat(result.status()).as(result.output()).isZero();
    try (Stream<Path> left = Files.list(directory)) {
      assertThat(left).isEmpty();
    }
  }

  /** Writes a tensor in three steps, and cuts the file after the first. */
  static final class CutWriter {
    public static void main(String[] args) {
      Path directory = Path.of(args[0]);
      open();
      assertThatThrownBy(
              () ->
                  TensorWriter.write(
                      backend,
                      receipt(40_000_000),
                      "w",
                      directory.resolve("w.npy"),
                      (tensors, bytes) -> shortenTemporary(directory)))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("became shorter while it was written");
    }
  }

  private static void shortenTemporary(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      for (Path each : files.filter(it -> it.toString().endsWith(".tmp")).toList()) {
        shorten(each, 4096);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void copiesInMemoryAndMappingsHaveTheSameBytes() throws IOException {
    Path file = write(directory.resolve("w.npy"));
    try (NpyFile opened = NpyFile.open(file);
        Arena arena = Arena.ofShared()) {
      StoredTensor tensor = opened.tensor();
      MemorySegment read = arena.allocate(tensor.byteSize(), 8);
      tensor.readBytes(0, read);
      assertThat(read.mismatch(tensor.data())).isEqualTo(-1);
      float[] floats = new float[3];
      tensor.readBytes(400_000, MemorySegment.ofArray(floats));
      for (int i = 0; i < 3; i++) {
        assertThat(floats[i]).isEqualTo(read.get(ValueLayout.JAVA_FLOAT, 400_000 + 4 * i));
        assertThat(tensor.get(100_000 + i)).isEqualTo(floats[i]);
      }
      assertThatThrownBy(() -> tensor.readBytes(2, MemorySegment.ofArray(floats)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("whole elements");
      assertThatThrownBy(() -> tensor.readBytes(4L * COUNT, MemorySegment.ofArray(floats)))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> tensor.readBytes(0, tensor.data().asSlice(0, 4)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("writable");
    }
  }

  private static Receipt receipt(long count) {
    return Receipt.of(
        InitializerSpec.parse("uniform"),
        Layout.KERAS,
        DType.F32,
        Region.of(Shape.of(count)),
        RandomKey.of(1));
  }

  private static Path write(Path file) throws IOException {
    if (backend == null) {
      open();
    }
    TensorWriter.write(backend, receipt(COUNT), "w", file, Progress.NONE);
    return file;
  }

  private static void shorten(Path file, long bytes) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(bytes);
    }
  }
}
