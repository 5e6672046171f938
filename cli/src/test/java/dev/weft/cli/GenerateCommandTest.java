package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import dev.weft.interop.Json;
import dev.weft.interop.StoredTensor;
import dev.weft.interop.TensorFile;
import dev.weft.random.RandomKey;
import dev.weft.random.StreamOrder;
import java.io.ByteArrayOutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GenerateCommandTest {
  @TempDir Path directory;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "bits | 1001 | f32",
        "bits | 77 | f64",
        "bits | 77 | bf16",
        "zeros | 5,3 | f16",
        "ones | 5,3 | bf16",
        "constant:value=2.5 | 4 | f64",
        "uniform:minval=-1,maxval=3 | 999 | f32",
        "normal:mean=1,stddev=2 | 333,3 | f16",
        "truncated_normal | 1001 | bf16",
        "truncated_normal:min=-1,max=1,stddev=1 | 1001 | f32",
        "variance_scaling:scale=2,mode=fan_avg,distribution=uniform | 30,40 | f32",
        "glorot_uniform | 30,40 | f32",
        "glorot_normal:semantics=torch | 30,40 | f64",
        "he_uniform | 3,3,5,7 | f32",
        "he_normal:mode=fan_out | 3,3,5,7 | f32",
        "lecun_uniform | 30,40 | f32",
        "lecun_normal | 30,40 | f32",
        "torch_linear | 30,40 | f32",
        "orthogonal:gain=2 | 40,30 | f32",
        "delta_orthogonal | 3,3,5,7 | f32",
        "identity | 5,9 | f32",
        "dirac | 3,3,5,5 | f32",
        "sparse | 50,20 | f32",
        "uniform | 0 | f32",
        "uniform | 4000003 | f32",
      })
  void writesWhatTheApiWritesToEveryPlace(String init, String shape, String type) throws Exception {
    DType dtype = DType.parse(type);
    byte[] expected = expected(init, shape, dtype, RandomKey.of(42), Layout.KERAS);
    List<String> line =
        List.of("generate", "--init", init, "--shape", shape, "--dtype", type, "--seed", "42");
    Run stdout = run(line, "--out", "-");
    assertThat(stdout.code()).as(stdout.err()).isZero();
    assertThat(stdout.bytes()).isEqualTo(expected);
    List<String> ends = new ArrayList<>(List.of(".bin", ".safetensors"));
    if (dtype != DType.BF16 || init.equals("bits")) {
      ends.add(".npy");
    }
    for (String end : ends) {
      Path file = directory.resolve("w" + end);
      Run run = run(line, "--out", file.toString());
      assertThat(run.code()).as(run.err()).isZero();
      assertThat(run.out()).isEmpty();
      if (end.equals(".bin")) {
        assertThat(Files.readAllBytes(file)).isEqualTo(expected);
      } else {
        try (TensorFile opened = TensorFile.open(file)) {
          StoredTensor tensor = opened.tensors().getFirst();
          assertThat(tensor.shape()).isEqualTo(Shape.parse(shape));
          assertThat(tensor.data().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(expected);
          String stored = init.equals("bits") ? "U" + 8 * dtype.byteSize() : dtype.name();
          assertThat(tensor.type().orElseThrow().name()).isEqualTo(stored);
        }
        assertThat(Run.of("verify", file.toString()).code()).isZero();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"scalar", "cpu", "auto"})
  void bytesDependNeitherOnBackendNorThreads(String backend) {
    List<String> line = List.of("generate", "--init", "normal", "--shape", "100003", "--out", "-");
    byte[] expected = run(line).bytes();
    for (String threads : List.of("0", "1", "2", "3")) {
      Run run = run(line, "--backend", backend, "--threads", threads);
      assertThat(run.code()).as(run.err()).isZero();
      assertThat(run.bytes()).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"uniform", "normal", "orthogonal", "sparse", "identity"})
  void sliceIsThatPartOfTheWhole(String init) throws Exception {
    List<String> line = List.of("generate", "--init", init, "--shape", "211,97");
    byte[] whole = run(line, "--out", "-").bytes();
    for (long[] slice : new long[][] {{0, 20467}, {1, 2}, {97, 5003}, {20460, 20467}, {7, 7}}) {
      String text = slice[0] + ":" + slice[1];
      byte[] part = Arrays.copyOfRange(whole, (int) slice[0] * 4, (int) slice[1] * 4);
      assertThat(run(line, "--slice", text, "--out", "-").bytes()).isEqualTo(part);
      Path file = directory.resolve("slice.npy");
      assertThat(run(line, "--slice", text, "--out", file.toString()).code()).isZero();
      try (TensorFile opened = TensorFile.open(file)) {
        StoredTensor tensor = opened.tensors().getFirst();
        assertThat(tensor.shape()).isEqualTo(Shape.of(slice[1] - slice[0]));
        assertThat(tensor.data().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(part);
      }
      assertThat(Run.of("verify", file.toString()).code()).isZero();
    }
  }

  @Test
  void sliceFarBeyondMemoryNeedsNone() {
    Run run =
        Run.of(
            "generate",
            "--init",
            "bits",
            "--shape",
            "1099511627776,1048576",
            "--slice",
            "1152921504606846000:1152921504606846004",
            "--out",
            "-");
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.bytes()).hasSize(16);
  }

  @Test
  void childOrderAndLayoutAreThoseOfTheApi() {
    RandomKey key = new RandomKey(-1L, StreamOrder.SEQUENTIAL).child("layer0/kernel");
    byte[] expected = expected("he_normal", "64,32,3,3", DType.F32, key, Layout.TORCH);
    for (String seed : List.of("-1", "18446744073709551615", "0xffffffffffffffff")) {
      Run run =
          Run.of(
              "generate",
              "--init",
              "he_normal",
              "--shape",
              "64,32,3,3",
              "--layout",
              "torch",
              "--order",
              "sequential",
              "--seed",
              seed,
              "--child",
              "layer0/kernel",
              "--out",
              "-");
      assertThat(run.code()).as(run.err()).isZero();
      assertThat(run.bytes()).isEqualTo(expected);
    }
  }

  @Test
  void bitsAreTheWordsOfTheStream() { // known answers of cuRAND's host generator, seed 0
    ByteBuffer bytes =
        ByteBuffer.wrap(Run.of("generate", "--init", "bits", "--shape", "4", "--out", "-").bytes())
            .order(ByteOrder.LITTLE_ENDIAN);
    assertThat(bytes.getInt()).isEqualTo(0x6627e8d5);
    assertThat(bytes.getInt()).isEqualTo(0xe169c58d);
    assertThat(bytes.getInt()).isEqualTo(0xbc57ac4c);
    assertThat(bytes.getInt()).isEqualTo(0x9b00dbd8);
  }

  @Test
  void orthogonalReportsItsError() throws Exception {
    List<String> line = List.of("generate", "--init", "orthogonal:gain=3", "--shape", "60,40");
    assertThat(run(line, "--out", "-").err()).contains("max |QᵀQ − I| = ");
    Path file = directory.resolve("q.npy");
    Run run = run(line, "--json", "--out", file.toString());
    assertThat(run.err()).contains("max |QᵀQ − I| = ");
    Map<?, ?> facts = (Map<?, ?>) Json.parse("stdout", run.out());
    assertThat((Double) facts.get("orthogonality_error")).isBetween(0.0, 1e-5);
    assertThat(Run.of("verify", file.toString()).code()).isZero();
    assertThat(run(line, "--slice", "0:40", "--out", "-").err()).isEmpty();
  }

  @Test
  void jsonSaysWhatWasWritten() throws Exception {
    Path file = directory.resolve("w.safetensors");
    Run run =
        Run.of(
            "generate",
            "--init",
            "normal",
            "--shape",
            "3,5",
            "--seed",
            "7",
            "--child",
            "a/b",
            "--dtype",
            "bf16",
            "--backend",
            "scalar",
            "--json",
            "--out",
            file.toString());
    assertThat(run.code()).as(run.err()).isZero();
    Map<?, ?> facts = (Map<?, ?>) Json.parse("stdout", run.out());
    assertThat(facts.get("seed")).isEqualTo(7L);
    assertThat(facts.get("child")).isEqualTo("a/b");
    assertThat(facts.get("shape")).isEqualTo(List.of(3L, 5L));
    assertThat(facts.get("dtype")).isEqualTo("bf16");
    assertThat(facts.get("backend")).isEqualTo("scalar");
    assertThat(facts.get("bytes")).isEqualTo(30L);
    assertThat(facts.get("device").toString()).isNotEmpty();
    assertThat(facts.get("jdk").toString()).startsWith("25");
    assertThat((Double) facts.get("seconds")).isPositive();
    try (TensorFile opened = TensorFile.open(file)) {
      assertThat(opened.tensors().getFirst().name()).isEqualTo("a/b");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"-", "w.npy", "w.safetensors", "w.bin"})
  void matrixThatDoesNotFitIsOutOfMemory(String name) throws Exception {
    String out = name.equals("-") ? name : directory.resolve(name).toString();
    Run run =
        Run.of("generate", "--init", "orthogonal", "--shape", "1000000,1000000", "--out", out);
    assertThat(run.code()).as(run.err()).isEqualTo(Exit.MEMORY);
    assertThat(run.err().strip().lines()).hasSize(1);
    assertThat(run.err()).contains("out of memory");
    assertThat(directory).isEmptyDirectory();
  }

  @Test
  void elementsAreNotWrittenToATerminal() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    StringWriter err = new StringWriter();
    Streams terminal =
        new Streams(Channels.newChannel(out), new PrintWriter(err, true), true, () -> true);
    String[] line = {"generate", "--init", "ones", "--shape", "3", "--out", "-"};
    assertThat(Main.run(terminal, line)).isEqualTo(Exit.USAGE);
    assertThat(err.toString())
        .startsWith("weft generate: --out: need a pipe or a file for the raw elements")
        .contains("| od");
    assertThat(out.size()).isZero();
    assertThat(Run.of(line).bytes()).hasSize(12); // the control
    assertThat(Main.run(terminal, "devices")).isZero(); // words are
  }

  @Test
  void largeLettersNameTheSameFormat() throws Exception {
    Path file = directory.resolve("W.NPY");
    Run run = Run.of("generate", "--init", "ones", "--shape", "3", "--out", file.toString());
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(Files.size(file)).isEqualTo(128 + 12);
    assertThat(directory.resolve("W.NPY.json")).exists();
  }

  private static Run run(List<String> line, String... more) {
    List<String> all = new ArrayList<>(line);
    all.addAll(List.of(more));
    return Run.of(all.toArray(String[]::new));
  }

  private static byte[] expected(
      String init, String shape, DType dtype, RandomKey key, Layout layout) {
    try (Backend backend = Weft.open("scalar");
        Tensor tensor = backend.tensor(dtype, Shape.parse(shape))) {
      tensor.fill(InitializerSpec.parse(init).initializer(layout), key);
      return tensor.segment().toArray(ValueLayout.JAVA_BYTE);
    }
  }

  /** A receipt determines every byte, so a GPU leaves orthogonal matrices to the CPU. */
  @Test
  void aGpuLeavesOrthogonalMatricesToTheCpuUnlessToldOtherwise() {
    try {
      System.clearProperty(Main.ORTHOGONAL_PROPERTY);
      Run.of("--version");
      assertThat(System.getProperty(Main.ORTHOGONAL_PROPERTY)).isEqualTo("cpu");
      System.setProperty(Main.ORTHOGONAL_PROPERTY, "auto");
      Run.of("--version");
      assertThat(System.getProperty(Main.ORTHOGONAL_PROPERTY)).isEqualTo("auto");
    } finally {
      System.clearProperty(Main.ORTHOGONAL_PROPERTY);
    }
  }
}
