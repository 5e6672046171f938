package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.interop.Json;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** inspect, verify and model. */
class FileCommandsTest {
  private static final String MANIFEST =
      """
      {"name": "tiny", "layout": "keras", "dtype": "f32", "tensors": [
        {"name": "embedding", "shape": [50, 16], "init": "normal:stddev=0.02"},
        {"name": "dense/kernel", "shape": [16, 16], "init": "glorot_uniform"},
        {"name": "dense/bias", "shape": [16], "init": "zeros"}]}
      """;

  @TempDir Path directory;

  @Test
  void inspectTellsTheFiguresOfKnownData() throws Exception {
    Path file = npy(1, 2, 4, 9, Float.NaN, Float.NEGATIVE_INFINITY);
    Map<?, ?> facts = tensor(Run.of("inspect", file.toString(), "--json"));
    assertThat(facts.get("shape")).isEqualTo(List.of(6L));
    assertThat(facts.get("receipt")).isNull();
    assertThat((Double) facts.get("mean")).isEqualTo(4);
    assertThat((Double) facts.get("variance")).isEqualTo(9.5);
    assertThat((Double) facts.get("skewness")).isCloseTo(22.5 / Math.pow(9.5, 1.5), within(1e-14));
    assertThat((Double) facts.get("excess_kurtosis")).isCloseTo(2 - 3.0, within(1e-14));
    assertThat((Double) facts.get("min")).isEqualTo(1);
    assertThat((Double) facts.get("max")).isEqualTo(9);
    assertThat(facts.get("nan")).isEqualTo(1L);
    assertThat(facts.get("infinite")).isEqualTo(1L);
    assertThat(facts.get("zeros")).isEqualTo(0L);
    assertThat(Run.of("inspect", file.toString()).out())
        .contains("[6]", "mean", "4.00000", "9.50000", "NaN", "1 (16.67 %)", "█");
  }

  /** Finite numbers of any size have finite figures, in text, as JSON and in a picture. */
  @Test
  void inspectTellsTheFiguresOfTheLargestAndTheLeast() throws Exception {
    double most = Double.MAX_VALUE;
    double least = Double.MIN_VALUE;
    double[][] files = {
      {1.7e308, -1.7e308, 1e308, 0}, {most, -most}, {most, most}, {1e300, -1e300, 2e300},
      {1e-300, -1e-300, 2e-300}, {least, 2 * least}, {0, least}, {1e-310, 3e-310, -2e-320},
      {least, 1, most}
    };
    for (double[] values : files) {
      Path file = npy64(values);
      Path picture = directory.resolve("huge.png");
      Run run = Run.of("inspect", file.toString(), "--plot", picture.toString());
      assertThat(run.code()).as(run.err()).isZero();
      assertThat(run.out().replace("NaN  ", "")).doesNotContain("NaN", "Infinity");
      assertThat(ImageIO.read(picture.toFile()).getWidth()).isEqualTo(1200);
      Run json = Run.of("inspect", file.toString(), "--json");
      assertThat(json.code()).as(json.err()).isZero();
      assertThat(json.out()).doesNotContain("NaN", "Infinity");
      Map<?, ?> facts = tensor(json);
      BigDecimal sum = BigDecimal.ZERO;
      for (double value : values) {
        sum = sum.add(new BigDecimal(value));
      }
      double mean =
          sum.divide(BigDecimal.valueOf(values.length), MathContext.DECIMAL128).doubleValue();
      double stddev = (Double) facts.get("stddev");
      assertThat(stddev).isBetween(0.0, most);
      assertThat((Double) facts.get("mean")).isCloseTo(mean, within(1e-13 * stddev + least));
    }
    Run run = Run.of("inspect", npy64(files[0]).toString());
    assertThat(run.out()).contains("2.50000e+307", "e+616");
    assertThat(Run.of("inspect", npy64(files[4]).toString()).out()).contains("e-600");
    Map<?, ?> facts = tensor(Run.of("inspect", npy64(files[4]).toString(), "--json"));
    assertThat(facts.get("variance")).isNull();
    assertThat((Double) facts.get("stddev"))
        .isCloseTo(Math.sqrt(14 / 9.0) * 1e-300, within(1e-312));
  }

  @Test
  void inspectKnowsAReceiptOfEverySize() throws Exception {
    for (String init :
        List.of(
            "uniform:minval=-8e307,maxval=8e307",
            "uniform:minval=0,maxval=1e-300",
            "normal:mean=1e307,stddev=1e307")) {
      Path file = directory.resolve("w.npy");
      Run made =
          Run.of(
              "generate",
              "--init",
              init,
              "--shape",
              "1000",
              "--dtype",
              "f64",
              "--out",
              file.toString());
      assertThat(made.code()).as(made.err()).isZero();
      Run json = Run.of("inspect", file.toString(), "--json");
      assertThat(json.code()).as(json.err()).isZero();
      Map<?, ?> facts = tensor(json);
      double expected = (Double) facts.get("expected_stddev");
      assertThat((Double) facts.get("stddev")).isCloseTo(expected, within(0.2 * expected));
      assertThat((Double) facts.get("mean") / expected)
          .isCloseTo((Double) facts.get("expected_mean") / expected, within(0.2));
      assertThat(Run.of("inspect", file.toString()).out()).doesNotContain("Infinity");
      Files.delete(file);
      Files.delete(directory.resolve("w.npy.json"));
    }
  }

  @Test
  void inspectKnowsTheReceipt() throws Exception {
    Path file = directory.resolve("w.npy");
    generate(file, "uniform:minval=-1,maxval=3", "10007");
    Map<?, ?> facts = tensor(Run.of("inspect", file.toString(), "--json"));
    assertThat((Double) facts.get("expected_mean")).isCloseTo(1, within(1e-12));
    assertThat((Double) facts.get("expected_variance")).isCloseTo(16 / 12.0, within(1e-12));
    assertThat((Double) facts.get("mean")).isCloseTo(1, within(5 * Math.sqrt(16 / 12.0 / 10007)));
    assertThat(facts.get("outside")).isEqualTo(0L);
    assertThat(Run.of("inspect", file.toString()).out())
        .contains(
            "uniform:minval=-1,maxval=3",
            "seed 0",
            "expected 1.33333",
            "outside [-1.00000, 3.00000)");
    byte[] bytes = Files.readAllBytes(file);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(bytes.length - 4, 3f);
    Files.write(file, bytes); // the upper bound is excluded
    facts = tensor(Run.of("inspect", file.toString(), "--json"));
    assertThat(facts.get("outside")).isEqualTo(1L);
    assertThat((Double) facts.get("outside_fraction")).isEqualTo(1 / 10007.0);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "bits",
        "zeros",
        "constant:value=0.1",
        "normal",
        "truncated_normal",
        "orthogonal",
        "sparse"
      })
  void inspectDrawsEveryFill(String init) throws Exception {
    Path file = directory.resolve("w.safetensors");
    Path picture = directory.resolve("w.png");
    generate(file, init, "90,70");
    Run run = Run.of("inspect", file.toString(), "--plot", picture.toString());
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out()).doesNotContain("outside [0.1, 0.1]  1");
    assertThat(ImageIO.read(picture.toFile()).getWidth()).isEqualTo(1200);
    Run json = Run.of("inspect", file.toString(), "--json");
    Object outside = tensor(json).get("outside");
    assertThat(outside == null || outside.equals(0L)).as(json.out()).isTrue();
  }

  @Test
  void inspectOfNothingIsShown() throws Exception {
    Path file = npy();
    Run run = Run.of("inspect", file.toString());
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out()).contains("[0]", "mean", "—");
    assertThat(tensor(Run.of("inspect", file.toString(), "--json")).get("mean")).isNull();
  }

  @Test
  void modelIsListedVerifiedAndTheSameInShards() throws Exception {
    Path manifest = directory.resolve("tiny.json");
    Files.writeString(manifest, MANIFEST);
    Path one = directory.resolve("one.safetensors");
    Run run = Run.of("model", manifest.toString(), "--out", one.toString(), "--seed", "3");
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out()).isEqualTo(one + "\n");
    Run list = Run.of("inspect", one.toString());
    assertThat(list.out())
        .contains("embedding", "dense/kernel", "glorot_uniform", "3 tensors, 1,072 elements");
    assertThat(Run.of("verify", one.toString()).out()).contains("3 of 3 tensors match");
    Path many = directory.resolve("many.safetensors");
    Run shards =
        Run.of(
            "model",
            manifest.toString(),
            "--out",
            many.toString(),
            "--seed",
            "3",
            "--shard-bytes",
            "1500",
            "--json");
    assertThat(shards.code()).as(shards.err()).isZero();
    Map<?, ?> facts = (Map<?, ?>) Json.parse("stdout", shards.out());
    assertThat(facts.get("parameters")).isEqualTo(1072L);
    List<?> files = (List<?>) facts.get("files");
    assertThat(files).hasSize(3);
    String index = files.getLast().toString();
    assertThat(Run.of("verify", index).out()).contains("3 of 3 tensors match");
    Map<?, ?> inOne = tensor(Run.of("inspect", one.toString(), "--tensor", "embedding", "--json"));
    Map<?, ?> inMany = tensor(Run.of("inspect", index, "--tensor", "embedding", "--json"));
    assertThat(inOne.get("mean")).isEqualTo(inMany.get("mean"));
    assertThat(Run.of("inspect", one.toString(), "--tensor", "nose").err())
        .contains("--tensor: need one of the file's 3 tensors, got tensor=nose");
    assertThat(Run.of("inspect", one.toString(), "--plot", directory + "/p.png").code())
        .isEqualTo(Exit.USAGE);
  }

  @ParameterizedTest
  @ValueSource(strings = {".npy", ".safetensors"})
  void verifyFindsOneFlippedBit(String end) throws Exception {
    Path file = directory.resolve("w" + end);
    generate(file, "normal", "1000,37");
    assertThat(Run.of("verify", file.toString()).code()).isZero();
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 4 * 1234] ^= 1; // the lowest bit of element 37000 − 1234
    Files.write(file, bytes);
    for (String backend : List.of("scalar", "cpu")) {
      Run run = Run.of("verify", file.toString(), "--backend", backend);
      assertThat(run.code()).isEqualTo(Exit.MISMATCH);
      assertThat(run.err()).contains("element 35766");
      assertThat(run.err().strip().lines()).hasSize(1);
      assertThat(run.out()).contains("different");
    }
  }

  @Test
  void verifyNeedsAReceipt() throws Exception {
    Run run = Run.of("verify", npy(1, 2, 3).toString());
    assertThat(run.code()).isEqualTo(Exit.USAGE);
    assertThat(run.err()).contains("need a receipt");
  }

  @Test
  void verifyRefusesAReceiptOfAnotherShape() throws Exception {
    Path file = directory.resolve("w.npy");
    generate(file, "normal", "100");
    Path receipt = directory.resolve("w.npy.json");
    String text = Files.readString(receipt);
    assertThat(text).contains("\"100\"");
    Files.writeString(receipt, text.replace("\"100\"", "\"101\""));
    assertThat(Run.of("verify", file.toString()).code()).isEqualTo(Exit.MISMATCH);
    Files.writeString(receipt, "{}");
    Run run = Run.of("verify", file.toString());
    assertThat(run.code()).isEqualTo(Exit.USAGE);
    assertThat(run.err()).contains("receipt: need the key");
  }

  /** Receipts of another type, and tensors of types that weft does not read. */
  @ParameterizedTest
  @ValueSource(strings = {"F32", "U32", "I32", "BOOL", "F64", "BF16", "F8_E4M3"})
  void inspectTellsAReceiptOfAnotherType(String type) throws Exception {
    int bytes = type.equals("F64") ? 32 : type.endsWith("32") ? 16 : type.equals("BF16") ? 8 : 4;
    for (String init : List.of("constant:value=1", "bits")) {
      Path file = safetensors(type, bytes, init, "4");
      boolean same = type.equals(init.equals("bits") ? "U32" : "F32");
      Run run = Run.of("inspect", file.toString());
      assertThat(run.code()).as(run.err()).isZero();
      assertThat(run.out()).contains(type, init);
      assertThat(run.out().contains("of another tensor")).isEqualTo(!same);
      Object difference =
          tensor(Run.of("inspect", file.toString(), "--json")).get("receipt_difference");
      if (same) {
        assertThat(difference).isNull();
      } else {
        assertThat((String) difference).startsWith("the receipt is of").contains("has " + type);
        assertThat(run.out()).contains("the file has " + type + " [4]");
      }
      assertThat(Run.of("verify", file.toString()).code()).isEqualTo(Exit.MISMATCH);
    }
  }

  @Test
  void verifyTellsTheCostBeforeItIsPaid() throws Exception {
    Path file = safetensors("F32", 16, "orthogonal", "4000,4000\",\"slice\":\"0:4");
    Run run = Run.of("verify", file.toString());
    assertThat(run.code()).isEqualTo(Exit.USAGE);
    assertThat(run.out()).isEmpty();
    assertThat(run.err())
        .startsWith("weft verify: --limit: need")
        .contains("operations=2.57E+11, limit=2.00E+10", "file=" + file);
    Path small = safetensors("F32", 16, "orthogonal", "40,40\",\"slice\":\"0:4");
    assertThat(Run.of("verify", small.toString()).code()).isEqualTo(Exit.MISMATCH);
    assertThat(Run.of("verify", small.toString(), "--limit", "1e5").err())
        .contains("--limit: need");
    assertThat(Run.of("verify", small.toString(), "--limit", "2.57E5").code())
        .isEqualTo(Exit.MISMATCH);
    assertThat(Run.of("verify", small.toString(), "--limit", "NaN").err())
        .contains("--limit: need a number in decimal");
  }

  @ParameterizedTest
  @CsvSource({
    "inspect FILE.npy",
    "inspect FILE.safetensors",
    "verify FILE.npy",
    "verify FILE.NPY",
    "model FILE.json --out DIR/m.safetensors",
    "train --data FILE.csv",
    "train --data FILE.npy --labels FILE.npy",
    "report FILE.json --out DIR/r.html",
    "report DIR/known.json FILE.json --out DIR/r.html",
    "report DIR/known.json --markdown FILE.md"
  })
  void aMissingFileHasOneExitCode(String line) throws Exception {
    Files.writeString(directory.resolve("known.json"), "[]");
    String[] arguments = line.split(" ");
    for (int i = 0; i < arguments.length; i++) { // whose directory may have a space in its name
      arguments[i] =
          arguments[i].replace("FILE", directory + "/missing").replace("DIR", directory.toString());
    }
    Run run = Run.of(arguments);
    assertThat(run.code()).isEqualTo(Exit.USAGE);
    assertThat(run.err()).contains("need a file that exists", directory + "/missing");
  }

  @Test
  void utf16IsNamed() throws Exception {
    Path csv = directory.resolve("a.csv");
    Path json = directory.resolve("a.json");
    for (String charset : List.of("UTF-16", "UTF-16LE", "UTF-16BE")) {
      Files.write(csv, "1,2,0\n3,4,1\n1,2,0\n3,4,1\n1,2,0\n3,4,1\n".getBytes(charset));
      Files.write(json, MANIFEST.getBytes(charset));
      for (Run run :
          List.of(
              Run.of("train", "--data", csv.toString()),
              Run.of("model", json.toString(), "--out", directory + "/m.safetensors"),
              Run.of("report", json.toString(), "--out", directory + "/r.html"))) {
        assertThat(run.code()).isEqualTo(Exit.USAGE);
        assertThat(run.err()).contains("need UTF-8, and this is UTF-16").hasLineCount(1);
      }
    }
  }

  @Test
  void namesInUpperCaseAreTheirFormats() throws Exception {
    Path npy = Files.move(npy(1, 2, 3), directory.resolve("A.NPY"));
    assertThat(tensor(Run.of("inspect", npy.toString(), "--json")).get("tensor")).isEqualTo("A");
    Path file = safetensors("F32", 16, "zeros", "4");
    Path upper = Files.move(file, directory.resolve("B.SAFETENSORS"));
    assertThat(Run.of("verify", upper.toString()).code()).isZero();
    Path index = directory.resolve("B.SAFETENSORS.INDEX.JSON");
    Files.writeString(
        index, "\uFEFF{\"weight_map\":{\"t\":\"B.SAFETENSORS\"},\"metadata\":{\"total_size\":0}}");
    Run run = Run.of("verify", index.toString());
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.err()).startsWith("weft verify: warning: index: need metadata.total_size");
    Path manifest = Files.writeString(directory.resolve("M.JSON"), "\uFEFF" + MANIFEST);
    Run model = Run.of("model", manifest.toString(), "--out", directory + "/m.safetensors");
    assertThat(model.code()).as(model.err()).isZero();
  }

  @Test
  void longNamesAreCutInTablesAndWholeInJson() throws Exception {
    String name = "n".repeat(100_000);
    String header =
        "{\""
            + name
            + "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
            + "\"m\":{\"dtype\":\""
            + name
            + "\",\"shape\":[1],\"data_offsets\":[1,2]}}";
    Path file = safetensors(header, 2);
    for (Run run :
        List.of(
            Run.of("inspect", file.toString()),
            Run.of("inspect", file.toString(), "--tensor", name),
            Run.of("verify", file.toString()))) {
      assertThat(run.out()).contains("nnn…").hasSizeLessThan(5000);
      assertThat(run.err()).hasSizeLessThan(2000);
    }
    Run json = Run.of("inspect", file.toString(), "--json");
    assertThat(tensor(json).get("tensor")).isEqualTo(name);
  }

  /** A file with the tensor t of zeros, of four elements, and its receipt. */
  private Path safetensors(String type, int bytes, String init, String shape) throws Exception {
    String receipt =
        "{\"algorithm\":\"philox4x32-10\",\"stream\":\"1\",\"seed\":\"0\",\"order\":\"curand\","
            + "\"dtype\":\"f32\",\"layout\":\"keras\",\"weft\":\"0\",\"init\":\""
            + init
            + "\",\"shape\":\""
            + shape
            + "\"}";
    String header =
        "{\"__metadata__\":"
            + Json.write(Map.of("weft.receipt.t", receipt))
            + ",\"t\":{\"dtype\":\""
            + type
            + "\",\"shape\":[4],\"data_offsets\":[0,"
            + bytes
            + "]}}";
    return safetensors(header, bytes);
  }

  private Path safetensors(String header, int bytes) throws Exception {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer all = ByteBuffer.allocate(8 + text.length + bytes).order(ByteOrder.LITTLE_ENDIAN);
    all.putLong(text.length).put(text);
    return Files.write(directory.resolve("t.safetensors"), all.array());
  }

  private static void generate(Path file, String init, String shape) {
    Run run = Run.of("generate", "--init", init, "--shape", shape, "--out", file.toString());
    assertThat(run.code()).as(run.err()).isZero();
  }

  private static Map<?, ?> tensor(Run run) throws Exception {
    assertThat(run.code()).as(run.err()).isZero();
    Map<?, ?> facts = (Map<?, ?>) Json.parse("stdout", run.out());
    return (Map<?, ?>) ((List<?>) facts.get("tensors")).getFirst();
  }

  /** A file of f32 as NumPy writes it, without a receipt. */
  private Path npy(float... values) throws Exception {
    ByteBuffer bytes = npy("<f4", 4, values.length);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return Files.write(directory.resolve("known.npy"), bytes.array());
  }

  private Path npy64(double... values) throws Exception {
    ByteBuffer bytes = npy("<f8", 8, values.length);
    for (double value : values) {
      bytes.putDouble(value);
    }
    return Files.write(directory.resolve("known.npy"), bytes.array());
  }

  private static ByteBuffer npy(String type, int size, int count) {
    String header =
        "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + count + ",), }";
    ByteBuffer bytes = ByteBuffer.allocate(128 + size * count).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0}).putShort((short) 118);
    bytes.put(
        (header + " ".repeat(117 - header.length()) + "\n").getBytes(StandardCharsets.US_ASCII));
    return bytes;
  }
}
