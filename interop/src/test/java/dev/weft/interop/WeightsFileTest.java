package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Initializers;
import dev.weft.nn.Activation;
import dev.weft.nn.Mlp;
import dev.weft.random.RandomKey;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Weights of models: what is saved is what is loaded, all of it or nothing. */
class WeightsFileTest {
  private static Backend backend;

  @TempDir Path directory;

  private final List<Tensor> made = new ArrayList<>();

  @BeforeAll
  static void open() {
    backend = Weft.open("cpu");
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  @AfterEach
  void closeTensors() {
    made.forEach(Tensor::close);
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void tensorsComeBackBitByBit(DType dtype) throws IOException {
    Map<String, Tensor> saved = new LinkedHashMap<>();
    Map<String, Tensor> loaded = new LinkedHashMap<>();
    List<Shape> shapes =
        List.of(
            Shape.of(), Shape.of(1), Shape.of(0, 3), Shape.of(3, 5), Shape.of(7), Shape.of(257, 3));
    for (int i = shapes.size() - 1; i >= 0; i--) { // names against the order of the map
      saved.put("t" + i, tensor(dtype, shapes.get(i), i));
      loaded.put(
          "t" + (shapes.size() - 1 - i), tensor(dtype, shapes.get(shapes.size() - 1 - i), 99));
    }
    Path file = directory.resolve("w.safetensors");
    WeightsFile.save(file, saved, Map.of("a", "b", "ü", "\"\n"));
    assertThat(WeightsFile.load(file, loaded)).isEqualTo(Map.of("a", "b", "ü", "\"\n"));
    saved.forEach((name, tensor) -> assertThat(bytes(loaded.get(name))).isEqualTo(bytes(tensor)));
    try (SafetensorsFile read = SafetensorsFile.open(file)) {
      assertThat(read.tensors()).extracting(StoredTensor::name).containsAll(saved.keySet());
      for (StoredTensor stored : read.tensors()) {
        assertThat(stored.type()).contains(ElementType.valueOf(dtype.name()));
        assertThat(stored.shape()).isEqualTo(saved.get(stored.name()).shape());
        assertThat(stored.data().toArray(ValueLayout.JAVA_BYTE))
            .isEqualTo(bytes(saved.get(stored.name())));
      }
    }
  }

  @Test
  void orderIsKeptAmongElementsOfOneSize() throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put("z", tensor(DType.F32, Shape.of(2), 1));
    tensors.put("half", tensor(DType.F16, Shape.of(3), 2));
    tensors.put("a10", tensor(DType.F32, Shape.of(5), 3));
    tensors.put("double", tensor(DType.F64, Shape.of(1), 4));
    tensors.put("a9", tensor(DType.F32, Shape.of(1), 5));
    Path file = directory.resolve("w.safetensors");
    WeightsFile.save(file, tensors, Map.of());
    try (SafetensorsFile read = SafetensorsFile.open(file)) {
      assertThat(read.tensors())
          .extracting(StoredTensor::name)
          .containsExactly("double", "z", "a10", "a9", "half");
      assertThat(read.tensors())
          .allSatisfy(
              stored ->
                  assertThat(stored.data().address() % stored.type().orElseThrow().byteSize())
                      .isZero());
    }
  }

  @Test
  void aPerceptronGivesWhatTheSavedOneGives() throws IOException {
    Path file = directory.resolve("mlp.safetensors");
    try (Mlp mlp = mlp(1);
        Mlp other = mlp(2)) {
      Tensor x = tensor(DType.F32, Shape.of(4, 5), 3);
      Tensor y = tensor(DType.F32, Shape.of(4, 3), 4);
      Tensor z = tensor(DType.F32, Shape.of(4, 3), 5);
      mlp.forward(x, y);
      other.forward(x, z);
      assertThat(bytes(z)).isNotEqualTo(bytes(y));
      WeightsFile.save(file, mlp.parameters(), Map.of());
      WeightsFile.load(file, other.parameters());
      other.forward(x, z);
      assertThat(bytes(z)).isEqualTo(bytes(y));
    }
  }

  @Test
  void memoryOfTheCallerIsSavedAndLoaded() throws IOException {
    float[] mine = {1, 2, 3};
    Path file = directory.resolve("w.safetensors");
    try (Tensor heap = backend.wrap(mine, Shape.of(3))) {
      WeightsFile.save(file, Map.of("w", heap), Map.of());
      mine[1] = 9;
      WeightsFile.load(file, Map.of("w", heap));
    }
    assertThat(mine).containsExactly(1, 2, 3);
  }

  @Test
  void noTensorsAreAFileToo() throws IOException {
    Path file = directory.resolve("w.safetensors");
    WeightsFile.save(file, Map.of(), Map.of("k", "v"));
    assertThat(WeightsFile.load(file, Map.of())).isEqualTo(Map.of("k", "v"));
  }

  @Test
  void anotherModelIsRefusedBeforeAnyByteIsWritten() throws IOException {
    Path file = directory.resolve("w.safetensors");
    Map<String, Tensor> saved = new LinkedHashMap<>();
    saved.put("a", tensor(DType.F32, Shape.of(2, 3), 1));
    saved.put("b", tensor(DType.F32, Shape.of(6), 2));
    WeightsFile.save(file, saved, Map.of());
    Tensor a = tensor(DType.F32, Shape.of(2, 3), 7);
    Tensor b = tensor(DType.F32, Shape.of(6), 8);
    Tensor turned = tensor(DType.F32, Shape.of(3, 2), 9);
    Tensor wide = tensor(DType.F64, Shape.of(6), 10);
    refuses(file, Map.of("a", a), "exactly the model's 1 tensors", "missing=[]", "extra=[b]");
    refuses(file, ordered("a", a, "b", b, "c", wide), "missing=[c]", "extra=[]");
    refuses(file, ordered("a", a, "c", b), "missing=[c]", "extra=[b]");
    refuses(file, ordered("b", b, "a", turned), "need shape [3, 2]", "tensor=a", "shape=[2, 3]");
    refuses(file, ordered("a", a, "b", wide), "need type F64", "tensor=b", "type=F32");
    refuses(file, Map.of(), "0 tensors", "extra=[a, b]");
  }

  @Test
  void hostileFilesAreRefusedBeforeAnyByteIsWritten() throws IOException {
    Path good = directory.resolve("good.safetensors");
    Tensor a = tensor(DType.F32, Shape.of(2, 3), 1);
    Tensor b = tensor(DType.F32, Shape.of(6), 2);
    WeightsFile.save(good, ordered("a", a, "b", b), Map.of());
    byte[] bytes = Files.readAllBytes(good);
    Path file = directory.resolve("bad.safetensors");
    Map<String, Tensor> tensors = ordered("a", a, "b", b);
    for (int length : new int[] {0, 7, 8, 63, bytes.length - 1}) {
      Files.write(file, java.util.Arrays.copyOf(bytes, length));
      refuses(file, tensors, "safetensors: need");
    }
    edit(good, file, text -> text.replace("\"b\"", "\"a\""));
    refuses(file, tensors, "json: need");
    edit(good, file, text -> text.replace("[24,48]", "[23,47]"));
    refuses(file, tensors, "without hole or overlap");
    edit(good, file, text -> text.replace("[2,3]", "[3,2]"));
    refuses(file, tensors, "need shape [2, 3]", "shape=[3, 2]");
    edit(good, file, text -> text.replace("\"shape\":[6]", "\"shape\":[7]"));
    refuses(file, tensors, "shape times type");
    edit(good, file, text -> text.replace("F32", "I32"));
    refuses(file, tensors, "need type F32", "type=I32");
    edit(good, file, text -> text.replace("F32", "F_9"));
    refuses(file, tensors, "need type F32", "type=F_9");
    assertThatThrownBy(() -> WeightsFile.load(directory.resolve("no.safetensors"), tensors))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no.safetensors");
  }

  @Test
  void aTensorThatCannotBeUsedIsFoundFirst() throws IOException {
    Path file = directory.resolve("w.safetensors");
    Tensor a = tensor(DType.F32, Shape.of(4), 1);
    Tensor b = tensor(DType.F32, Shape.of(4), 2);
    WeightsFile.save(file, ordered("a", a, "b", b), Map.of());
    a.fill(Initializers.zeros(), RandomKey.of(0));
    Tensor closed = backend.tensor(DType.F32, Shape.of(4));
    closed.close();
    assertThatThrownBy(() -> WeightsFile.load(file, ordered("a", a, "b", closed)))
        .isInstanceOf(ClosedException.class);
    assertThatThrownBy(() -> WeightsFile.save(file, ordered("a", a, "b", closed), Map.of()))
        .isInstanceOf(ClosedException.class);
    Arena ended = Arena.ofShared();
    Tensor dead = backend.wrap(ended.allocate(16), DType.F32, Shape.of(4));
    ended.close();
    assertThatThrownBy(() -> WeightsFile.load(file, ordered("a", a, "b", dead)))
        .isInstanceOf(ClosedException.class)
        .hasMessageContaining("weights: need memory that is alive");
    assertThat(bytes(a)).containsOnly(0);
    WeightsFile.load(file, ordered("a", a, "b", b)); // the file is as it was
    assertThat(names()).containsExactly("w.safetensors");
  }

  @Test
  void badArgumentsAreNamedAndLeaveNothing() throws IOException {
    Tensor a = tensor(DType.F32, Shape.of(1), 1);
    assertThatThrownBy(() -> WeightsFile.save(directory.resolve("w.npy"), Map.of("a", a), Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("weights: need a name that ends in .safetensors, got file=");
    Path file = directory.resolve("w.safetensors");
    assertThatThrownBy(() -> WeightsFile.save(file, Map.of("__metadata__", a), Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("__metadata__");
    assertThatThrownBy(
            () -> WeightsFile.save(directory.resolve("no/w.safetensors"), Map.of("a", a), Map.of()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("directory that exists");
    assertThat(names()).isEmpty();
  }

  private void refuses(Path file, Map<String, Tensor> tensors, String... parts) {
    Map<String, byte[]> before = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> before.put(name, bytes(tensor)));
    assertThatThrownBy(() -> WeightsFile.load(file, tensors))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContainingAll(parts);
    tensors.forEach((name, tensor) -> assertThat(bytes(tensor)).isEqualTo(before.get(name)));
  }

  /** Copies a file with another header of the same length. */
  private static void edit(Path from, Path to, UnaryOperator<String> change) throws IOException {
    String text = Files.readString(from, StandardCharsets.ISO_8859_1);
    String changed = change.apply(text);
    assertThat(changed).isNotEqualTo(text).hasSameSizeAs(text);
    Files.writeString(to, changed, StandardCharsets.ISO_8859_1);
  }

  private static Map<String, Tensor> ordered(Object... namesAndTensors) {
    Map<String, Tensor> map = new LinkedHashMap<>();
    for (int i = 0; i < namesAndTensors.length; i += 2) {
      map.put((String) namesAndTensors[i], (Tensor) namesAndTensors[i + 1]);
    }
    return map;
  }

  private Tensor tensor(DType dtype, Shape shape, long seed) {
    Tensor tensor = backend.tensor(dtype, shape);
    made.add(tensor);
    tensor.fill(Initializers.normal(0, 1), RandomKey.of(seed));
    return tensor;
  }

  private static Mlp mlp(long seed) {
    return Mlp.of(5)
        .dense(7, Activation.RELU)
        .dense(3, Activation.SOFTMAX)
        .build(backend, RandomKey.of(seed));
  }

  private static byte[] bytes(Tensor tensor) {
    return tensor.segment().toArray(ValueLayout.JAVA_BYTE);
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }
}
