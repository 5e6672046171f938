package dev.weft.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Matrix;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.io.File;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jdk.jfr.Configuration;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Flight Recorder as it is switched on outside, by what docs/jfr.md says; and JVMs that lack it.
 * Outside of the packages of weft's modules, so that a child finds it on its class path.
 */
@Timeout(600)
class FlightRecorderTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();
  private static final String MODULES =
      ROOT.resolve("api/target/classes")
          + File.pathSeparator
          + ROOT.resolve("kernel-cpu/target/classes");

  @TempDir Path directory;

  @Test
  void worksWithoutTheModuleOnTheClassPath() throws Exception {
    assertThat(run("--limit-modules", "java.management,jdk.management"))
        .isEqualTo("unnamed, without jdk.jfr, events no");
  }

  @Test
  void worksWithoutTheModuleOnTheModulePath() throws Exception {
    assertThat(
            run("--limit-modules", "dev.weft.cpu", "-p", MODULES, "--add-modules", "dev.weft.cpu"))
        .isEqualTo("dev.weft, without jdk.jfr, events no");
  }

  /** The backend's own modules bring it along. */
  @Test
  void theModuleIsThereOnTheModulePathToo() throws Exception {
    assertThat(run("-p", MODULES, "--add-modules", "dev.weft.cpu"))
        .isEqualTo("dev.weft, with jdk.jfr, events no");
  }

  /** Nothing of an event is loaded while nobody uses Flight Recorder. */
  @Test
  void anEventIsNotLoadedWithoutARecording() throws Exception {
    Path log = directory.resolve("classes");
    assertThat(run("-Xlog:class+load:file=" + log)).isEqualTo("unnamed, with jdk.jfr, events no");
    List<String> loaded = Files.readAllLines(log);
    assertThat(loaded).anyMatch(line -> line.contains("dev.weft.internal.Events "));
    assertThat(loaded).noneMatch(line -> line.contains("dev.weft.internal.FlightEvents"));
  }

  @Test
  void theOptionOfTheDocumentationRecords() throws Exception {
    Matcher option =
        Pattern.compile("-XX:StartFlightRecording:filename=([\\w.]+),(\\S+)").matcher(document());
    assertThat(option.find()).isTrue();
    for (String[] path : new String[][] {{}, {"-p", MODULES, "--add-modules", "dev.weft.cpu"}}) {
      Path file = directory.resolve(path.length + option.group(1));
      List<String> options = new ArrayList<>(List.of(path));
      options.add("-XX:StartFlightRecording:filename=" + file + "," + option.group(2));
      assertThat(run(options.toArray(String[]::new))).endsWith("with jdk.jfr, events yes");
      assertThat(RecordingFile.readAllEvents(file))
          .extracting(event -> event.getEventType().getName())
          .contains("dev.weft.Fill", "dev.weft.Gemm", "jdk.JVMInformation")
          .doesNotContain("dev.weft.CopyTo", "dev.weft.CopyFrom");
    }
  }

  @Test
  void theSettingsOfTheDocumentationRecordEverythingThatTakesLong() throws Exception {
    Matcher settings = Pattern.compile("```xml\n(.*?)```", Pattern.DOTALL).matcher(document());
    assertThat(settings.find()).isTrue();
    Path file = Files.writeString(directory.resolve("weft.jfc"), settings.group(1));
    try (Recording recording = new Recording(Configuration.create(file))) {
      assertThat(recording.getSettings())
          .hasSize(14)
          .containsEntry("dev.weft.TrainStep#enabled", "true")
          .containsEntry("dev.weft.Fill#threshold", "1 ms")
          .allSatisfy((name, value) -> assertThat(name).matches("dev\\.weft\\.\\w+#\\w+"));
      recording.start();
      Child.operate();
      recording.stop();
      Path dump = directory.resolve("all.jfr");
      recording.dump(dump);
      assertThat(RecordingFile.readAllEvents(dump))
          .allSatisfy(
              event -> assertThat(event.getDuration().toNanos()).isGreaterThanOrEqualTo(1_000_000));
    }
  }

  private static String document() throws Exception {
    return Files.readString(ROOT.resolve("docs/jfr.md"));
  }

  /** What a JVM with these options says. */
  private String run(String... options) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(options));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(Child.class.getName());
    Path result = directory.resolve("result");
    command.add(result.toString());
    Path log = directory.resolve("log");
    Files.deleteIfExists(result);
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    int status = process.waitFor();
    assertThat(status).as(Files.readString(log)).isZero();
    return Files.readString(result);
  }

  /** The child: operates, and says what it has; names no class of the module but where it is. */
  static final class Child {
    public static void main(String[] args) throws Exception {
      operate();
      Module module = Weft.class.getModule();
      boolean present = ModuleLayer.boot().findModule("jdk.jfr").isPresent();
      Files.writeString(
          Path.of(args[0]),
          (module.isNamed() ? module.getName() : "unnamed")
              + (present ? ", with" : ", without")
              + " jdk.jfr, events "
              + (present && FlightRecorder.isInitialized() ? "yes" : "no"));
    }

    static void operate() {
      try (Backend backend = Weft.open("scalar");
          Tensor tensor = backend.tensor(DType.F32, Shape.of(4, 4));
          Tensor product = backend.tensor(DType.F32, Shape.of(4, 4))) {
        tensor.fill(Fill.constant(2), RandomKey.of(1));
        backend.gemm(1, Matrix.of(tensor), Matrix.of(tensor), 0, Matrix.of(product));
        float[] values = new float[16];
        product.copyTo(MemorySegment.ofArray(values));
        if (values[15] != 16) {
          throw new AssertionError(values[15]);
        }
      }
    }
  }
}
