package dev.weft.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

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

  /** The options that make code tens of times slower are named, in words and in a warning, once. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "-Xint|without its optimizing compiler|true",
        "-XX:TieredStopAtLevel=0|without its optimizing compiler|true",
        "-XX:TieredStopAtLevel=1|without its optimizing compiler|true",
        "-XX:TieredStopAtLevel=2|without its optimizing compiler|true",
        "-XX:TieredStopAtLevel=3|without its optimizing compiler|true",
        "-XX:CompilationMode=quick-only|without its optimizing compiler|true",
        "-XX:-UseFMA|emulates fused multiply-adds|true",
        "-XX:UseAVX=0|emulates fused multiply-adds|true",
        "-XX:UseSSE=2|emulates fused multiply-adds|true",
        "-XX:+UnlockExperimentalVMOptions -XX:-EnableVectorSupport|emulates its vectors|false",
        "-XX:MaxVectorSize=8|the JVM's vectors have 64 bits|false"
      })
  void slowOptionsAreNamed(String option, String reason, boolean scalarToo) throws Exception {
    assumeTrue(VectorProbe.get().bits() > 0, VectorProbe.get().reason());
    boolean x86 = System.getProperty("os.arch").equals("amd64");
    assumeTrue(x86 || !option.matches(".*(AVX|SSE|VectorSize|FMA).*"), "an option of x86");
    String options = "--add-modules jdk.incubator.vector -Dweft.test.brief=true " + option;
    List<String> lines = run(options.split(" "));
    String said = Files.readString(directory.resolve("log"));
    assertThat(lines.getFirst()).as(said).isEqualTo("ok");
    assertThat(String.join("\n", lines).split(reason, -1))
        .as("explained for cpu, and for scalar where it is slow as well")
        .hasSize(scalarToo ? 3 : 2);
    assertThat(said.lines().filter(line -> line.contains(reason))).hasSize(1);
    assertThat(said).contains("; remedy: run java without -X");
  }

  /** And the usual ones are not. */
  @Test
  void theUsualOptionsAreFast() {
    assumeTrue(VectorProbe.get().bits() > 0, VectorProbe.get().reason());
    assertThat(VectorProbe.get().slowness()).isEmpty();
    assertThat(Jvm.fuses()).isTrue();
    assertThat(Jvm.optimizes()).isTrue();
    assertThat(Jvm.option("NoSuchOption")).isEmpty();
    assertThat(Jvm.option("TieredStopAtLevel")).contains("4");
  }

  /** Where nothing is asked of the JVM, no option can matter. */
  @Test
  void onlyPlainCommandsAreNotAskedFor() {
    assertThat(Jvm.isPlain("java\0-XX:+UseSerialGC\0-Xmx1g\0Main\0")).isTrue();
    assertThat(Jvm.isPlain("/jdk/bin/java\0Main\0a@b\0")).isTrue();
    for (String words :
        List.of(
            "",
            "java",
            "program\0Main\0", // it may have made the JVM with any option
            "java\0-XX:TieredStopAtLevel=3\0Main\0",
            "java\0-XX:CompilationMode=quick-only\0Main\0",
            "java\0-XX:-UseCompiler\0Main\0",
            "java\0-XX:-EnableVectorSupport\0Main\0",
            "java\0-XX:Flags=file\0Main\0",
            "java\0-XX:VMOptionsFile=file\0Main\0",
            "java\0@file\0Main\0",
            "java\0Main\0\0-Xmx1g -XX:TieredStopAtLevel=1\0")) {
      assertThat(Jvm.isPlain(words)).as(words).isFalse();
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
    if (Boolean.getBoolean("weft.test.brief")) {
      for (String name : List.of("cpu", "scalar", "cpu")) {
        Weft.open(name).close();
      }
      Files.writeString(Path.of(args[0]), "ok\n" + Weft.explain());
      return;
    }
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
