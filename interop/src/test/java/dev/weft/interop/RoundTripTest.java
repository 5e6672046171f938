package dev.weft.interop;

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
import dev.weft.random.StreamOrder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is written is what the backend fills, and its receipt proves it. */
class RoundTripTest {
  private static final Shape SHAPE = Shape.of(3, 1031, 701); // more than two chunks in every type
  private static final RandomKey KEY = RandomKey.of(42);
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

  static Stream<Receipt> receipts() {
    Region whole = Region.of(SHAPE);
    return Stream.of(
        receipt("normal:stddev=0.02", DType.F32, whole),
        receipt("normal", DType.F64, whole),
        receipt("uniform:minval=-1,maxval=1", DType.F16, whole),
        receipt("he_normal", DType.BF16, whole),
        receipt("bits", DType.F32, whole),
        receipt("bits", DType.F64, Region.of(Shape.of(5))),
        receipt("bits", DType.BF16, Region.of(Shape.of(5))),
        receipt("glorot_uniform", DType.F32, whole.slice(1, 1_600_000)),
        receipt("glorot_uniform", DType.F32, whole.slice(7, 7)),
        receipt("normal", DType.F32, whole.box(new long[] {0, 1, 3}, new long[] {3, 1030, 600})),
        receipt(
            "truncated_normal",
            DType.F64,
            whole.box(new long[] {2, 0, 0}, new long[] {1, 1031, 701})),
        receipt("ones", DType.F64, Region.of(Shape.of())),
        receipt("zeros", DType.F32, Region.of(Shape.of(4, 0, 3))),
        receipt("sparse:sparsity=0.5", DType.F32, Region.of(Shape.of(40, 30))),
        receipt("orthogonal", DType.F32, Region.of(Shape.of(97, 41))));
  }

  private static Receipt receipt(String init, DType dtype, Region region) {
    return Receipt.of(InitializerSpec.parse(init), Layout.KERAS, dtype, region, KEY);
  }

  @ParameterizedTest
  @MethodSource("receipts")
  void filesHoldWhatTheBackendFills(Receipt receipt) throws IOException {
    byte[] wanted = fill(receipt);
    for (String end : List.of(".npy", ".safetensors", ".bin")) {
      if (end.equals(".npy") && receipt.elementType() == ElementType.BF16) {
        continue;
      }
      Path file = directory.resolve("a" + end);
      TensorWriter.write(backend, receipt, "w", file, Progress.NONE);
      if (end.equals(".bin")) {
        assertThat(Files.readAllBytes(file)).isEqualTo(wanted);
        continue;
      }
      try (TensorFile read = TensorFile.open(file)) {
        StoredTensor tensor = read.tensors().getFirst();
        assertThat(tensor.shape()).isEqualTo(receipt.region().shape());
        assertThat(tensor.type()).contains(receipt.elementType());
        assertThat(tensor.data().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(wanted);
        assertThat(read.receipt(tensor.name())).contains(receipt);
        assertThat(Verifier.verify(backend, read, Progress.NONE))
            .containsExactly(new Verification(tensor.name(), Verification.Outcome.MATCH, -1, ""));
      }
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    TensorStream.of(backend, receipt).writeTo(Channels.newChannel(out), Progress.NONE);
    assertThat(out.toByteArray()).isEqualTo(wanted);
  }

  @Test
  void receiptKeepsEverything() throws IOException {
    Region box = Region.of(SHAPE).box(new long[] {0, 1, 3}, new long[] {3, 1030, 600});
    Receipt receipt =
        Receipt.of(
                InitializerSpec.parse("truncated_normal:stddev=0.1,min=-0.2"),
                Layout.TORCH,
                DType.BF16,
                box,
                new RandomKey(-7, StreamOrder.SEQUENTIAL))
            .child("layer \"0\"/ä")
            .child("");
    assertThat(Receipt.parse("test", receipt.toJson())).isEqualTo(receipt);
    assertThat(receipt.key())
        .isEqualTo(
            RandomKey.of(-7).withOrder(StreamOrder.SEQUENTIAL).child("layer \"0\"/ä").child(""));
  }

  private static byte[] fill(Receipt receipt) {
    return bytes(backend, receipt);
  }

  static byte[] bytes(Backend backend, Receipt receipt) {
    long bytes = receipt.dtype().byteSize(receipt.region().shape().elements());
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate(bytes, 64);
      Tensor tensor = backend.wrap(memory, receipt.dtype(), receipt.region().shape());
      tensor.fill(receipt.fill(), receipt.key(), receipt.region());
      return memory.toArray(ValueLayout.JAVA_BYTE);
    }
  }
}
