package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import dev.weft.testkit.Programs;
import dev.weft.testkit.gpu.FakeDriver;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Processes that start the CUDA backend at the same time, over the stand-in, in one directory of
 * temporary files, where a file of the name of JCuda's library waits to be loaded.
 */
@Timeout(600)
class ProcessesTest {
  private static final String PLANTED = "libJCudaDriver-12.6.0-linux-x86_64.so";

  @Test
  void severalStartAtOnceAndLeaveNothing(@TempDir Path temporary) throws IOException {
    Files.writeString(temporary.resolve(PLANTED), "planted");
    List<Process> processes = new ArrayList<>();
    List<BufferedReader> outputs = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      Process process = start(temporary, Fills.class);
      processes.add(process);
      outputs.add(process.inputReader(StandardCharsets.UTF_8));
    }
    for (BufferedReader output : outputs) {
      String line;
      do {
        line = output.readLine();
      } while (line != null && Programs.isJvmNote(line));
      assertThat(line).isEqualTo("ready");
    }
    for (Process process : processes) { // all are at the same place now
      process.getOutputStream().write('\n');
      process.getOutputStream().flush();
    }
    String expected = Fills.hash("scalar");
    for (BufferedReader output : outputs) {
      assertThat(output.readLine()).isEqualTo(expected);
    }
    try (Stream<Path> files = Files.list(temporary)) {
      assertThat(files).containsExactly(temporary.resolve(PLANTED));
    }
    assertThat(temporary.resolve(PLANTED)).hasContent("planted");
  }

  /** Negative control: JCuda by itself takes the file that was planted. */
  @Test
  void thePlantedFileWouldBeLoaded(@TempDir Path temporary) throws IOException {
    Files.writeString(temporary.resolve(PLANTED), "planted");
    Process process = start(temporary, JCudaAlone.class);
    assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .contains("UnsatisfiedLinkError")
        .contains(temporary.resolve(PLANTED).toString());
  }

  private static Process start(Path temporary, Class<?> main) throws IOException {
    Programs.needExecutableFiles(); // JCuda unpacks its libraries there
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "--enable-native-access=ALL-UNNAMED",
            "-Djava.io.tmpdir=" + temporary,
            "-Dweft.cuda.path=" + FakeDriver.library().getParent(),
            "-cp",
            System.getProperty("java.class.path"),
            main.getName())
        .redirectErrorStream(true)
        .start();
  }

  /** Waits for a line, then fills on the device and prints a hash of the elements. */
  static final class Fills {
    public static void main(String[] args) throws IOException {
      PrintStream out = new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out));
      out.println("ready");
      out.flush();
      if (System.in.read() >= 0) {
        out.println(hash("gpu"));
        out.flush();
      }
    }

    static String hash(String name) {
      float[] elements = new float[100_000];
      Shape shape = Shape.of(elements.length);
      try (Backend backend = Weft.open(name);
          Tensor tensor = backend.tensor(DType.F32, shape)) {
        tensor.fill(Fill.normal(0, 1), RandomKey.of(7));
        tensor.copyTo(MemorySegment.ofArray(elements));
      }
      return "elements " + Arrays.hashCode(elements);
    }
  }

  /** What JCuda does without weft. */
  static final class JCudaAlone {
    public static void main(String[] args) {
      JCudaDriver.cuInit(0);
    }
  }
}
