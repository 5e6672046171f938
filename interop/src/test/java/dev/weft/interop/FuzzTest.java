package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.testkit.fuzz.Effort;
import dev.weft.testkit.fuzz.Fuzzer;
import dev.weft.testkit.fuzz.Limits;
import dev.weft.testkit.fuzz.Report;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Mutated inputs of every format are read or refused, at a cost in proportion to their size. What
 * is read, and can be written, reads back the same.
 */
@Tag("fuzz")
class FuzzTest {
  private static final long INPUTS = 2500;
  private static final long FILES = 400; // each of them is written first
  private static final String MANIFEST =
      """
      {"name": "m", "layout": "torch", "dtype": "f32", "tensors": [
        {"name": "a", "shape": [2, 3], "init": "he_normal:negative_slope=0.1"},
        {"name": "b", "shape": [3], "init": "truncated_normal:min=-1,max=2", "dtype": "bf16"},
        {"name": "c", "shape": [2, 2], "init": "orthogonal:gain=2", "key": "a", "layout": "keras"}
      ]}
      """;

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
  void npy() throws IOException {
    Fuzzer fuzzer = Fuzzer.of("npy", this::readNpy).refusing(FormatException.class);
    for (DType dtype : List.of(DType.F16, DType.F32, DType.F64)) {
      fuzzer.seed(generated("seed.npy", "normal", dtype, Shape.of(2, 3)));
    }
    fuzzer.seed(generated("seed.npy", "bits", DType.F64, Shape.of(0, 5)));
    fuzzer.seed(resource("mean-overflows-f64.npy"));
    fuzzer.tokens(
        "'descr': ",
        "'fortran_order': ",
        "'shape': ",
        "'<f8'",
        "'>f4'",
        "'=f4'",
        "u'<f4'",
        "'|b1'",
        "'|O'",
        "'<U9999999'",
        "[('a', '<f4')]",
        "True",
        "False",
        "(3,)",
        "(2, 3)",
        "3L",
        "(",
        ")",
        "\u0001\u0000",
        "\u0002\u0000",
        "\u0003\u0000");
    run(fuzzer, "npy", FILES);
  }

  private void readNpy(byte[] input) throws IOException {
    Path file = Files.write(directory.resolve("input.npy"), input);
    try (NpyFile npy = NpyFile.open(file)) {
      StoredTensor tensor = npy.tensor();
      List<Double> elements = elements(tensor);
      if (tensor.shape().rank() > 100 || tensor.typeName().startsWith(">")) {
        return; // a header that weft would not write
      }
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      out.writeBytes(NpyFile.header(tensor.type().orElseThrow(), tensor.shape()));
      out.writeBytes(tensor.data().toArray(ValueLayout.JAVA_BYTE));
      try (NpyFile again =
          NpyFile.open(Files.write(directory.resolve("again.npy"), out.toByteArray()))) {
        requireSame(again.tensor().shape(), tensor.shape());
        requireSame(again.tensor().type(), tensor.type());
        requireSame(elements(again.tensor()), elements);
      }
    }
  }

  @Test
  void safetensors() throws IOException {
    Fuzzer fuzzer = Fuzzer.of("safetensors", this::readSafetensors).refusing(FormatException.class);
    for (DType dtype : DType.values()) {
      fuzzer.seed(generated("seed.safetensors", "uniform", dtype, Shape.of(2, 3)));
    }
    Path model = directory.resolve("model.safetensors");
    ModelManifest manifest = ModelManifest.parse("seed", MANIFEST);
    ModelWriter.write(backend, manifest, RandomKey.of(1), model, (tensors, bytes) -> {});
    fuzzer.seed(Files.readAllBytes(model));
    for (String name :
        List.of(
            "receipt-of-another-type",
            "escape-in-a-name",
            "escape-in-a-type",
            "newline-in-a-name",
            "one-element-of-orthogonal-4000")) {
      fuzzer.seed(resource(name + ".safetensors"));
    }
    fuzzer.tokens(
        "\"__metadata__\":null,",
        "\"__metadata__\":{},",
        "\"dtype\":",
        "\"shape\":[",
        "\"data_offsets\":[0,",
        "\"F8_E4M3\"",
        "\"F64\"",
        "\"BF16\"",
        "\"BOOL\"",
        "\"weft.receipt.a\":",
        "[0,0]",
        "\\\"shape\\\":\\\"3\\\"");
    run(fuzzer, "safetensors", FILES);
  }

  private void readSafetensors(byte[] input) throws IOException {
    Path file = Files.write(directory.resolve("input.safetensors"), input);
    try (SafetensorsFile stored = SafetensorsFile.open(file)) {
      List<SafetensorsLayout.Entry> entries = new ArrayList<>();
      List<List<Double>> elements = new ArrayList<>();
      for (StoredTensor tensor : stored.tensors()) {
        requireSame(stored.tensor(tensor.name()).orElseThrow(), tensor);
        if (tensor.type().isPresent()) {
          ElementType type = tensor.type().get();
          entries.add(new SafetensorsLayout.Entry(tensor.name(), type, tensor.shape()));
          elements.add(elements(tensor));
        }
      }
      writeAndRead(stored, entries, elements);
      for (StoredTensor tensor : stored.tensors()) {
        stored.receipt(tensor.name()).ifPresent(FuzzTest::requireReadsBack);
      }
    }
  }

  /** The tensors whose types weft has, in a new file. */
  private void writeAndRead(
      SafetensorsFile stored, List<SafetensorsLayout.Entry> entries, List<List<Double>> elements)
      throws IOException {
    SafetensorsLayout layout = SafetensorsLayout.inOrder(entries, stored.metadata());
    byte[] out = new byte[Math.toIntExact(layout.byteSize())];
    System.arraycopy(layout.header(), 0, out, 0, layout.header().length);
    for (SafetensorsLayout.Entry entry : entries) {
      byte[] data = stored.tensor(entry.name()).orElseThrow().data().toArray(ValueLayout.JAVA_BYTE);
      System.arraycopy(data, 0, out, Math.toIntExact(layout.offset(entry.name())), data.length);
    }
    Path file = Files.write(directory.resolve("again.safetensors"), out);
    try (SafetensorsFile again = SafetensorsFile.open(file)) {
      requireSame(again.metadata(), stored.metadata());
      requireSame(again.tensors().size(), entries.size());
      for (int i = 0; i < entries.size(); i++) {
        StoredTensor tensor = again.tensor(entries.get(i).name()).orElseThrow();
        requireSame(tensor.shape(), entries.get(i).shape());
        requireSame(elements(tensor), elements.get(i));
      }
    }
  }

  @Test
  void index() throws IOException {
    Path model = directory.resolve("shards.safetensors");
    ModelManifest manifest = ModelManifest.parse("seed", MANIFEST);
    List<Path> files =
        ModelWriter.write(backend, manifest, RandomKey.of(1), model, 30, (tensors, bytes) -> {});
    assertThat(files).hasSizeGreaterThan(2);
    String shard = files.getFirst().getFileName().toString();
    Fuzzer fuzzer =
        Fuzzer.of("index", this::readIndex)
            .refusing(IOException.class) // a shard may be missing
            .saying("")
            .seed(Files.readAllBytes(files.getLast()))
            .tokens(
                "\"" + shard + "\"",
                shard,
                "\"total_size\": ",
                "\"weight_map\": {",
                "\"metadata\"",
                "\"a\": ",
                "-00002-of-",
                ".safetensors",
                "/dev/zero",
                "..",
                "1.5",
                "\"48\"");
    run(fuzzer, "index", FILES);
  }

  private void readIndex(byte[] input) throws IOException {
    Path file = Files.write(directory.resolve("input.safetensors.index.json"), input);
    try (ShardedSafetensors index = ShardedSafetensors.open(file)) {
      for (StoredTensor tensor : index.tensors()) {
        requireSame(index.tensor(tensor.name()).orElseThrow(), tensor);
        elements(tensor);
        index.receipt(tensor.name()).ifPresent(FuzzTest::requireReadsBack);
      }
    }
  }

  @Test
  void manifest() throws IOException {
    Fuzzer fuzzer =
        Fuzzer.of("manifest", this::readManifest)
            .refusing(FormatException.class)
            .seed(MANIFEST.getBytes(StandardCharsets.UTF_8))
            .seed(resource("manifest-with-byte-order-mark.json"))
            .tokens(
                "\"name\": ",
                "\"source\": \"x\",",
                "\"key\": \"b\",",
                "\"dtype\": \"f64\",",
                "\"layout\": \"keras\",",
                "\"shape\": [",
                "\"init\": \"",
                "orthogonal",
                "dirac:",
                "delta_orthogonal",
                "sparse:sparsity=",
                "uniform:minval=",
                "variance_scaling:scale=");
    run(fuzzer, "manifest", FILES);
  }

  private void readManifest(byte[] input) throws IOException {
    ModelManifest manifest =
        ModelManifest.read(Files.write(directory.resolve("input.json"), input));
    for (ModelManifest.Entry entry : manifest.tensors()) {
      requireReadsBack(entry.receipt(RandomKey.of(1)));
    }
  }

  @Test
  void receipt() throws IOException {
    Fuzzer fuzzer =
        Fuzzer.of("receipt", FuzzTest::readReceipt)
            .refusing(FormatException.class)
            .tokens(
                "\"slice\":\"1:2\",",
                "\"box\":\"0,1;2,2\",",
                "\"children\":\"[\\\"a\\\"]\",",
                "\"order\":\"sequential\"",
                "\"dtype\":\"f16\"",
                "\"layout\":\"torch\"",
                "1,",
                ";",
                "\"init\":\"",
                "truncated_normal:lower=",
                "sparse:sparsity=",
                "\"seed\":\"");
    Region logical = Region.of(Shape.of(4, 3));
    for (Region region : List.of(logical, logical.slice(2, 7), box(logical))) {
      InitializerSpec spec = InitializerSpec.parse("truncated_normal:lower=-1,upper=3");
      Receipt receipt = Receipt.of(spec, Layout.KERAS, DType.F32, region, RandomKey.of(5));
      fuzzer.seed(receipt.child("größe").toJson().getBytes(StandardCharsets.UTF_8));
    }
    run(fuzzer, "receipt", INPUTS);
  }

  private static Region box(Region logical) {
    return logical.box(new long[] {1, 0}, new long[] {2, 3});
  }

  private static void readReceipt(byte[] input) throws IOException {
    requireReadsBack(Receipt.parse("input", new String(input, StandardCharsets.UTF_8)));
  }

  private static void requireReadsBack(Receipt receipt) {
    try {
      requireSame(Receipt.parse("again", receipt.toJson()), receipt);
    } catch (IOException e) {
      throw new AssertionError("a receipt does not read back", e);
    }
    requireSame(receipt.key(), receipt.key());
    try {
      receipt.elementType(); // plans the fill
    } catch (IllegalArgumentException e) {
      requireSame(e.getMessage().contains("need "), true);
    }
  }

  @Test
  void json() throws IOException {
    Fuzzer fuzzer =
        Fuzzer.of("json", FuzzTest::readJson)
            .refusing(FormatException.class)
            .seed(MANIFEST.getBytes(StandardCharsets.UTF_8))
            .seed(
                "[null, true, false, -0, -0.0, 1.5e-7, 9223372036854775807, \"\\ud83d\\ude00\\n\"]"
                    .getBytes(StandardCharsets.UTF_8))
            .seed("{\"a\": {\"b\": [[], {}, [{}]]}}".getBytes(StandardCharsets.UTF_8))
            .tokens("1e400", "0.0000001", "\\u0041", "\\/", "[{", "}]", "\"a\":", "tru");
    run(fuzzer, "json", INPUTS);
  }

  private static void readJson(byte[] input) throws IOException {
    Object value = Json.parse("input", input);
    try {
      requireSame(Json.parse("again", Json.write(value)), value);
      requireSame(Json.parse("again", Json.writePretty(value)), value);
    } catch (IOException e) {
      throw new AssertionError("JSON does not read back", e);
    }
  }

  @Test
  void idx() throws IOException {
    Fuzzer fuzzer =
        Fuzzer.of("idx", this::readIdx)
            .refusing(FormatException.class)
            // deflate makes 1000 bytes of one, which grow by doubling
            .within(new Limits(4 << 20, 6000, 1_000_000_000L, 20_000));
    for (String hex :
        List.of(
            "00000803000000020000000200000002" + "0102030405060708",
            "0000080100000003" + "000102",
            "00000d0100000002" + "3f8000007fc00000",
            "00000e0100000001" + "7ff0000000000000",
            "00000b02000000010000000280007fff",
            "00000c0000000001")) {
      byte[] plain = HexFormat.of().parseHex(hex);
      ByteArrayOutputStream packed = new ByteArrayOutputStream();
      try (OutputStream gzip = new GZIPOutputStream(packed)) {
        gzip.write(plain);
      }
      fuzzer.seed(plain).seed(packed.toByteArray());
    }
    run(fuzzer, "idx", FILES);
  }

  private void readIdx(byte[] input) throws IOException {
    IdxFile idx = IdxFile.read(Files.write(directory.resolve("input.idx"), input));
    long count = idx.shape().elements();
    float[] some = new float[(int) Math.min(count, 8)];
    idx.copyTo(count - some.length, some, some.length);
    for (int i = 0; i < some.length; i++) {
      requireSame((float) idx.get(count - some.length + i), some[i]);
    }
  }

  @Test
  void spec() {
    Fuzzer fuzzer =
        Fuzzer.of("spec", FuzzTest::readSpec)
            .refusing(IllegalArgumentException.class)
            .tokens(
                "semantics=torch",
                "mode=fan_out",
                "distribution=uniform",
                "gain=",
                "min=",
                "max=",
                "lower=",
                "upper=",
                "mean=",
                "stddev=",
                "scale=",
                "groups=",
                "sparsity=",
                "negative_slope=",
                ":",
                ",",
                "=");
    for (String name : InitializerSpec.names()) {
      fuzzer.seed(name.getBytes(StandardCharsets.UTF_8));
    }
    for (String text :
        List.of(
            "uniform:minval=-1,maxval=1",
            "truncated_normal:mean=0,stddev=1,lower=-2,upper=2",
            "truncated_normal:min=-inf,max=0.5",
            "variance_scaling:scale=2,mode=fan_avg,distribution=uniform",
            "glorot_uniform:semantics=torch,gain=1.5",
            "dirac:groups=2",
            "sparse:sparsity=0.5,stddev=1")) {
      fuzzer.seed(text.getBytes(StandardCharsets.UTF_8));
    }
    run(fuzzer, "spec", INPUTS);
  }

  private static void readSpec(byte[] input) {
    InitializerSpec spec = InitializerSpec.parse(new String(input, StandardCharsets.UTF_8));
    InitializerSpec again;
    try {
      again = InitializerSpec.parse(spec.toString());
    } catch (IllegalArgumentException e) {
      throw new AssertionError("a specification does not read back", e);
    }
    requireSame(again, spec);
    for (Layout layout : Layout.values()) {
      Shape shape = Shape.of(4, 2, 3);
      Fill fill = spec.initializer(layout).plan(shape);
      for (DType dtype : DType.values()) {
        fill.check(shape, dtype);
      }
    }
  }

  private static void run(Fuzzer fuzzer, String target, long inputs) {
    Report report = fuzzer.run(Effort.of(target, inputs));
    System.out.println(report);
    report.requireBoth();
  }

  /** A few of the elements, the last among them. */
  private static List<Double> elements(StoredTensor tensor) {
    if (tensor.type().isEmpty()) {
      return List.of();
    }
    long count = tensor.shape().elements();
    double[] some = new double[(int) Math.min(count, 16)];
    requireSame(tensor.read(count - some.length, some), some.length);
    List<Double> elements = new ArrayList<>();
    for (double element : some) {
      elements.add(element);
    }
    return elements;
  }

  private byte[] generated(String name, String spec, DType dtype, Shape shape) throws IOException {
    Path file = directory.resolve(name);
    Receipt receipt =
        Receipt.of(
            InitializerSpec.parse(spec), Layout.KERAS, dtype, Region.of(shape), RandomKey.of(1));
    TensorWriter.write(backend, receipt, "a", file, (tensors, bytes) -> {});
    return Files.readAllBytes(file);
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream in = FuzzTest.class.getResourceAsStream("fuzz/" + name)) {
      return in.readAllBytes();
    }
  }

  /** Throws unless the two are equal; as assertThat does, in a hundredth of its time. */
  private static void requireSame(Object found, Object expected) {
    if (!Objects.equals(found, expected)) {
      throw new AssertionError("got " + found + ", and not " + expected);
    }
  }
}
