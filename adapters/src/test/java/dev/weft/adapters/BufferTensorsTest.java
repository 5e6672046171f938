package dev.weft.adapters;

import static dev.weft.adapters.Expected.FILL;
import static dev.weft.adapters.Expected.KEY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.MappedByteBuffer;
import java.nio.ShortBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class BufferTensorsTest {
  private static final int GUARD = 24;
  private static final ByteOrder NATIVE = ByteOrder.nativeOrder();
  private static final ByteOrder SWAPPED =
      NATIVE == ByteOrder.LITTLE_ENDIAN ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;

  private final Backend backend = Weft.open("cpu");

  @AfterEach
  void close() {
    backend.close();
  }

  static Stream<Arguments> buffers() {
    return Stream.of(0, 1, 3, 17, 10_007)
        .flatMap(
            elements ->
                Stream.of(DType.values())
                    .flatMap(
                        dtype ->
                            Stream.of(false, true)
                                .map(direct -> Arguments.of(elements, dtype, direct))));
  }

  private static ByteBuffer poisoned(int bytes, boolean direct) {
    ByteBuffer all = direct ? ByteBuffer.allocateDirect(bytes) : ByteBuffer.allocate(bytes);
    return all.put(Expected.poison(bytes)).clear().order(NATIVE);
  }

  /** The bytes between guards are a fill's, and the guards are as they were. */
  private static void assertFilled(ByteBuffer all, int start, byte[] expected) {
    byte[] bytes = new byte[all.capacity()];
    all.get(0, bytes);
    byte[] whole = Expected.poison(bytes.length);
    System.arraycopy(expected, 0, whole, start, expected.length);
    assertThat(bytes).isEqualTo(whole);
  }

  @ParameterizedTest
  @MethodSource("buffers")
  void bytesAreFilledBetweenPositionAndLimit(int elements, DType dtype, boolean direct) {
    Shape shape = Shape.of(elements);
    byte[] expected = Expected.bytes(dtype, shape);
    for (int start : new int[] {GUARD, GUARD + 1}) { // any alignment
      ByteBuffer all = poisoned(expected.length + 2 * GUARD + 1, direct);
      ByteBuffer part = all.duplicate().order(NATIVE);
      part.position(start).limit(start + expected.length);
      for (ByteBuffer buffer : new ByteBuffer[] {part, part.slice().order(NATIVE)}) {
        int position = buffer.position();
        try (Tensor tensor = BufferTensors.wrap(backend, buffer, dtype, shape)) {
          tensor.fill(FILL, KEY);
        }
        assertFilled(all, start, expected);
        all.put(0, Expected.poison(all.capacity()));
        assertThat(buffer.position()).isEqualTo(position);
        assertThat(buffer.remaining()).isEqualTo(expected.length);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("buffers")
  void elementsAreFilledBetweenPositionAndLimit(int elements, DType dtype, boolean direct) {
    Shape shape = Shape.of(elements);
    byte[] expected = Expected.bytes(dtype, shape);
    int from = GUARD / dtype.byteSize();
    ByteBuffer all = poisoned(expected.length + 2 * GUARD, direct);
    try (Tensor tensor =
        switch (dtype) {
          case F32 -> {
            FloatBuffer view = all.asFloatBuffer().position(from).limit(from + elements);
            yield BufferTensors.wrap(backend, view.slice(), shape);
          }
          case F64 -> {
            DoubleBuffer view = all.asDoubleBuffer().position(from).limit(from + elements);
            yield BufferTensors.wrap(backend, view, shape);
          }
          case F16, BF16 -> {
            ShortBuffer view = all.asShortBuffer().position(from).limit(from + elements);
            yield BufferTensors.wrap(backend, view, dtype, shape);
          }
        }) {
      assertThat(tensor.dtype()).isEqualTo(dtype);
      tensor.fill(FILL, KEY);
    }
    assertFilled(all, GUARD, expected);
  }

  @Test
  void arraysBehindBuffersAreFilled() {
    Shape shape = Shape.of(2, 3);
    ByteBuffer expected = Expected.buffer(DType.F32, shape);
    float[] floats = new float[10];
    double[] doubles = new double[10];
    short[] shorts = new short[10];
    FloatBuffer window = FloatBuffer.wrap(floats, 1, 8).slice().position(2); // from index 3 on
    try (Tensor f32 = BufferTensors.wrap(backend, window, shape);
        Tensor f64 = BufferTensors.wrap(backend, DoubleBuffer.wrap(doubles, 4, 6), shape);
        Tensor f16 = BufferTensors.wrap(backend, ShortBuffer.wrap(shorts), DType.F16, shape)) {
      assertThat(f32.segment().heapBase()).containsSame(floats);
      f32.fill(FILL, KEY);
      f64.fill(FILL, KEY);
      f16.fill(FILL, KEY);
      floats[4] = 42;
      assertThat(f32.get(1)).isEqualTo(42);
    }
    assertThat(floats[3]).isEqualTo(expected.getFloat(0));
    assertThat(floats[8]).isEqualTo(expected.getFloat(20));
    assertThat(new float[] {floats[2], floats[9]}).containsOnly(0);
    assertThat(doubles[4]).isEqualTo(Expected.buffer(DType.F64, shape).getDouble(0));
    assertThat(doubles[3]).isZero();
    assertThat(shorts[5]).isEqualTo(Expected.buffer(DType.F16, shape).getShort(10));
    assertThat(shorts[6]).isZero();
  }

  @Test
  void aMappedFileIsFilled(@TempDir Path folder) throws IOException {
    Shape shape = Shape.of(1000);
    byte[] expected = Expected.bytes(DType.F32, shape);
    try (FileChannel file =
        FileChannel.open(
            folder.resolve("weights.bin"),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      MappedByteBuffer mapped = file.map(FileChannel.MapMode.READ_WRITE, 0, expected.length);
      BufferTensors.wrap(backend, mapped.order(NATIVE), DType.F32, shape).fill(FILL, KEY);
      ByteBuffer read = ByteBuffer.allocate(expected.length);
      while (read.hasRemaining() && file.read(read, read.position()) >= 0) {}
      assertThat(read.array()).isEqualTo(expected);
      ByteBuffer readOnly = file.map(FileChannel.MapMode.READ_ONLY, 0, expected.length);
      assertThatThrownBy(
              () -> BufferTensors.wrap(backend, readOnly.order(NATIVE), DType.F32, shape))
          .hasMessageStartingWith("wrap: need a writable segment");
    }
  }

  @Test
  void buffersThatDoNotSuitAreRefused() {
    Shape shape = Shape.of(4);
    ByteBuffer fresh = ByteBuffer.allocateDirect(16).order(SWAPPED);
    String order = "wrap: need the machine's byte order, got order=" + SWAPPED;
    assertThatThrownBy(() -> BufferTensors.wrap(backend, fresh, DType.F32, shape))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(order);
    assertThatThrownBy(() -> BufferTensors.wrap(backend, fresh.asFloatBuffer(), shape))
        .hasMessage(order);
    assertThatThrownBy(() -> BufferTensors.wrap(backend, fresh.asDoubleBuffer(), Shape.of(2)))
        .hasMessage(order);
    assertThatThrownBy(
            () -> BufferTensors.wrap(backend, fresh.asShortBuffer(), DType.F16, Shape.of(2)))
        .hasMessage(order);
    FloatBuffer floats = FloatBuffer.allocate(5).position(2);
    assertThatThrownBy(() -> BufferTensors.wrap(backend, floats, shape))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("got bytes=12, needed=16");
    FloatBuffer limited = FloatBuffer.allocate(5).limit(3);
    assertThatThrownBy(() -> BufferTensors.wrap(backend, limited, shape))
        .hasMessageContaining("got bytes=12, needed=16");
    assertThatThrownBy(
            () -> BufferTensors.wrap(backend, FloatBuffer.allocate(4).asReadOnlyBuffer(), shape))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("wrap: need a writable segment");
    assertThatThrownBy(() -> BufferTensors.wrap(backend, ShortBuffer.allocate(8), DType.F32, shape))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("wrap: need a 16-bit dtype over a ShortBuffer, got dtype=f32");
  }

  @Test
  void aBufferOfAnArenaEndsWithIt() {
    Tensor tensor;
    try (Arena arena = Arena.ofConfined()) {
      ByteBuffer buffer = arena.allocate(16).asByteBuffer().order(NATIVE);
      tensor = BufferTensors.wrap(backend, buffer, DType.F32, Shape.of(4));
      tensor.fill(FILL, KEY);
    }
    assertThatThrownBy(() -> tensor.fill(FILL, KEY))
        .isInstanceOf(ClosedException.class)
        .hasMessageStartingWith("fill: need memory that is alive");
  }

  @ParameterizedTest
  @EnumSource
  void aTensorIsSeenAsABuffer(DType dtype) {
    for (int elements : new int[] {0, 1, 3, 17, 10_007}) {
      Shape shape = Shape.of(elements);
      ByteBuffer expected = Expected.buffer(dtype, shape);
      MemorySegment bytes = MemorySegment.ofArray(new byte[expected.capacity() + 1]);
      try (Tensor own = backend.tensor(dtype, shape);
          Tensor wrapped = backend.wrap(bytes.asSlice(1), dtype, shape)) {
        for (Tensor tensor : new Tensor[] {own, wrapped}) {
          tensor.fill(FILL, KEY);
          ByteBuffer view = BufferTensors.byteBuffer(tensor);
          assertThat(view).isEqualTo(expected);
          assertThat(view.order()).isEqualTo(NATIVE);
          assertThat(MemorySegment.ofBuffer(view).address()).isEqualTo(tensor.segment().address());
          switch (dtype) {
            case F32 ->
                assertThat(BufferTensors.floatBuffer(tensor)).isEqualTo(expected.asFloatBuffer());
            case F64 ->
                assertThat(BufferTensors.doubleBuffer(tensor)).isEqualTo(expected.asDoubleBuffer());
            case F16, BF16 ->
                assertThat(BufferTensors.shortBuffer(tensor)).isEqualTo(expected.asShortBuffer());
          }
        }
      }
    }
  }

  @Test
  void anArrayBehindATensorIsSeenAsABuffer() {
    Shape shape = Shape.of(2);
    float[] floats = {1, 2, 3, 4};
    double[] doubles = {1, 2, 3};
    short[] shorts = {1, 2, 3};
    MemorySegment part = MemorySegment.ofArray(floats).asSlice(4);
    FloatBuffer f = BufferTensors.floatBuffer(backend.wrap(part, DType.F32, shape));
    f.put(1, 7);
    assertThat(floats).containsExactly(1, 2, 7, 4);
    assertThat(f).isEqualTo(FloatBuffer.wrap(new float[] {2, 7}));
    assertThat(f.capacity()).isEqualTo(2);
    DoubleBuffer d = BufferTensors.doubleBuffer(backend.wrap(doubles, shape));
    d.put(0, 7);
    assertThat(doubles).containsExactly(7, 2, 3);
    assertThat(d.capacity()).isEqualTo(2);
    ShortBuffer s = BufferTensors.shortBuffer(backend.wrap(shorts, DType.BF16, shape));
    s.put(0, (short) 7);
    assertThat(shorts).containsExactly(7, 2, 3);
    assertThat(s.capacity()).isEqualTo(2);
  }

  /** The other way and back again: the same memory. */
  @Test
  void aBufferComesBack() {
    FloatBuffer floats = ByteBuffer.allocateDirect(64).order(NATIVE).asFloatBuffer().position(3);
    Tensor tensor = BufferTensors.wrap(backend, floats, Shape.of(5));
    BufferTensors.floatBuffer(tensor).put(0, 7);
    assertThat(floats.get(3)).isEqualTo(7);
  }

  @Test
  void tensorsThatDoNotSuitAreRefused() {
    Shape shape = Shape.of(4);
    try (Tensor f32 = backend.tensor(DType.F32, shape);
        Tensor f64 = backend.tensor(DType.F64, shape)) {
      assertThatThrownBy(() -> BufferTensors.floatBuffer(f64))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("floatBuffer: need f32, got tensor=" + f64);
      assertThatThrownBy(() -> BufferTensors.doubleBuffer(f32))
          .hasMessage("doubleBuffer: need f64, got tensor=" + f32);
      assertThatThrownBy(() -> BufferTensors.shortBuffer(f32))
          .hasMessage("shortBuffer: need f16 or bf16, got tensor=" + f32);
      Tensor ints = backend.wrap(MemorySegment.ofArray(new int[4]), DType.F32, shape);
      assertThatThrownBy(() -> BufferTensors.floatBuffer(ints))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "floatBuffer: need native memory or an array of the buffer's type, got tensor="
                  + ints);
      Tensor floats = backend.wrap(new float[4], shape);
      assertThatThrownBy(() -> BufferTensors.byteBuffer(floats))
          .hasMessageStartingWith("byteBuffer: need native memory or an array");
      MemorySegment odd = MemorySegment.ofArray(new float[5]).asSlice(2);
      Tensor between = backend.wrap(odd, DType.F32, shape);
      assertThatThrownBy(() -> BufferTensors.floatBuffer(between))
          .hasMessage(
              "floatBuffer: need whole elements of the array, got offset=2, tensor=" + between);
    }
  }

  /** Addresses alone: nothing is behind them, and nothing is read. */
  @Test
  @SuppressWarnings("restricted")
  void aBufferHasTwoGibibytesAtMost() {
    MemorySegment memory = MemorySegment.ofAddress(64).reinterpret(1L << 31);
    Tensor most = backend.wrap(memory, DType.F16, Shape.of((1L << 30) - 5));
    assertThat(BufferTensors.shortBuffer(most).capacity()).isEqualTo((1 << 30) - 5);
    Tensor more = backend.wrap(memory, DType.F16, Shape.of((1L << 30) - 4));
    assertThatThrownBy(() -> BufferTensors.shortBuffer(more))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "shortBuffer: need at most 2147483639 bytes, got bytes=2147483640, tensor=" + more);
  }

  @Test
  void aBufferDoesNotOutliveWeftsMemory() {
    Tensor tensor = backend.tensor(DType.F32, Shape.of(4));
    FloatBuffer buffer = BufferTensors.floatBuffer(tensor);
    buffer.put(0, 1);
    tensor.close();
    assertThatThrownBy(() -> buffer.get(0)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> BufferTensors.floatBuffer(tensor))
        .isInstanceOf(ClosedException.class)
        .hasMessageStartingWith("segment: need an open tensor");
  }
}
