package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.Weft;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a receipt asks for is in proportion to its file. */
class VerifierTest {
  private static Backend backend;

  @TempDir Path directory;

  @BeforeAll
  static void open() {
    backend = Weft.open("cpu");
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  @Test
  void oneElementOfAHugeMatrixIsRefusedBeforeItIsComputed() throws IOException {
    for (String shape : List.of("4000,4000", "30000,30000", "3,3,20000,20000")) {
      String init = shape.startsWith("3,") ? "delta_orthogonal" : "orthogonal";
      Path file = file(4, "F32", "[1]", Map.of("init", init, "shape", shape, "slice", "0:1"));
      try (TensorFile opened = TensorFile.open(file)) {
        assertThat(Verifier.work(opened)).isGreaterThan(Verifier.fairWork(opened));
        assertThatThrownBy(() -> Verifier.verify(backend, opened, Progress.NONE))
            .isInstanceOf(FormatException.class)
            .hasMessageContaining("verify: need at most")
            .hasMessageContaining("file=" + file);
      }
    }
  }

  @Test
  void workIsThatOfTheWholeMatrix() throws IOException {
    Path part =
        file(4, "F32", "[1]", Map.of("init", "orthogonal", "shape", "60,40", "slice", "7:8"));
    try (TensorFile opened = TensorFile.open(part)) {
      assertThat(Verifier.work(opened)).isEqualTo(100 + 4.0 * 60 * 40 * 40);
      assertThat(Verifier.fairWork(opened)).isEqualTo(2e10 + 4 * 32768);
      assertThat(Verifier.verify(backend, opened, Progress.NONE))
          .extracting(Verification::outcome)
          .containsExactly(Verification.Outcome.DIFFERENT); // the file holds 0
      assertThatThrownBy(() -> Verifier.verify(backend, opened, 100, Progress.NONE))
          .isInstanceOf(FormatException.class);
    }
    Path none =
        file(0, "F32", "[0]", Map.of("init", "orthogonal", "shape", "60,40", "slice", "7:7"));
    try (TensorFile opened = TensorFile.open(none)) {
      assertThat(Verifier.work(opened)).isZero();
    }
    Path normal = file(12, "F32", "[3]", Map.of("init", "normal", "shape", "3"));
    try (TensorFile opened = TensorFile.open(normal)) {
      assertThat(Verifier.work(opened)).isEqualTo(300);
    }
  }

  /** A matrix that is whole is in proportion to itself, whatever its size. */
  @Test
  void wholeMatricesAreFair() throws IOException {
    for (long n : new long[] {100, 5000, 32768}) {
      double work = 4.0 * n * n * n;
      assertThat(work).isLessThanOrEqualTo(2e10 + 32768.0 * 4 * n * n);
    }
  }

  @Test
  void moreAxesThanAShapeHasAreRefused() throws IOException {
    String ones = "1,".repeat(20_000) + "1";
    Path file =
        file(
            4,
            "F32",
            "[1]",
            Map.of("init", "ones", "shape", "2," + ones, "box", "0," + ones + ";1," + ones));
    try (TensorFile opened = TensorFile.open(file)) {
      assertThatThrownBy(() -> Verifier.verify(backend, opened, Progress.NONE))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("at most 64 dimensions")
          .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(1000));
    }
    Path tensor = file(4, "F32", "[" + ones + "]", Map.of("init", "ones", "shape", "1"));
    assertThatThrownBy(() -> TensorFile.open(tensor))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("rank=20001");
  }

  @Test
  void boxesOfMostAxesAreVerified() throws IOException {
    String shape = "2,".repeat(15) + "1,".repeat(46) + "2,2,3"; // 64 axes
    String extent = "1,2," + "2,".repeat(13) + "1,".repeat(46) + "2,1,2";
    String start = "1," + "0,".repeat(60) + "0,1,1";
    Map<String, String> receipt =
        Map.of("init", "normal", "shape", shape, "box", start + ";" + extent);
    Path file = file(4 << 16, "F32", "[" + extent + "]", receipt);
    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      Receipt read = opened.receipt("t").orElseThrow();
      byte[] header = Files.readAllBytes(file);
      byte[] data = RoundTripTest.bytes(backend, read);
      System.arraycopy(data, 0, header, header.length - data.length, data.length);
      Files.write(file, header);
      assertThat(Verifier.verify(backend, opened, Progress.NONE))
          .extracting(Verification::outcome)
          .containsExactly(Verification.Outcome.MATCH);
    }
  }

  @Test
  void differencesOfTypeAndShapeAreWords() throws IOException {
    Map<String, String> ones = Map.of("init", "constant:value=1", "shape", "4");
    difference(file(16, "U32", "[4]", ones), "the receipt is of F32 [4], the file has U32 [4]");
    difference(
        file(4, "F8_E5M2", "[4]", ones), "the receipt is of F32 [4], the file has F8_E5M2 [4]");
    difference(
        file(16, "F32", "[2,2]", ones), "the receipt is of F32 [4], the file has F32 [2, 2]");
    difference(file(16, "F32", "[4]", ones), null);
    difference(
        file(16, "F32", "[4]", Map.of("init", "orthogonal", "shape", "4")),
        "the receipt is of no tensor: orthogonal: need rank >= 2, got shape=[4]");
  }

  private static void difference(Path file, String words) throws IOException {
    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      assertThat(opened.receipt("t").orElseThrow().difference(opened.tensors().getFirst()))
          .isEqualTo(java.util.Optional.ofNullable(words));
    }
  }

  /** A file with a tensor t of zeros, and its receipt. */
  private Path file(int bytes, String type, String shape, Map<String, String> receipt)
      throws IOException {
    Map<String, String> texts =
        new LinkedHashMap<>(
            Map.of(
                "algorithm",
                "philox4x32-10",
                "stream",
                "1",
                "seed",
                "0",
                "order",
                "curand",
                "dtype",
                "f32",
                "layout",
                "keras",
                "weft",
                "0"));
    texts.putAll(receipt);
    String header =
        "{\"__metadata__\":"
            + Json.write(Map.of("weft.receipt.t", Json.write(texts)))
            + ",\"t\":{\"dtype\":\""
            + type
            + "\",\"shape\":"
            + shape
            + ",\"data_offsets\":[0,"
            + bytes
            + "]}}";
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer all = ByteBuffer.allocate(8 + text.length + bytes).order(ByteOrder.LITTLE_ENDIAN);
    all.putLong(text.length).put(text);
    return Files.write(directory.resolve("t.safetensors"), all.array());
  }
}
