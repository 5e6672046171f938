package dev.weft.adapters;

import static dev.weft.adapters.Expected.FILL;
import static dev.weft.adapters.Expected.KEY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.testkit.LogCapture;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class OnnxTensorsTest {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final Backend backend = Weft.open("cpu");

  /** It refuses while anything is lent. */
  @AfterEach
  void nothingIsLent() {
    backend.close();
  }

  private static OnnxJavaType type(DType dtype) {
    return switch (dtype) {
      case F32 -> OnnxJavaType.FLOAT;
      case F64 -> OnnxJavaType.DOUBLE;
      case F16 -> OnnxJavaType.FLOAT16;
      case BF16 -> OnnxJavaType.BFLOAT16;
    };
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  /** What ONNX Runtime holds, as it reads it itself. */
  private static byte[] read(OnnxTensor tensor) {
    return tensor.getByteBuffer().array();
  }

  private static long address(OnnxTensor tensor) {
    Buffer buffer = tensor.getBufferRef().orElseThrow();
    return MemorySegment.ofBuffer(buffer).address();
  }

  @ParameterizedTest
  @EnumSource
  void aTensorIsSharedWhereItIs(DType dtype) throws OrtException {
    for (long[] dims : new long[][] {{}, {0}, {2, 0, 3}, {1}, {3}, {17}, {5, 7, 3}, {100_003}}) {
      Shape shape = Shape.of(dims);
      byte[] expected = Expected.bytes(dtype, shape);
      try (Tensor tensor = backend.tensor(dtype, shape);
          OnnxTensors.Shared shared = OnnxTensors.share(environment, tensor)) {
        tensor.segment().fill(Expected.POISON);
        OnnxTensor theirs = shared.tensor();
        assertThat(theirs.getInfo().type).isEqualTo(type(dtype));
        assertThat(theirs.getInfo().getShape()).isEqualTo(dims);
        assertThat(theirs.ownsBuffer()).isFalse();
        assertThat(address(theirs)).isEqualTo(tensor.segment().address());
        assertThat(read(theirs)).isEqualTo(Expected.poison(expected.length));
        tensor.fill(FILL, KEY);
        assertThat(read(theirs)).isEqualTo(expected);
        assertThat(shared.lease().tensor()).isSameAs(tensor);
      }
      assertThat(backend.memory().allocatedBytes()).isZero();
    }
  }

  /** The input is read and the output is written where they are. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 17, 100_003})
  void aSessionReadsAndWritesSharedTensors(int elements) throws OrtException {
    Shape shape = Shape.of(elements);
    ByteBuffer expected = Expected.buffer(DType.F32, shape);
    try (OrtSession session = environment.createSession(NegModel.bytes());
        Tensor x = backend.tensor(DType.F32, shape);
        Tensor y = backend.tensor(DType.F32, shape);
        OnnxTensors.Shared in = OnnxTensors.share(environment, x);
        OnnxTensors.Shared out = OnnxTensors.share(environment, y)) {
      x.fill(FILL, KEY);
      y.segment().fill(Expected.POISON);
      session.run(Map.of("x", in.tensor()), Map.of("y", out.tensor())).close();
      for (int i = 0; i < elements; i++) {
        assertThat((float) y.get(i)).isEqualTo(-expected.getFloat(4 * i));
      }
    }
  }

  @Test
  void aTensorMayBeClosedBeforeTheSharedOne() throws OrtException {
    byte[] expected = Expected.bytes(DType.F32, Shape.of(1000));
    Tensor tensor = backend.tensor(DType.F32, Shape.of(1000));
    tensor.fill(FILL, KEY);
    OnnxTensors.Shared shared = OnnxTensors.share(environment, tensor);
    tensor.close();
    assertThat(read(shared.tensor())).isEqualTo(expected);
    assertThat(backend.memory().allocatedBytes()).isEqualTo(4000);
    assertThatThrownBy(backend::close)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("close: need no running operation and no lent tensor");
    shared.close();
    assertThat(shared.tensor().isClosed()).isTrue();
    assertThat(backend.memory().allocatedBytes()).isZero();
    assertThatThrownBy(() -> read(shared.tensor())).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aSecondCloseDoesNothing() throws OrtException {
    try (Tensor tensor = backend.tensor(DType.F32, Shape.of(4));
        LogCapture log = LogCapture.of("ai.onnxruntime.OnnxTensor")) {
      OnnxTensors.Shared first = OnnxTensors.share(environment, tensor);
      OnnxTensors.Shared second = OnnxTensors.share(environment, tensor);
      first.close();
      first.close();
      second.tensor().close(); // by someone else
      second.close();
      assertThat(log.lines()).isEmpty();
      tensor.fill(FILL, KEY);
    }
    assertThat(backend.memory().allocatedBytes()).isZero();
  }

  /** What is refused is not lent: the backend closes afterwards. */
  @Test
  @SuppressWarnings("restricted") // addresses alone: nothing is behind them, and nothing is read
  void whatCannotBeSharedIsRefused() throws OrtException {
    Tensor array = backend.wrap(new float[4], Shape.of(4));
    assertThatThrownBy(() -> OnnxTensors.share(environment, array))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("share: need native memory, got tensor=" + array);
    MemorySegment memory = MemorySegment.ofAddress(64).reinterpret(1L << 31);
    Tensor large = backend.wrap(memory, DType.F16, Shape.of((1L << 30) - 3));
    assertThatThrownBy(() -> OnnxTensors.share(environment, large))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("share: need at most 2147483639 bytes, got bytes=2147483642, tensor=" + large);
    Tensor most = backend.wrap(memory, DType.F16, Shape.of((1L << 30) - 5));
    OnnxTensors.share(environment, most).close();
    Tensor odd = backend.wrap(memory.asSlice(2), DType.F32, Shape.of(4));
    assertThatThrownBy(() -> OnnxTensors.share(environment, odd))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "share: need a multiple of the element's size, got address=0x42, tensor=" + odd);
    Tensor closed = backend.tensor(DType.F32, Shape.of(4));
    closed.close();
    assertThatThrownBy(() -> OnnxTensors.share(environment, closed))
        .isInstanceOf(ClosedException.class)
        .hasMessageStartingWith("lend: need an open tensor");
  }

  @ParameterizedTest
  @EnumSource
  void aJavaBufferIsFilledWhereItIs(DType dtype) throws OrtException {
    for (long[] dims : new long[][] {{0}, {1}, {3}, {5, 7}, {10_007}}) {
      Shape shape = Shape.of(dims);
      byte[] expected = Expected.bytes(dtype, shape);
      int guard = 16;
      ByteBuffer all = direct(expected.length + 2 * guard);
      all.put(Expected.poison(all.capacity())).position(guard).limit(guard + expected.length);
      try (OnnxTensor theirs = OnnxTensor.createTensor(environment, all, dims, type(dtype));
          Tensor tensor = OnnxTensors.wrap(backend, theirs)) {
        assertThat(tensor.dtype()).isEqualTo(dtype);
        assertThat(tensor.shape()).isEqualTo(shape);
        assertThat(tensor.segment().address()).isEqualTo(address(theirs));
        tensor.fill(FILL, KEY);
        assertThat(read(theirs)).isEqualTo(expected);
      }
      byte[] whole = Expected.poison(all.capacity());
      System.arraycopy(expected, 0, whole, guard, expected.length);
      byte[] bytes = new byte[all.capacity()];
      all.clear().get(bytes);
      assertThat(bytes).isEqualTo(whole);
    }
  }

  /** ONNX Runtime copies an array once, when it makes the tensor; that copy is shared. */
  @Test
  void theCopyOfAnArrayIsFilled() throws OrtException {
    float[][] array = {{1, 2, 3}, {4, 5, 6}};
    byte[] expected = Expected.bytes(DType.F32, Shape.of(2, 3));
    OnnxTensor theirs = OnnxTensor.createTensor(environment, array);
    Tensor tensor = OnnxTensors.wrap(backend, theirs);
    assertThat(tensor.get(5)).isEqualTo(6);
    tensor.fill(FILL, KEY);
    assertThat(read(theirs)).isEqualTo(expected);
    assertThat(array[1][2]).isEqualTo(6);
    theirs.close();
    byte[] kept = new byte[24];
    tensor.copyTo(MemorySegment.ofArray(kept)); // the buffer outlives ONNX Runtime's tensor
    assertThat(kept).isEqualTo(expected);
    assertThatThrownBy(() -> OnnxTensors.wrap(backend, theirs))
        .isInstanceOf(ClosedException.class)
        .hasMessageStartingWith("wrap: need an open tensor, got tensor=OnnxTensor(");
  }

  @Test
  void closingATensorLeavesOnnxRuntimesAlone() throws OrtException {
    FloatBuffer floats = direct(16).asFloatBuffer().put(new float[] {1, 2, 3, 4}).flip();
    try (OnnxTensor theirs = OnnxTensor.createTensor(environment, floats, new long[] {2, 2})) {
      OnnxTensors.wrap(backend, theirs).close();
      assertThat(theirs.getFloatBuffer()).isEqualTo(floats);
    }
  }

  @Test
  void aSharedTensorIsWrappedAgain() throws OrtException {
    Tensor again;
    try (Tensor tensor = backend.tensor(DType.F64, Shape.of(3));
        OnnxTensors.Shared shared = OnnxTensors.share(environment, tensor)) {
      again = OnnxTensors.wrap(backend, shared.tensor());
      again.fill(FILL, KEY);
      assertThat(tensor.get(2)).isEqualTo(again.get(2)).isNotZero();
    }
    assertThatThrownBy(() -> again.get(0))
        .isInstanceOf(ClosedException.class)
        .hasMessageStartingWith("get: need memory that is alive");
  }

  @Test
  void onnxRuntimesOwnMemoryIsRefused() throws OrtException {
    FloatBuffer floats = direct(8).asFloatBuffer();
    try (OrtSession session = environment.createSession(NegModel.bytes());
        OnnxTensor x = OnnxTensor.createTensor(environment, floats, new long[] {2});
        OrtSession.Result result = session.run(Map.of("x", x))) {
      OnnxTensor y = (OnnxTensor) result.get(0);
      assertThatThrownBy(() -> OnnxTensors.wrap(backend, y))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("wrap: need a tensor over a Java buffer, got tensor=" + y);
    }
  }

  @Test
  void tensorsThatDoNotSuitAreRefused() throws OrtException {
    try (OnnxTensor longs =
        OnnxTensor.createTensor(environment, LongBuffer.allocate(2), new long[] {2})) {
      assertThatThrownBy(() -> OnnxTensors.wrap(backend, longs))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("wrap: need float, double, float16 or bfloat16, got type=INT64");
    }
    FloatBuffer floats = direct(32).asFloatBuffer();
    try (OnnxTensor theirs = OnnxTensor.createTensor(environment, floats, new long[] {8})) {
      floats.position(3); // ONNX Runtime keeps this very buffer
      assertThatThrownBy(() -> OnnxTensors.wrap(backend, theirs))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("wrap: need as many bytes as the shape, got bytes=20, needed=32");
    }
    FloatBuffer readOnly = direct(16).asFloatBuffer().asReadOnlyBuffer();
    try (OnnxTensor theirs = OnnxTensor.createTensor(environment, readOnly, new long[] {4})) {
      assertThatThrownBy(() -> OnnxTensors.wrap(backend, theirs))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("wrap: need a writable segment");
    }
  }

  /** A shared tensor of the caller's memory is refused once that is gone. */
  @Test
  void callersMemoryIsTheCallersToKeep() throws OrtException {
    Tensor tensor;
    try (Arena arena = Arena.ofShared()) {
      tensor = backend.wrap(arena.allocate(16, 8), DType.F32, Shape.of(4));
      OnnxTensors.share(environment, tensor).close();
    }
    assertThatThrownBy(() -> OnnxTensors.share(environment, tensor))
        .isInstanceOf(ClosedException.class)
        .hasMessageStartingWith("lend: need memory that is alive");
  }
}
