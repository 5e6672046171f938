package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.UnixOperatingSystemMXBean;
import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.MemoryLimitException;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Weft;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.testkit.Programs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that belong together: one writer, one identity, a swap that nothing cuts in two. */
class FileSetTest {
  private static final int TENSORS = 4;
  private static Backend backend;

  @TempDir Path directory;

  @BeforeAll
  static void open() {
    backend = Weft.open("scalar");
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  @Test
  void aSecondWriterOfANameIsRefused() throws IOException {
    Path file = directory.resolve("a.npy");
    try (AtomicFile first = AtomicFile.create(file, 1)) {
      refuseWriter(file);
      refuseWriter(directory.resolve("a.npy.json"));
      assertThatThrownBy(() -> writeNpy(file, 1)).hasMessageContaining("no other writer");
      AtomicFile.write(directory.resolve("b.npy"), new byte[1]); // another name is free
      first.write(ByteBuffer.allocate(1), 0);
      first.commit();
    }
    try (AtomicFile model = AtomicFile.create(directory.resolve("m.safetensors"), 1)) {
      refuseWriter(model.target());
      refuseWriter(directory.resolve("m-00001-of-00003.safetensors"));
      refuseWriter(directory.resolve("m.safetensors.index.json"));
      refuseWriter(directory.resolve("m.SAFETENSORS"));
      assertThatThrownBy(() -> writeModel(directory, 1)).hasMessageContaining("no other writer");
    }
    AtomicFile.write(directory.resolve("m.safetensors"), new byte[1]);
    assertThat(names()).containsExactlyInAnyOrder("a.npy", "b.npy", "m.safetensors");
  }

  @Test
  void aDirectoryHasOneLockUnderAllItsNames() throws IOException {
    Path real = Files.createDirectory(directory.resolve("real"));
    Path link = Files.createSymbolicLink(directory.resolve("link"), real);
    try (AtomicFile first = AtomicFile.create(real.resolve("a.bin"), 1)) {
      refuseWriter(first.target());
      refuseWriter(link.resolve("a.bin"));
    }
    AtomicFile.create(link.resolve("a.bin"), 1).close();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void ofTwoWritersOneWins(boolean model) throws Exception {
    List<String> seen = new ArrayList<>();
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try {
      for (int round = 0; round < 20; round++) {
        CyclicBarrier start = new CyclicBarrier(2);
        List<Future<?>> writers = new ArrayList<>();
        for (long seed = 1; seed <= 2; seed++) {
          long mine = seed;
          writers.add(
              threads.submit(
                  () -> {
                    start.await();
                    if (model) {
                      writeModel(directory, mine);
                    } else {
                      writeNpy(directory.resolve("w.npy"), mine);
                    }
                    return null;
                  }));
        }
        int refused = 0;
        for (Future<?> writer : writers) {
          try {
            writer.get();
          } catch (ExecutionException e) {
            assertThat(e.getCause()).hasMessageStartingWith("write: need no other writer");
            refused++;
          }
        }
        assertThat(refused).isLessThan(2);
        seen.add(state(model ? index(directory) : directory.resolve("w.npy")));
      }
    } finally {
      threads.shutdown();
    }
    assertThat(seen).containsAnyOf("[1]", "[2]").isSubsetOf("[1]", "[2]");
    assertThat(names()).noneMatch(name -> name.startsWith("."));
  }

  /** The writer dies before its first step, its second, and so on, as by kill −9. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aWriterThatIsKilledLeavesOneSetOrNone(boolean model) throws Exception {
    Path old = Files.createDirectory(directory.resolve("old"));
    write(model, old, 1);
    Set<String> seen = new TreeSet<>();
    int step = 0;
    for (boolean killed = true; killed; step++) {
      Path here = Files.createDirectory(directory.resolve("step" + step));
      for (String name : ModelWriterTest.names(old)) {
        Files.copy(old.resolve(name), here.resolve(name));
      }
      killed = writeAndKill(model, here, step);
      seen.add(state(result(model, here)));
      write(model, here, 3);
      assertThat(state(result(model, here))).isEqualTo("[3]");
      assertThat(ModelWriterTest.names(here))
          .containsExactlyInAnyOrderElementsOf(ModelWriterTest.names(old));
    }
    assertThat(step).isGreaterThan(10);
    assertThat(seen).containsExactlyInAnyOrder("[1]", "[2]", model ? "refused" : "[]");
  }

  /** True if the writer was killed before it ended. */
  private static boolean writeAndKill(boolean model, Path here, int last) throws IOException {
    AtomicInteger steps = new AtomicInteger();
    Temporaries.beforeStep =
        () -> {
          if (steps.getAndIncrement() >= last) {
            throw new Killed();
          }
        };
    try {
      write(model, here, 2);
      return false;
    } catch (Killed e) {
      return true;
    } finally {
      Temporaries.beforeStep = () -> {};
    }
  }

  private static final class Killed extends Error {
    private static final long serialVersionUID = 1;
  }

  /** Real processes: Ctrl-C leaves a whole set and nothing else, kill −9 what is told of it. */
  @Test
  void processesThatEndInTheSwapLeaveOneSetOrNone() throws Exception {
    // The last steps: remove the index, fsync, a rename a shard, fsync, rename, fsync, unlock.
    int swap = TENSORS + 6;
    List<String> ends =
        List.of("exit " + swap, "exit " + (swap - 4), "halt " + (swap - 4), "halt 2");
    List<Process> children = new ArrayList<>();
    for (String end : ends) {
      Path here = Files.createDirectory(directory.resolve(end));
      writeModel(here, 1);
      children.add(
          new ProcessBuilder(
                  AtomicFileTest.java("ALL-UNNAMED", EndingWriter.class, here.toString(), end))
              .redirectErrorStream(true)
              .redirectOutput(directory.resolve(end + ".log").toFile())
              .start());
    }
    List<String> states = List.of("[2]", "[2]", "refused", "[2]");
    for (int i = 0; i < ends.size(); i++) {
      Path here = directory.resolve(ends.get(i));
      int status = children.get(i).waitFor();
      String output = here + ": " + Files.readString(Path.of(here + ".log"));
      boolean halted = ends.get(i).startsWith("halt");
      assertThat(status).as(output).isEqualTo(halted ? 9 : 7);
      assertThat(state(index(here))).as(output).isEqualTo(states.get(i));
      if (halted) {
        assertThat(ModelWriterTest.names(here)).as(output).contains(".m.safetensors.lock");
        writeModel(here, 3); // takes over
        assertThat(state(index(here))).isEqualTo("[3]");
      }
      assertThat(ModelWriterTest.names(here)).as(output).hasSize(TENSORS + 1);
    }
  }

  /**
   * Writes a model in a process that ends meanwhile. Args: the directory; exit or halt, and how
   * many steps before the last.
   */
  static final class EndingWriter {
    public static void main(String[] args) throws Exception {
      Path here = Path.of(args[0]);
      String[] end = args[1].split(" ");
      AtomicInteger steps = new AtomicInteger();
      try (Backend own = Weft.open("scalar")) {
        Temporaries.beforeStep = steps::getAndIncrement;
        Path first = Files.createDirectory(here.resolveSibling(args[1] + " first"));
        Files.createFile(index(first)); // as there, one to be removed
        write(own, first);
        int last = steps.getAndSet(0) - Integer.parseInt(end[1]);
        Temporaries.beforeStep =
            () -> {
              if (steps.getAndIncrement() == last) {
                end(end[0].equals("halt"));
              }
            };
        write(own, here);
        Thread.sleep(60_000);
      }
    }

    private static void write(Backend own, Path here) throws IOException {
      ModelWriter.write(own, model(TENSORS), RandomKey.of(2), base(here), 1, Progress.NONE);
    }

    private static void end(boolean halt) {
      if (halt) {
        Runtime.getRuntime().halt(9);
      }
      new Thread(() -> System.exit(7)).start();
      try {
        Thread.sleep(100);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** What is begun while the process ends is refused or removed. */
  @Test
  void thousandsOfShardsLeaveNothingAtTheEndOfTheProcess() throws Exception {
    Programs.Result child =
        Programs.run(AtomicFileTest.java("ALL-UNNAMED", ManyShards.class, directory.toString()));
    assertThat(child.status()).as(child.output()).isEqualTo(7);
    assertThat(names()).as(child.output()).isEmpty();
  }

  /** Ends the process by itself while 2000 shards are begun. */
  static final class ManyShards {
    public static void main(String[] args) throws Exception {
      AtomicInteger steps = new AtomicInteger();
      Temporaries.beforeStep =
          () -> {
            if (steps.getAndIncrement() == 600) {
              new Thread(() -> System.exit(7)).start();
            }
          };
      try (Backend own = Weft.open("scalar")) {
        ModelWriter.write(
            own, model(2000), RandomKey.of(2), base(Path.of(args[0])), 1, Progress.NONE);
      }
    }
  }

  @Test
  void theHookIsThereWhileThereIsSomethingToRemove() throws IOException {
    assertThat(Temporaries.isWatched()).isFalse();
    try (AtomicFile file = AtomicFile.create(directory.resolve("a.bin"), 1)) {
      assertThat(file.target()).doesNotExist();
      assertThat(Temporaries.isWatched()).isTrue();
    }
    assertThat(Temporaries.isWatched()).isFalse();
    writeModel(directory, 1);
    assertThat(Temporaries.isWatched()).isFalse();
  }

  @Test
  void aMixtureOfSetsIsRefused() throws IOException {
    Path other = Files.createDirectory(directory.resolve("other"));
    writeModel(directory, 1);
    writeModel(other, 2);
    assertThat(state(index(directory))).isEqualTo("[1]"); // the control
    String shard = "m-00002-of-00004.safetensors";
    Path mine = directory.resolve(shard);
    byte[] kept = Files.readAllBytes(mine);
    Files.write(mine, Files.readAllBytes(other.resolve(shard)));
    String set = set(index(directory));
    assertThatThrownBy(() -> TensorFile.open(index(directory)))
        .isInstanceOf(FormatException.class)
        .hasMessageContainingAll(
            "need shards that were written with the index",
            "set=" + set,
            "shard=" + shard,
            "shardSet=" + set(index(other)));
    Files.write(mine, kept);
    assertThat(state(index(directory))).isEqualTo("[1]");
    String json = Files.readString(index(directory));
    Files.writeString(index(directory), json.replace(set, "0".repeat(32)));
    assertThat(state(index(directory))).isEqualTo("refused");
    // An index of another program names no set.
    Files.writeString(
        index(directory), json.replaceFirst(",\\s*\"weft.set\": \"" + set + "\"", ""));
    assertThat(Files.readString(index(directory))).doesNotContain("weft.set");
    assertThat(state(index(directory))).isEqualTo("[1]");
  }

  @Test
  void aSetIsNamedByTheHeadersOfItsShards() throws Exception {
    writeModel(directory, 1);
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    String set = set(index(directory));
    for (int i = 1; i <= TENSORS; i++) {
      byte[] bytes = Files.readAllBytes(directory.resolve("m-0000" + i + "-of-00004.safetensors"));
      int length = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
      String text = new String(bytes, 8, length, StandardCharsets.UTF_8).stripTrailing();
      assertThat(text).contains(",\"weft.set\":\"" + set + "\"");
      byte[] plain =
          text.replace(",\"weft.set\":\"" + set + "\"", "").getBytes(StandardCharsets.UTF_8);
      byte[] header = new byte[(plain.length + 8 + 63) / 64 * 64];
      Arrays.fill(header, (byte) ' ');
      ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length - 8).put(plain);
      digest.update(header);
    }
    assertThat(set).isEqualTo(HexFormat.of().formatHex(digest.digest(), 0, 16));
    Path again = Files.createDirectory(directory.resolve("again"));
    writeModel(again, 1);
    for (String name : ModelWriterTest.names(again)) {
      assertThat(again.resolve(name)).hasSameBinaryContentAs(directory.resolve(name));
    }
    writeModel(again, 2);
    assertThat(set(index(again))).isNotEqualTo(set);
  }

  @Test
  void filesKeepTheirMode() throws IOException {
    assumeTrue(
        Files.getFileStore(directory).supportsFileAttributeView("posix"), "needs modes of files");
    writeModel(directory, 1);
    writeNpy(directory.resolve("w.npy"), 1);
    List<String> modes = List.of("rw-------", "r--r-----", "rwxr-xr-x", "rw-rw-rw-");
    List<String> names = names();
    for (int i = 0; i < names.size(); i++) {
      setMode(names.get(i), modes.get(i % modes.size()));
    }
    writeModel(directory, 2);
    writeNpy(directory.resolve("w.npy"), 2);
    assertThat(names()).containsExactlyInAnyOrderElementsOf(names);
    for (int i = 0; i < names.size(); i++) {
      assertThat(mode(names.get(i))).as(names.get(i)).isEqualTo(modes.get(i % modes.size()));
    }
    assertThat(state(index(directory))).isEqualTo("[2]");
    setMode("w.npy", "rw-------");
    try (AtomicFile file = AtomicFile.create(directory.resolve("w.npy"), 1)) {
      assertThat(file.target()).exists();
      String temporary =
          names().stream().filter(name -> name.endsWith(".tmp")).findFirst().orElseThrow();
      assertThat(mode(temporary)).isEqualTo("rw-------"); // from its first byte on
    }
  }

  @Test
  void dataAndReceiptStandOrFallTogether() throws IOException {
    Path file = directory.resolve("w.npy");
    AtomicInteger step = new AtomicInteger();
    for (int failing = 0; failing < 100; failing++) {
      int last = failing;
      step.set(0);
      Temporaries.beforeStep =
          () -> {
            if (step.getAndIncrement() == last) {
              throw new UncheckedIOException(new IOException("no"));
            }
          };
      try {
        writeNpy(file, 1);
        assertThat(names()).containsExactlyInAnyOrder("w.npy", "w.npy.json");
        break;
      } catch (UncheckedIOException e) {
        Temporaries.beforeStep = () -> {};
        if (names().stream().noneMatch(name -> name.startsWith("."))) {
          // One half is never there; both are where it is the last fsync or the unlocking that
          // fails.
          assertThat(names()).isIn(List.of(), sorted("w.npy", "w.npy.json"));
        }
        for (String name : names()) {
          Files.delete(directory.resolve(name));
        }
      } finally {
        Temporaries.beforeStep = () -> {};
      }
    }
    assertThat(step.get()).isBetween(8, 50);
  }

  private static List<String> sorted(String... names) {
    return Arrays.stream(names).sorted().toList();
  }

  @Test
  void anInterruptEndsTheWriterBeforeTheSwapOrNotAtAll() throws IOException {
    Path old = Files.createDirectory(directory.resolve("old"));
    writeModel(old, 1);
    Set<String> seen = new TreeSet<>();
    boolean ended = false;
    for (int last = 0; !ended; last++) {
      Path here = Files.createDirectory(directory.resolve("step" + last));
      for (String name : ModelWriterTest.names(old)) {
        Files.copy(old.resolve(name), here.resolve(name));
      }
      int interruptedAt = last;
      AtomicInteger steps = new AtomicInteger();
      Temporaries.beforeStep =
          () -> {
            if (steps.getAndIncrement() == interruptedAt) {
              Thread.currentThread().interrupt();
            }
          };
      String wanted = "[2]";
      try {
        writeModel(here, 2);
      } catch (IOException e) {
        wanted = "[1]";
      } finally {
        Temporaries.beforeStep = () -> {};
        ended = steps.get() <= last;
        assertThat(Thread.interrupted()).isEqualTo(!ended);
      }
      seen.add(wanted);
      assertThat(state(index(here))).as("interrupted at step " + last).isEqualTo(wanted);
      assertThat(ModelWriterTest.names(here)).hasSize(TENSORS + 1);
    }
    assertThat(seen).hasSize(2);
  }

  @Test
  void aNameWhoseReceiptIsTooLongIsRefusedAtOnce() throws IOException {
    Path file = directory.resolve("x".repeat(249) + ".npy"); // 253 of 255 bytes
    assertThatThrownBy(() -> writeNpy(file, 1))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("need a name that the file system takes");
    Path model = directory.resolve("x".repeat(235) + ".safetensors"); // 247
    assertThatThrownBy(
            () -> ModelWriter.write(backend, model(2), RandomKey.of(1), model, 1, Progress.NONE))
        .hasMessageContaining("need a name that the file system takes");
    assertThat(names()).isEmpty();
  }

  @Test
  void aCutNameIsCutBetweenCharacters() throws IOException {
    String name = "a".repeat(59) + "\uD83D\uDE00".repeat(3) + ".bin";
    Path file;
    try {
      file = directory.resolve(name);
    } catch (InvalidPathException inThisLocale) { // C has ASCII alone
      return;
    }
    AtomicFile.write(file, new byte[3]);
    assertThat(file).hasBinaryContent(new byte[3]);
    assertThat(names()).containsExactly(name);
  }

  @Test
  void shardsHoldOneDescriptorAtATime() throws IOException {
    assumeTrue(
        ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean,
        "needs a count of descriptors");
    UnixOperatingSystemMXBean system =
        (UnixOperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    writeModel(directory, 1); // whatever the JVM opens for the first time
    long before = system.getOpenFileDescriptorCount();
    long[] most = {0};
    Temporaries.beforeStep = () -> most[0] = Math.max(most[0], system.getOpenFileDescriptorCount());
    try {
      ModelWriter.write(backend, model(60), RandomKey.of(1), base(directory), 1, Progress.NONE);
    } finally {
      Temporaries.beforeStep = () -> {};
    }
    assertThat(most[0] - before).isBetween(1L, 20L);
  }

  @Test
  void largeLettersNameTheSameFormats() throws IOException {
    writeNpy(directory.resolve("W.NPY"), 1);
    try (NpyFile npy = NpyFile.open(directory.resolve("W.NPY"))) {
      assertThat(npy.receipt(npy.tensor().name())).isPresent();
    }
    TensorWriter.write(backend, receipt(1), "w", directory.resolve("W.Safetensors"), Progress.NONE);
    SafetensorsFile.open(directory.resolve("W.Safetensors")).close();
    TensorWriter.write(backend, receipt(1), "w", directory.resolve("W.BIN"), Progress.NONE);
    assertThat(Files.size(directory.resolve("W.BIN"))).isEqualTo(400);
    List<Path> files =
        ModelWriter.write(
            backend,
            model(2),
            RandomKey.of(1),
            directory.resolve("M.SAFETENSORS"),
            1,
            Progress.NONE);
    assertThat(files.stream().map(file -> file.getFileName().toString()))
        .containsExactly(
            "M-00001-of-00002.safetensors",
            "M-00002-of-00002.safetensors",
            "M.safetensors.index.json");
    assertThat(state(files.getLast())).isEqualTo("[1]");
  }

  @ParameterizedTest
  @ValueSource(strings = {".npy", ".safetensors", ".bin"})
  void aMatrixThatCannotFitIsRefusedBeforeTheFileIsBegun(String end) throws IOException {
    Receipt huge =
        Receipt.of(
            InitializerSpec.parse("orthogonal"),
            Layout.KERAS,
            DType.F32,
            Region.of(Shape.of(10_000_000, 10_000_000)),
            RandomKey.of(1));
    assertThatThrownBy(
            () ->
                TensorWriter.write(backend, huge, "w", directory.resolve("w" + end), Progress.NONE))
        .isInstanceOf(MemoryLimitException.class)
        .hasMessageContaining("requestedBytes=400000000000000");
    assertThat(names()).isEmpty();
  }

  /** With and without native access: found when the room is reserved, or when it is written. */
  @ParameterizedTest
  @ValueSource(strings = {"ALL-UNNAMED", "java.base"})
  void aLimitOnTheSizeOfFilesIsNotAFullDisk(String nativeAccess) {
    assumeTrue(!System.getProperty("os.name").startsWith("Windows"), "needs ulimit");
    List<String> command =
        new ArrayList<>(List.of("sh", "-c", "ulimit -f 400 && exec \"$@\"", "sh"));
    command.addAll(AtomicFileTest.java(nativeAccess, LimitedWriter.class, directory.toString()));
    Programs.Result child = Programs.run(command);
    assertThat(child.status()).as(child.output()).isZero();
  }

  /** Tries 4 MB where files have 400 KB at most. */
  static final class LimitedWriter {
    public static void main(String[] args) throws IOException {
      Path here = Path.of(args[0]);
      Receipt large =
          Receipt.of(
              InitializerSpec.parse("uniform"),
              Layout.KERAS,
              DType.F32,
              Region.of(Shape.of(1_000_000)),
              RandomKey.of(1));
      try (Backend own = Weft.open("scalar")) {
        for (String end : List.of("npy", "safetensors", "bin")) {
          assertThatThrownBy(
                  () ->
                      TensorWriter.write(own, large, "w", here.resolve("w." + end), Progress.NONE))
              .isInstanceOf(IOException.class)
              .isNotInstanceOf(NoSpaceException.class)
              .hasMessageMatching(
                  "write: need (a size that the process \\(ulimit -f\\)|bytes that the system takes)"
                      + ".*, got file=.*w\\."
                      + end
                      + ", neededBytes=4000.*");
          assertThat(ModelWriterTest.names(here)).isEmpty();
        }
      }
    }
  }

  private static void refuseWriter(Path file) {
    assertThatThrownBy(() -> AtomicFile.create(file, 1))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("write: need no other writer of the file, got file=" + file);
  }

  private static void write(boolean model, Path here, long seed) throws IOException {
    if (model) {
      writeModel(here, seed);
    } else {
      writeNpy(here.resolve("w.npy"), seed);
    }
  }

  private static Path result(boolean model, Path here) {
    return model ? index(here) : here.resolve("w.npy");
  }

  private static void writeNpy(Path file, long seed) throws IOException {
    TensorWriter.write(backend, receipt(seed), "w", file, Progress.NONE);
  }

  private static Receipt receipt(long seed) {
    return Receipt.of(
        InitializerSpec.parse("uniform"),
        Layout.KERAS,
        DType.F32,
        Region.of(Shape.of(100)),
        RandomKey.of(seed));
  }

  private static void writeModel(Path here, long seed) throws IOException {
    ModelWriter.write(backend, model(TENSORS), RandomKey.of(seed), base(here), 1, Progress.NONE);
  }

  private static ModelManifest model(int tensors) throws FormatException {
    String entries =
        IntStream.range(0, tensors)
            .mapToObj(i -> "{\"name\": \"t" + i + "\", \"shape\": [30], \"init\": \"uniform\"}")
            .collect(Collectors.joining(","));
    return ModelManifest.parse(
        "test",
        "{\"name\": \"m\", \"layout\": \"torch\", \"dtype\": \"f32\", \"tensors\": ["
            + entries
            + "]}");
  }

  private static Path base(Path here) {
    return here.resolve("m.safetensors");
  }

  private static Path index(Path here) {
    return here.resolve("m.safetensors.index.json");
  }

  private static String set(Path index) throws IOException {
    java.util.Map<?, ?> json = (java.util.Map<?, ?>) Json.parse("index", Files.readString(index));
    return (String) ((java.util.Map<?, ?>) json.get("metadata")).get("weft.set");
  }

  /** The seeds of what is there, every tensor as its receipt says; or that it is refused. */
  private static String state(Path file) throws IOException {
    Set<Long> seeds = new TreeSet<>();
    try (TensorFile read = TensorFile.open(file)) {
      for (StoredTensor tensor : read.tensors()) {
        read.receipt(tensor.name()).ifPresent(receipt -> seeds.add(receipt.seed()));
      }
      assertThat(Verifier.verify(backend, read, Progress.NONE))
          .noneMatch(it -> it.outcome() == Verification.Outcome.DIFFERENT);
    } catch (IOException e) {
      return "refused";
    }
    return seeds.toString();
  }

  private List<String> names() throws IOException {
    return ModelWriterTest.names(directory).stream().sorted().toList();
  }

  private void setMode(String name, String mode) throws IOException {
    Files.setPosixFilePermissions(directory.resolve(name), PosixFilePermissions.fromString(mode));
  }

  private String mode(String name) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve(name)));
  }
}
