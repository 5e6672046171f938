package dev.weft.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.testkit.GoldenFills;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The same bytes from a JVM that lacks something, and words about what it lacks. */
@Timeout(600)
class JvmModesTest {
  @TempDir Path directory;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED|vectors",
        "--enable-native-access=ALL-UNNAMED|module jdk.incubator.vector is not resolved",
        "--illegal-native-access=deny|module jdk.incubator.vector is not resolved",
        "--add-modules jdk.incubator.vector --illegal-native-access=deny|vectors",
        "--add-modules jdk.incubator.vector -XX:UseAVX=2|vectors",
        "--add-modules jdk.incubator.vector -Xint|without its optimizing compiler",
        "--add-modules jdk.incubator.vector -XX:TieredStopAtLevel=1|without its optimizing compiler",
        "--add-modules jdk.incubator.vector -XX:+UseSerialGC -Xmx64m|vectors"
      })
  void fillsAreTheGoldenOnesInEveryMode(String options, String explained) throws Exception {
    List<String> lines = run(options.split(" "));
    assertThat(lines.getFirst()).isEqualTo("ok");
    if (VectorProbe.get().bits() > 0 || !explained.equals("vectors")) {
      assertThat(String.join("\n", lines)).contains(explained);
    }
  }

  @Test
  void aChildThatFailsIsSeen() throws Exception {
    assertThat(run("-Dweft.backend=nothing").getFirst()).isNotEqualTo("ok");
  }

  private List<String> run(String... options) throws IOException, InterruptedException {
    Path result = directory.resolve("result");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(options));
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(JvmModesTest.class.getName());
    command.add(result.toString());
    Path log = directory.resolve("log");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    int status = process.waitFor();
    return status == 0 ? Files.readAllLines(result) : Files.readAllLines(log);
  }

  /** The child: fills some golden lines and more memory than is mapped at a time. */
  public static void main(String[] args) throws IOException {
    try (Backend backend = Weft.open()) {
      for (GoldenFills.Line line : GoldenFills.lines()) {
        if (line.first() == 0 && line.dtype() != DType.F16) {
          check(backend, line);
        }
      }
      try (Tensor tensor = backend.tensor(DType.F32, Shape.of(1 << 20))) {
        tensor.fill(InitializerSpec.parse("ones").initializer(Layout.KERAS), RandomKey.of(1));
        require(tensor.get((1 << 20) - 1) == 1, "own memory");
      }
    }
    Files.writeString(Path.of(args[0]), "ok\n" + Weft.explain());
  }

  private static void check(Backend backend, GoldenFills.Line line) {
    MemorySegment out = MemorySegment.ofArray(new byte[line.count() * line.dtype().byteSize()]);
    try (Tensor tensor = backend.wrap(out, line.dtype(), Shape.of(line.count()))) {
      tensor.fill(
          InitializerSpec.parse(line.spec()).initializer(Layout.KERAS),
          line.key(),
          Region.of(line.shape()).slice(0, line.count()));
    }
    require(GoldenFills.sha256(out).equals(line.sha256()), line.toString());
  }

  private static void require(boolean condition, String what) {
    if (!condition) {
      throw new AssertionError(what);
    }
  }
}
