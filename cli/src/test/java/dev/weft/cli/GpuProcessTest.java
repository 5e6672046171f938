package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.testkit.Programs;
import dev.weft.testkit.gpu.FakeDriver;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The commands on a GPU, whose driver a stand-in is that runs the kernels on the host; in processes
 * of their own, since a driver is loaded for good.
 */
@Timeout(600)
class GpuProcessTest {
  @TempDir Path directory;

  /** A finished command. */
  private record Finished(int code, byte[] out, String err) {}

  private Finished weft(String... args) throws IOException, InterruptedException {
    Programs.needExecutableFiles(); // JCuda unpacks its libraries there
    Path out = directory.resolveSibling(directory.getFileName() + ".out");
    Path err = directory.resolveSibling(directory.getFileName() + ".err");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx48m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.add("-Dweft.cuda.path=" + FakeDriver.library().getParent());
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "--class-path"));
    command.add(System.getProperty("java.class.path"));
    command.add("-Dweft.calibration=off");
    command.add("dev.weft.cli.Main");
    command.addAll(List.of(args));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
    builder.environment().remove("WEFT_BACKEND");
    int code = builder.start().waitFor();
    Finished finished = new Finished(code, Files.readAllBytes(out), Files.readString(err));
    Files.delete(out);
    Files.delete(err);
    return finished;
  }

  private Finished ok(String... args) throws IOException, InterruptedException {
    Finished finished = weft(args);
    assertThat(finished.code).as(finished.err).isZero();
    return finished;
  }

  @Test
  void generateWritesTheBytesOfTheCpu() throws Exception {
    for (String init : List.of("normal", "orthogonal")) {
      String shape = init.equals("normal") ? "3000,1001" : "200,100"; // some chunks
      List<String> line =
          List.of("generate", "--init", init, "--shape", shape, "--seed", "42", "--out");
      Path file = directory.resolve(init + ".safetensors");
      Path expected = directory.resolve(init + ".cpu.safetensors");
      ok(with(line, file.toString(), "--backend", "gpu"));
      assertThat(Run.of(with(line, expected.toString(), "--backend", "scalar")).code()).isZero();
      assertThat(Files.mismatch(file, expected)).isEqualTo(-1);
    }
    Path file = directory.resolve("normal.safetensors");
    assertThat(Run.of("verify", file.toString()).code()).isZero();
  }

  @Test
  void generateWritesToAPipe() throws Exception {
    List<String> line =
        List.of("generate", "--init", "uniform", "--shape", "3000001", "--dtype", "bf16", "--out");
    Finished gpu = ok(with(line, "-", "--backend", "gpu"));
    assertThat(gpu.out).isEqualTo(Run.of(with(line, "-", "--backend", "scalar")).bytes());
  }

  @Test
  void modelWritesTheBytesOfTheCpu() throws Exception {
    Path manifest = directory.resolve("m.json");
    Files.writeString(
        manifest,
        """
        {"name": "m", "layout": "torch", "dtype": "f32", "tensors": [
          {"name": "embed", "shape": [1201, 1100], "init": "normal:stddev=0.02"},
          {"name": "h.0.w", "shape": [64, 64], "init": "orthogonal"},
          {"name": "h.0.b", "shape": [3], "init": "zeros", "dtype": "bf16"},
          {"name": "h.1.w", "shape": [64, 64], "init": "truncated_normal", "dtype": "f64"}
        ]}
        """);
    Path file = directory.resolve("gpu.safetensors");
    Path expected = directory.resolve("cpu.safetensors");
    ok("model", manifest.toString(), "--out", file.toString(), "--backend", "gpu");
    assertThat(
            Run.of(
                    "model",
                    manifest.toString(),
                    "--out",
                    expected.toString(),
                    "--backend",
                    "scalar")
                .code())
        .isZero();
    assertThat(Files.mismatch(file, expected)).isEqualTo(-1);
  }

  @Test
  void trainWritesTheWeightsOfTheCpu() throws Exception {
    List<String> line =
        new ArrayList<>(List.of("train", "--data", TrainCommandTest.DIGITS.toString()));
    line.addAll(List.of("--layers", "64,32,10", "--epochs", "2", "--out"));
    Path file = directory.resolve("gpu.safetensors");
    Path expected = directory.resolve("cpu.safetensors");
    ok(with(line, file.toString(), "--backend", "gpu"));
    Run scalar = Run.of(with(line, expected.toString(), "--backend", "scalar"));
    assertThat(scalar.code()).as(scalar.err()).isZero();
    assertThat(Files.mismatch(file, expected)).isEqualTo(-1);
  }

  /** compare knows no choice of backends: the GPU is one of all that it compares. */
  @Test
  void compareFindsTheGpuAndItsBits() throws Exception {
    String json = new String(ok("compare", "--smoke", "--json").out, StandardCharsets.UTF_8);
    assertThat(json).contains("\"gpu × 1\"").contains("\"training examples/s\"");
    String devices = new String(ok("devices").out, StandardCharsets.UTF_8);
    assertThat(devices).contains("gpu").contains("Fake 0").contains("compute capability 9.0");
  }

  private static String[] with(List<String> line, String... more) {
    List<String> all = new ArrayList<>(line);
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }
}
