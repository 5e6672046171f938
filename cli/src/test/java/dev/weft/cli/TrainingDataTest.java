package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.Weft;
import dev.weft.random.RandomKey;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Examples as they are read, divided and scaled. */
class TrainingDataTest {
  private static final RandomKey KEY = RandomKey.of(3);
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

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1,2,0\n3,-4.5,1\n5e0,+6,2\n7,.5,0\n9,1e1,1\n",
        "x,y,class\n1,2,0\n3,-4.5,1\n5,6,2\n7,0.5,0\n9,10,1",
        "\uFEFF\"x\",\"y, \u00e4\",class\r\n\r\n1,2,0\r\n3,-4.5,1\r\n \t\r\n5,6,2\r\n7,0.5,0\r\n9,10,1\r\n\r\n",
        "\n\n 1 , 2 , 0\r3,-4.5,1.0\r5,6,2\r7,0.5,0\r9,10,1",
      })
  void csvIsReadWithAndWithoutAHeader(String text) throws IOException {
    try (Examples read = Examples.read(backend, csv(text), null)) {
      assertThat(read.labels()).containsExactly(0, 1, 2, 0, 1);
      assertThat(inputs(read, 10)).containsExactly(1, 2, 3, -4.5f, 5, 6, 7, .5f, 9, 10);
    }
  }

  @ParameterizedTest
  @CsvSource({"<f4", "<f8", "<f2", "|u1", "<i4", "<i8"})
  void npyOfEveryTypeIsFlattened(String type) throws IOException {
    Path data = npy("x.npy", type, "(6, 2, 1)", IntStream.range(0, 12).toArray());
    Path labels = npy("y.npy", type, "(6,)", 0, 1, 2, 3, 4, 5);
    try (Examples read = Examples.read(backend, data, labels)) {
      assertThat(read.inputs().shape().dims()).containsExactly(6, 2);
      assertThat(read.labels()).containsExactly(0, 1, 2, 3, 4, 5);
      assertThat(inputs(read, 12)).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    }
  }

  @Test
  void mnistFilesAreReadPackedToo() throws IOException {
    Path data = directory.resolve("images-idx3-ubyte.gz");
    Path labels = directory.resolve("labels-idx1-ubyte");
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
      gzip.write(idx(new int[] {5, 1, 2}, 0, 1, 2, 3, 4, 5, 6, 7, 8, 255));
    }
    Files.write(data, packed.toByteArray());
    Files.write(labels, idx(new int[] {5}, 9, 8, 7, 6, 5));
    try (Examples read = Examples.read(backend, data, labels)) {
      assertThat(inputs(read, 10)).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 255);
      assertThat(read.labels()).containsExactly(9, 8, 7, 6, 5);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // lines, separated by ; | the rule | the place and value
        "1,2,0;1,2,1;1,2;1,2,1;1,2,0 | need 3 columns as in the lines before | line=3, columns=2",
        "1,2,0;1,2,1;1,2,1,1;1,2,1;1,2,0 | need 3 columns | line=3, columns=4",
        "x,y,c;1,2,0;;1,nan,1;1,2,1;1,2,1;1,2,0 | need a finite number | line=4, column=2, value=nan",
        "x,y,c;x,y,c;1,2,1;1,2,1;1,2,1;1,2,0 | need a finite number | line=2, column=1, value=x",
        "1,,0;1,2,1;1,2,1;1,2,1;1,2,0 | need a finite number | line=1, column=2, value=",
        "1,0x1p3,0;1,2,1;1,2,1;1,2,1;1,2,0 | need a finite number | line=1, column=2, value=0x1p3",
        "1,2f,0;1,2,1;1,2,1;1,2,1;1,2,0 | need a finite number | line=1, column=2, value=2f",
        "1e39,2,0;1,2,1;1,2,1;1,2,1;1,2,0 | need a finite number in the range of f32 | line=1, column=1, value=1e39",
        "1,2,0;1,2,1.5;1,2,1;1,2,1;1,2,0 | need a whole number from 0 on | line=2, column=3, value=1.5",
        "1,2,0;1,2,-1;1,2,1;1,2,1;1,2,0 | need a whole number from 0 on | line=2, column=3, value=-1",
        "1,2,0;1,2,cat;1,2,1;1,2,1;1,2,0 | need a whole number from 0 on | line=2, column=3, value=cat",
        "1,2,0;1,2,2147483647;1,2,1;1,2,1;1,2,0 | need a whole number from 0 on | value=2147483647",
        "1;2;3;4;5 | need inputs and a label | line=1, columns=1",
        "x,c;1,0;2,1;3,0;4,1 | need 5 examples or more | examples=4",
        "1,0;2,1 | need 5 examples or more | examples=2",
        ";;;;;;; | need 5 examples or more | examples=0",
      })
  void aBadLineIsNamed(String lines, String rule, String place) {
    refuses(csv(lines.strip().replace(';', '\n')), null, "--data: ", rule, place, "d.csv");
    assertThat(backend.memory().allocatedBytes()).isZero();
  }

  @Test
  void badPairsAreNamed() {
    int[] twelve = new int[12];
    Path data = npy("x.npy", "<f4", "(6, 2)", twelve);
    Path labels = npy("y.npy", "<i4", "(6,)", new int[6]);
    refuses(data, null, "--labels: need a file of labels", "x.npy");
    refuses(csv("1,0\n"), labels, "--labels: need none with .csv");
    refuses(data, csv("1,0\n"), "--labels: need a name that ends in .npy, -ubyte", "d.csv");
    refuses(directory.resolve("x.txt"), null, "--data: need a name that ends in .csv, .npy");
    refuses(npy("x1.npy", "<f4", "(12,)", twelve), labels, "two dimensions", "shape=[12]");
    refuses(npy("x3.npy", "<f4", "(4, 3)", twelve), labels, "5 examples", "examples=4");
    refuses(npy("x0.npy", "<f4", "(6, 0)"), labels, "need at least one input", "[6, 0]");
    refuses(data, npy("y5.npy", "<i4", "(5,)", new int[5]), "need shape [6]", "shape=[5]");
    refuses(data, npy("y2.npy", "<i4", "(6, 1)", new int[6]), "need shape [6]", "[6, 1]");
    Path negative = npy("yn.npy", "<i4", "(6,)", 0, 1, -1, 0, 0, 0);
    refuses(data, negative, "--labels: need whole numbers from 0 on", "example=2, value=-1.0");
    Path nan = npy("nan.npy", "<f4", "(6, 2)", twelve);
    patch(nan, 5, Float.NaN);
    refuses(nan, labels, "--data: need finite numbers", "example=2, input=1, value=NaN");
    assertThat(backend.memory().allocatedBytes()).isZero();
  }

  @Test
  void aFifthIsHeldOutByTheSeed() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 103; i++) {
      text.append(i).append(',').append(i % 7).append('\n');
    }
    int[] order = IntStream.range(0, 103).toArray();
    Shuffle.permute(KEY.child("split"), order);
    try (TrainingData data = data(text.toString(), KEY);
        TrainingData again = data(text.toString(), KEY);
        TrainingData other = data(text.toString(), RandomKey.of(4))) {
      assertThat(data.heldOut()).containsExactly(Arrays.copyOf(order, 20));
      assertThat(data.training()).containsExactly(Arrays.copyOfRange(order, 20, 103));
      assertThat(again.heldOut()).containsExactly(data.heldOut());
      assertThat(other.heldOut()).isNotEqualTo(data.heldOut());
      assertThat(data.classes()).isEqualTo(7);
      assertThat(data.inputs()).isEqualTo(1);
      float[] x = new float[103];
      int[] labels = new int[103];
      data.copy(order, 0, 103, MemorySegment.ofArray(x), labels);
      for (int i = 0; i < 103; i++) {
        assertThat(labels[i]).isEqualTo(order[i] % 7);
        assertThat(x[i]).isEqualTo(order[i] / data.scale());
      }
    }
  }

  /** What is held out may not leak into the scale. */
  @Test
  void scaleIsThatOfTheTrainingPart() throws IOException {
    int[] order = {0, 1, 2, 3, 4};
    Shuffle.permute(KEY.child("split"), order);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 5; i++) {
      text.append(i == order[0] ? "100" : i == order[1] ? "-8" : "4").append(",0\n");
    }
    try (TrainingData data = data(text.toString(), KEY);
        TrainingData zeros = data("0,0\n".repeat(5), KEY)) {
      assertThat(data.scale()).isEqualTo(8);
      float[] x = new float[5];
      data.copy(order, 0, 5, MemorySegment.ofArray(x), new int[5]);
      assertThat(x).containsExactly(12.5f, -1, .5f, .5f, .5f);
      assertThat(zeros.scale()).isEqualTo(1);
    }
  }

  private TrainingData data(String text, RandomKey key) throws IOException {
    return new TrainingData(Examples.read(backend, csv(text), null), key);
  }

  private static void refuses(Path data, Path labels, String... parts) {
    assertThatThrownBy(() -> Examples.read(backend, data, labels).close())
        .isInstanceOf(UsageException.class)
        .hasMessageContainingAll(parts);
  }

  private static float[] inputs(Examples examples, int count) {
    float[] values = new float[count];
    MemorySegment.ofArray(values)
        .copyFrom(examples.inputs().segment().asSlice(0, count * (long) Float.BYTES));
    return values;
  }

  private Path csv(String text) {
    return write("d.csv", text.getBytes(StandardCharsets.UTF_8));
  }

  private Path npy(String name, String type, String shape, int... values) {
    int size = type.charAt(2) - '0';
    String header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
    byte[] text =
        (header + " ".repeat(117 - header.length()) + "\n").getBytes(StandardCharsets.US_ASCII);
    ByteBuffer bytes =
        ByteBuffer.allocate(10 + text.length + size * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0});
    bytes.putShort((short) text.length).put(text);
    for (int value : values) {
      switch (type) {
        case "<f4" -> bytes.putFloat(value);
        case "<f8" -> bytes.putDouble(value);
        case "<f2" -> bytes.putShort(Float.floatToFloat16(value));
        case "|u1" -> bytes.put((byte) value);
        case "<i4" -> bytes.putInt(value);
        case "<i8" -> bytes.putLong(value);
        default -> throw new AssertionError(type);
      }
    }
    return write(name, bytes.array());
  }

  private static void patch(Path npy, int element, float value) {
    try {
      byte[] bytes = Files.readAllBytes(npy);
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(128 + 4 * element, value);
      Files.write(npy, bytes);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static byte[] idx(int[] dims, int... values) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeInt(0x800 | dims.length);
    for (int dim : dims) {
      out.writeInt(dim);
    }
    for (int value : values) {
      out.write(value);
    }
    return bytes.toByteArray();
  }

  private Path write(String name, byte[] bytes) {
    try {
      return Files.write(directory.resolve(name), bytes);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
