package dev.weft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The file, and what {@code auto} makes of it, with the backends of {@link ListedProvider}. */
class CalibrationTest {
  private static final Work WORK = Work.gemm(DType.F32, 512, 512, 512);

  @TempDir Path directory;
  private Path file;
  private final String backendBefore = System.clearProperty(Weft.BACKEND_PROPERTY);
  private final String before = System.getProperty(Weft.CALIBRATION_PROPERTY);

  @BeforeEach
  void ownFile() {
    file = directory.resolve("own/calibration.properties");
    System.setProperty(Weft.CALIBRATION_PROPERTY, file.toString());
    Calibrations.forget();
  }

  @AfterEach
  void restore() {
    restore(Weft.CALIBRATION_PROPERTY, before);
    restore(Weft.BACKEND_PROPERTY, backendBefore);
    Calibrations.use(Stopwatch.REAL);
    Calibrations.forget();
  }

  private static void restore(String property, String value) {
    if (value == null) {
      System.clearProperty(property);
    } else {
      System.setProperty(property, value);
    }
  }

  /** A calibration of the listed backends, in which {@code spare} is ten times as fast. */
  private static Calibration spareIsFast() {
    BackendCosts plain = PlanTest.costs("plain", true, 1L << 30, 1e-5, 1e-9, 1e-8, 1e-10);
    BackendCosts spare = PlanTest.costs("spare", true, 1L << 30, 1e-6, 1e-10, 1e-9, 1e-11);
    return new Calibration(
        Calibrations.key(Weft.candidates()), Instant.EPOCH, 0.5, List.of(plain, spare));
  }

  @Test
  void fileRoundTrips() {
    Calibration written = spareIsFast();
    CalibrationFile.write(file, written);
    Calibration read = Weft.calibration().orElseThrow();
    assertThat(read.key()).isEqualTo(written.key());
    assertThat(read.made()).isEqualTo(Instant.EPOCH);
    assertThat(read.seconds()).isEqualTo(0.5);
    assertThat(read.costs()).isEqualTo(written.costs());
    assertThat(read.plan(WORK)).isEqualTo(written.plan(WORK));
    BackendCosts gpu = PlanTest.GPU;
    Calibration device = new Calibration("a = b: c\\d, ×", Instant.EPOCH, 1, List.of(gpu));
    CalibrationFile.write(file, device);
    assertThat(CalibrationFile.read(file, device.key()).orElseThrow().costs()).containsExactly(gpu);
    assertThat(filesOf(file.getParent())).containsExactly(file); // and no temporary one
  }

  @Test
  void autoOpensTheFastestAndSaysSo() {
    CalibrationFile.write(file, spareIsFast());
    List<String> log =
        TensorTest.logged(
            () -> {
              try (Backend backend = Weft.open(WORK)) {
                assertThat(backend.info().name()).isEqualTo("spare");
              }
            });
    assertThat(log)
        .containsExactly(
            "auto: gemm f32 [512, 512]·[512, 512], operands on the host: spare"
                + " (spare 2.69 ms, plain 26.9 ms)");
    assertThat(Weft.explain(WORK))
        .contains("spare", "chosen", "by the calibration of 1970-01-01T00:00:00Z");
    try (Backend ranked = Weft.open()) { // without a work as ever
      assertThat(ranked.info().name()).isEqualTo("plain");
    }
    assertThat(Weft.plan(WORK).chosen()).isEqualTo("spare");
  }

  @Test
  void aNameOverridesThePlan() {
    CalibrationFile.write(file, spareIsFast());
    try (Backend backend = Weft.open("plain", BackendOptions.DEFAULT, WORK)) {
      assertThat(backend.info().name()).isEqualTo("plain");
    }
    System.setProperty(Weft.BACKEND_PROPERTY, "plain");
    try (Backend backend = Weft.open(WORK)) {
      assertThat(backend.info().name()).isEqualTo("plain");
    }
    assertThat(Weft.explain(WORK)).contains("plain, as the property or variable says");
    System.setProperty(Weft.BACKEND_PROPERTY, "gpu");
    assertThatThrownBy(() -> Weft.open(WORK)).isInstanceOf(BackendUnavailableException.class);
  }

  /** The figures are of backends with every processor; a limit of memory changes none of them. */
  @Test
  void optionsThatChangeTheSpeedLeaveTheRank() {
    CalibrationFile.write(file, spareIsFast());
    BackendOptions options = BackendOptions.DEFAULT;
    for (BackendOptions other :
        List.of(
            options.withThreads(1),
            options.withExecutor(Runnable::run),
            options.withVectorBits(128),
            options.withPrecision(Precision.TF32))) {
      try (Backend backend = openQuietly(other)) {
        assertThat(backend.info().name()).isEqualTo("plain");
      }
    }
    try (Backend backend = openQuietly(options.withMemoryLimit(1 << 20))) {
      assertThat(backend.info().name()).isEqualTo("spare");
    }
  }

  private static Backend openQuietly(BackendOptions options) {
    AtomicReference<Backend> opened = new AtomicReference<>();
    TensorTest.logged(() -> opened.set(Weft.open("auto", options, WORK)));
    return opened.get();
  }

  /** What a plan chooses may fail to open: then the best by rank that opens. */
  @Test
  void fallsBackFromABackendThatFails() {
    BackendCosts flaky = PlanTest.costs("flaky", true, 1L << 30, 1e-9, 1e-12, 1e-11, 1e-13);
    Calibration calibration =
        new Calibration(
            Calibrations.key(Weft.candidates()),
            Instant.EPOCH,
            1,
            List.of(flaky, spareIsFast().costs().getFirst()));
    CalibrationFile.write(file, calibration);
    List<String> log =
        TensorTest.logged(
            () -> {
              try (Backend backend = Weft.open(WORK)) {
                assertThat(backend.info().name()).isEqualTo("plain");
              }
            });
    assertThat(log)
        .containsExactly("auto: flaky failed to open, trying the next: open: flaky broke");
  }

  @Test
  void openingMeasuresNothing() {
    long begin = System.nanoTime();
    TensorTest.logged(
        () -> {
          try (Backend backend = Weft.open(WORK)) {
            assertThat(backend.info().name()).isEqualTo("plain");
          }
        });
    assertThat(Weft.calibration()).isEmpty();
    assertThat(Weft.explain(WORK)).contains("the best by rank; this machine has no calibration");
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(2));
    assertThat(file).doesNotExist();
  }

  /** Everything that was measured is kept, and a backend that fails left out. */
  @Test
  void calibratesWhatOpens() {
    AtomicReference<Calibration> made = new AtomicReference<>();
    VirtualTime time = new VirtualTime(); // in which an operation of these backends takes none
    Calibrations.use(time);
    List<String> log = TensorTest.logged(() -> made.set(Weft.calibrate()));
    assertThat(time.seconds()).isLessThan(2 * Weft.CALIBRATION_SECONDS);
    Calibration calibration = made.get();
    assertThat(calibration.backends()).containsExactly("plain", "spare");
    assertThat(calibration.costs())
        .allSatisfy(each -> assertThat(each.isValid()).as(each.toString()).isTrue());
    assertThat(calibration.made())
        .isBetween(Instant.now().minusSeconds(600), Instant.now().plusSeconds(1));
    assertThat(log).containsExactly("calibrate: flaky failed, and is left out: open: flaky broke");
    assertThat(Weft.calibration()).containsSame(calibration);
    assertThat(Weft.plan(WORK)).isEqualTo(calibration.plan(WORK));
    Calibrations.forget();
    assertThat(Weft.calibration().orElseThrow().costs()).isEqualTo(calibration.costs());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "nonsense",
        "\\u00zz",
        "key=x\nmade=yesterday\nseconds=1\nbackends=plain\n",
        "key=x\nmade=1970-01-01T00:00:00Z\nseconds=1\nbackends=plain\nplain.host=true\nplain.limit_bytes=1\n"
      })
  void corruptFilesAreLeftOut(String content) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
    assertIsLeftOut();
  }

  @Test
  void figuresThatMakeNoSenseAreLeftOut() throws IOException {
    for (UnaryOperator<String> damage :
        List.<UnaryOperator<String>>of(
            text -> text.replaceAll("plain.pass=.*", "plain.pass=1e-9 NaN"),
            text -> text.replaceAll("plain.pass=.*", "plain.pass=1e-9 -1"),
            text -> text.replaceAll("plain.pass=.*", "plain.pass=0 1"),
            text -> text.replaceAll("plain.pass=.*", "plain.pass=Infinity 1"),
            text -> text.replaceAll("plain.pass=.*", "plain.pass=1"),
            text -> text.replaceAll("plain.pass=.*", ""),
            text -> text.replaceAll("plain.host=true", "plain.host=false"),
            text -> text.replaceAll("backends=.*", ""),
            text -> text.replaceAll("limit_bytes=.*", "limit_bytes=many"),
            text -> text.substring(0, text.length() / 2))) {
      CalibrationFile.write(file, spareIsFast());
      String text = Files.readString(file);
      assertThat(CalibrationFile.read(file, spareIsFast().key())).isPresent(); // the control
      Files.writeString(file, damage.apply(text));
      assertIsLeftOut();
    }
  }

  private void assertIsLeftOut() {
    Calibrations.forget();
    List<String> log =
        TensorTest.logged(
            () -> {
              assertThat(Weft.calibration()).isEmpty();
              try (Backend backend = Weft.open(WORK)) {
                assertThat(backend.info().name()).isEqualTo("plain");
              }
            });
    assertThat(log.getFirst())
        .startsWith("calibration: " + file + " is left out: ")
        .endsWith("; remedy: delete it");
  }

  /** Another machine's file is no calibration here, and replaced by the next one. */
  @Test
  void foreignKeysAreLeftOut() {
    Calibration mine = spareIsFast();
    CalibrationFile.write(file, new Calibration(mine.key() + "!", Instant.EPOCH, 1, mine.costs()));
    assertThat(TensorTest.logged(() -> assertThat(Weft.calibration()).isEmpty())).isEmpty();
    CalibrationFile.write(file, mine);
    assertThat(Weft.calibration()).isPresent();
  }

  @Test
  void keyHasWhatTheFiguresDependOn() {
    assertThat(Calibrations.key(Weft.candidates()))
        .contains(
            "weft ",
            System.getProperty("java.vm.version"),
            System.getProperty("os.arch"),
            " × " + Runtime.getRuntime().availableProcessors(),
            "plain (good)",
            "spare (slow)")
        .doesNotContain("gpu"); // which is not available
    List<Weft.Candidate> fewer = new ArrayList<>(Weft.candidates());
    fewer.removeLast();
    assertThat(Calibrations.key(fewer)).isNotEqualTo(Calibrations.key(Weft.candidates()));
  }

  @Test
  void whatCannotBeWrittenIsAWarning() throws IOException {
    Files.writeString(directory.resolve("taken"), "a file");
    for (Path bad :
        List.of(
            directory.resolve("taken/calibration.properties"), // its directory is a file
            directory, // a directory
            Path.of("/dev/null"))) {
      List<String> log =
          TensorTest.logged(
              () -> {
                CalibrationFile.keep(Optional.of(bad), spareIsFast());
                CalibrationFile.keep(Optional.of(bad), spareIsFast()); // which is said once
              });
      assertThat(log).hasSize(1);
      assertThat(log.getFirst())
          .startsWith("calibration: cannot write " + bad + ", so only this process has it: ");
    }
    assertThat(Files.isRegularFile(Path.of("/dev/null"))).isFalse();
  }

  @Test
  void readOnlyDirectoriesAreAWarning() {
    Path closed = directory.resolve("closed");
    assumeTrue(closed.toFile().mkdir() && closed.toFile().setWritable(false));
    assumeTrue(!Files.isWritable(closed), "needs a user who is not the superuser");
    List<String> log =
        TensorTest.logged(
            () -> CalibrationFile.write(closed.resolve("c.properties"), spareIsFast()));
    assertThat(log).hasSize(1);
    assertThat(closed.toFile().setWritable(true)).isTrue();
  }

  /** Readers see one whole calibration or the other while two threads replace the file. */
  @Test
  void twoWritersAreFine() throws Exception {
    Calibration one = spareIsFast();
    Calibration two = new Calibration(one.key(), Instant.EPOCH, 2, List.of(one.costs().getLast()));
    CalibrationFile.write(file, one);
    List<Thread> writers = new ArrayList<>();
    for (Calibration each : List.of(one, two)) {
      writers.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int i = 0; i < 100; i++) {
                      CalibrationFile.write(file, each);
                    }
                  }));
    }
    List<String> log =
        TensorTest.logged(
            () -> {
              for (int i = 0; i < 200; i++) {
                Calibration read = CalibrationFile.read(file, one.key()).orElseThrow();
                assertThat(read.costs()).isIn(one.costs(), two.costs());
              }
            });
    for (Thread writer : writers) {
      writer.join();
    }
    assertThat(log).isEmpty();
    assertThat(filesOf(file.getParent())).containsExactly(file);
  }

  @Test
  void offIsNoFile() {
    System.setProperty(Weft.CALIBRATION_PROPERTY, "off");
    assertThat(CalibrationFile.of("key")).isEmpty();
    assertThat(Weft.calibration()).isEmpty();
    System.setProperty(Weft.CALIBRATION_PROPERTY, "\0");
    assertThat(TensorTest.logged(() -> assertThat(CalibrationFile.of("key")).isEmpty())).hasSize(1);
  }

  @Test
  void fileIsInTheDirectoryOfCaches() {
    System.clearProperty(Weft.CALIBRATION_PROPERTY);
    assertThat(CalibrationFile.directory(directory.toString(), "/home/me"))
        .contains(directory.resolve("weft"));
    for (String none : new String[] {null, "", "relative"}) {
      assertThat(CalibrationFile.directory(none, directory.toString()))
          .contains(directory.resolve(".cache/weft"));
    }
    assertThat(CalibrationFile.directory(null, null)).isEmpty();
    assertThat(CalibrationFile.directory(null, "?")).isEmpty();
    Optional<Path> one = CalibrationFile.of("one");
    assertThat(one).isPresent();
    assertThat(one.orElseThrow().getFileName().toString())
        .matches("calibration-[0-9a-f]{8}\\.properties");
    assertThat(CalibrationFile.of("two")).isNotEqualTo(one);
  }

  private static List<Path> filesOf(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      return files.toList();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
