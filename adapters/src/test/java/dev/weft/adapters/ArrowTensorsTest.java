package dev.weft.adapters;

import static dev.weft.adapters.Expected.FILL;
import static dev.weft.adapters.Expected.KEY;
import static dev.weft.adapters.Expected.poison;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float2Vector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.FloatingPointVector;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ArrowTensorsTest {
  private static final int GUARD = 64;

  private final Backend backend = Weft.open("cpu");
  private final BufferAllocator allocator = new RootAllocator();

  /** Both refuse to close while the other still has something of theirs. */
  @AfterEach
  void nothingIsLeft() {
    allocator.close();
    backend.close();
  }

  private static byte[] read(ArrowBuf buffer, long index, int bytes) {
    byte[] read = new byte[bytes];
    buffer.getBytes(index, read);
    return read;
  }

  @ParameterizedTest
  @CsvSource({"0", "1", "3", "17", "100003"})
  void aBufferIsFilledWhereItIs(int elements) {
    Shape shape = Shape.of(elements);
    for (DType dtype : DType.values()) {
      byte[] expected = Expected.bytes(dtype, shape);
      for (int start : new int[] {GUARD, GUARD + 1}) { // aligned and not
        try (ArrowBuf buffer = allocator.buffer(2 * GUARD + 1 + expected.length)) {
          int all = (int) buffer.capacity();
          buffer.setBytes(0, poison(all));
          buffer.readerIndex(start);
          try (Tensor tensor = ArrowTensors.wrap(backend, buffer, dtype, shape)) {
            assertThat(tensor.segment().address()).isEqualTo(buffer.memoryAddress() + start);
            assertThat(tensor.shape()).isEqualTo(shape);
            tensor.fill(FILL, KEY);
          }
          assertThat(read(buffer, start, expected.length)).isEqualTo(expected);
          assertThat(read(buffer, 0, start)).isEqualTo(poison(start));
          int end = start + expected.length;
          assertThat(read(buffer, end, all - end)).isEqualTo(poison(all - end));
          assertThat(buffer.readerIndex()).isEqualTo(start);
          assertThat(buffer.writerIndex()).isZero();
          assertThat(buffer.refCnt()).isEqualTo(1);
        }
      }
    }
  }

  @Test
  void bothSidesSeeEachOthersWrites() {
    try (ArrowBuf buffer = allocator.buffer(64);
        Tensor tensor =
            ArrowTensors.wrap(backend, buffer.slice(8, 16), DType.F32, Shape.of(2, 2))) {
      buffer.setFloat(8 + 4, 2.5f);
      assertThat(tensor.get(1)).isEqualTo(2.5);
      tensor.copyFrom(MemorySegment.ofArray(new float[] {1, 2, 3, 4}));
      assertThat(buffer.getFloat(8 + 12)).isEqualTo(4);
    }
  }

  @Test
  void aBufferThatDoesNotSuitIsRefused() {
    Shape shape = Shape.of(4);
    ArrowBuf buffer = allocator.buffer(16);
    assertThatThrownBy(() -> ArrowTensors.wrap(backend, buffer, DType.F64, shape))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "wrap: need at least as many bytes as the shape,"
                + " got bytes=16, needed=32, shape=[4], dtype=f64");
    buffer.readerIndex(1);
    assertThatThrownBy(() -> ArrowTensors.wrap(backend, buffer, DType.F32, shape))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("got bytes=15, needed=16");
    for (long start : new long[] {-1, 17, Long.MAX_VALUE, Long.MIN_VALUE}) {
      buffer.readerIndex(start);
      assertThatThrownBy(() -> ArrowTensors.wrap(backend, buffer, DType.F32, Shape.of(0)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "wrap: need 0 <= reader index <= capacity, got readerIndex="
                  + start
                  + ", capacity=16");
    }
    buffer.readerIndex(0);
    buffer.close();
    assertThatThrownBy(() -> ArrowTensors.wrap(backend, buffer, DType.F32, shape))
        .isInstanceOf(ClosedException.class)
        .hasMessageStartingWith("wrap: need a buffer that is not released, got buffer=ArrowBuf[");
  }

  private FloatingPointVector vector(DType dtype) {
    return switch (dtype) {
      case F16 -> new Float2Vector("v", allocator);
      case F32 -> new Float4Vector("v", allocator);
      case F64 -> new Float8Vector("v", allocator);
      case BF16 -> throw new AssertionError("Arrow has none");
    };
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "F32", "F64"})
  void aVectorIsFilledWhereItIs(DType dtype) {
    for (int values : new int[] {0, 1, 3, 8, 17, 1003}) {
      try (FloatingPointVector vector = vector(dtype)) {
        vector.setInitialCapacity(values);
        vector.allocateNew();
        vector.setValueCount(values);
        ArrowBuf validity = vector.getValidityBuffer();
        validity.setOne(0, validity.capacity());
        byte[] expected = Expected.bytes(dtype, Shape.of(values));
        try (Tensor tensor = ArrowTensors.wrap(backend, vector)) {
          assertThat(tensor.dtype()).isEqualTo(dtype);
          assertThat(tensor.shape()).isEqualTo(Shape.of(values));
          tensor.fill(FILL, KEY);
          for (int i = 0; i < values; i++) {
            assertThat(vector.getValueAsDouble(i)).isEqualTo(tensor.get(i));
          }
        }
        assertThat(read(vector.getDataBuffer(), 0, expected.length)).isEqualTo(expected);
        assertThat(vector.getNullCount()).isZero();
      }
    }
  }

  @Test
  void valuesSetByArrowAreSeen() {
    try (Float4Vector vector = new Float4Vector("v", allocator)) {
      vector.allocateNew(3);
      for (int i = 0; i < 3; i++) {
        vector.set(i, i + 0.5f);
      }
      vector.setValueCount(3);
      try (Tensor tensor = ArrowTensors.wrap(backend, vector)) {
        assertThat(tensor.get(2)).isEqualTo(2.5);
        vector.set(2, 7);
        assertThat(tensor.get(2)).isEqualTo(7);
      }
    }
  }

  @Test
  void nullsAreRefused() {
    try (Float8Vector vector = new Float8Vector("v", allocator)) {
      vector.allocateNew(3);
      vector.set(0, 1);
      vector.set(2, 1);
      vector.setValueCount(3);
      assertThatThrownBy(() -> ArrowTensors.wrap(backend, vector))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("wrap: need a vector without nulls, got nulls=1, values=3");
    }
  }

  @Test
  void aClearedVectorIsEmpty() {
    try (Float4Vector vector = new Float4Vector("v", allocator);
        Tensor tensor = ArrowTensors.wrap(backend, vector)) {
      assertThat(tensor.shape()).isEqualTo(Shape.of(0));
      tensor.fill(FILL, KEY);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 17, 100_003, 1 << 20})
  void aTensorIsSharedWhereItIs(int elements) {
    Shape shape = Shape.of(elements);
    for (DType dtype : DType.values()) {
      byte[] expected = Expected.bytes(dtype, shape);
      try (Tensor tensor = backend.tensor(dtype, shape);
          ArrowBuf buffer = ArrowTensors.share(tensor, allocator)) {
        assertThat(buffer.memoryAddress()).isEqualTo(tensor.segment().address());
        assertThat(buffer.memoryAddress() % 64).isZero();
        assertThat(buffer.capacity()).isEqualTo(expected.length);
        assertThat(buffer.readableBytes()).isEqualTo(expected.length);
        assertThat(buffer.refCnt()).isEqualTo(1);
        assertThat(allocator.getAllocatedMemory()).isEqualTo(expected.length);
        tensor.fill(FILL, KEY);
        assertThat(read(buffer, 0, expected.length)).isEqualTo(expected);
        if (elements > 0) {
          buffer.setByte(expected.length - 1, 0x40);
          assertThat(tensor.segment().asByteBuffer().get(expected.length - 1)).isEqualTo((byte) 64);
        }
      }
    }
  }

  @Test
  void aTensorMayBeClosedBeforeItsBuffer() {
    Tensor tensor = backend.tensor(DType.F32, Shape.of(4));
    tensor.fill(FILL, KEY);
    double last = tensor.get(3);
    ArrowBuf buffer = ArrowTensors.share(tensor, allocator);
    tensor.close();
    assertThat(buffer.getFloat(12)).isEqualTo((float) last);
    assertThat(backend.memory().allocatedBytes()).isEqualTo(16);
    assertThatThrownBy(backend::close)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("close: need no running operation and no lent tensor");
    buffer.close();
    assertThat(backend.memory().allocatedBytes()).isZero();
  }

  @Test
  void aBufferMayBeReleasedBeforeItsTensor() {
    try (Tensor tensor = backend.tensor(DType.F32, Shape.of(4))) {
      ArrowTensors.share(tensor, allocator).close();
      tensor.fill(FILL, KEY);
      assertThat(allocator.getAllocatedMemory()).isZero();
      assertThat(backend.memory().allocatedBytes()).isEqualTo(16);
    }
    assertThat(backend.memory().allocatedBytes()).isZero();
  }

  /** A slice, a vector of another allocator: the last reference gives back. */
  @Test
  void theLastReferenceGivesTheMemoryBack() throws InterruptedException {
    Tensor tensor = backend.tensor(DType.F32, Shape.of(5));
    tensor.fill(FILL, KEY);
    double[] expected = {tensor.get(0), tensor.get(4)};
    ArrowBuf buffer = ArrowTensors.share(tensor, allocator);
    tensor.close();
    ArrowBuf slice = buffer.slice(16, 4);
    slice.getReferenceManager().retain();
    try (BufferAllocator child = allocator.newChildAllocator("child", 0, Long.MAX_VALUE);
        Float4Vector vector = new Float4Vector("v", child)) {
      FieldVector loaded = vector;
      loaded.loadFieldBuffers(new ArrowFieldNode(5, 0), List.of(child.getEmpty(), buffer));
      buffer.close();
      assertThat(vector.getNullCount()).isZero();
      assertThat((double) vector.get(0)).isEqualTo(expected[0]);
      assertThat((double) slice.getFloat(0)).isEqualTo(expected[1]);
      Thread.ofPlatform().start(slice::close).join();
      assertThat((double) vector.get(4)).isEqualTo(expected[1]);
      assertThat(backend.memory().allocatedBytes()).isEqualTo(20);
    }
    assertThat(backend.memory().allocatedBytes()).isZero();
  }

  @Test
  void twoBuffersOfOneTensorAreTwoLeases() {
    Tensor tensor = backend.tensor(DType.F64, Shape.of(2));
    ArrowBuf first = ArrowTensors.share(tensor, allocator);
    ArrowBuf second = ArrowTensors.share(tensor, allocator);
    tensor.close();
    first.close();
    assertThat(backend.memory().allocatedBytes()).isEqualTo(16);
    second.close();
    assertThat(backend.memory().allocatedBytes()).isZero();
  }

  /** What is refused is not lent: the backend closes afterwards. */
  @Test
  void whatCannotBeSharedIsRefused() {
    Tensor array = backend.wrap(new float[4], Shape.of(4));
    assertThatThrownBy(() -> ArrowTensors.share(array, allocator))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("share: need native memory, got tensor=" + array);
    Tensor tensor = backend.tensor(DType.F32, Shape.of(4));
    try (BufferAllocator small = allocator.newChildAllocator("small", 0, 15)) {
      assertThatThrownBy(() -> ArrowTensors.share(tensor, small))
          .isInstanceOf(OutOfMemoryException.class);
    }
    try (BufferAllocator exact = allocator.newChildAllocator("exact", 0, 16)) {
      ArrowTensors.share(tensor, exact).close();
    }
    tensor.close();
    assertThatThrownBy(() -> ArrowTensors.share(tensor, allocator))
        .isInstanceOf(ClosedException.class)
        .hasMessageStartingWith("lend: need an open tensor");
    assertThat(backend.memory().allocatedBytes()).isZero();
  }

  /** Untouched pages but the last. */
  @Test
  @Tag("big")
  void sizesAreLong() {
    Shape shape = Shape.of((1L << 31) + 5);
    try (Tensor tensor = backend.tensor(DType.F32, shape);
        ArrowBuf buffer = ArrowTensors.share(tensor, allocator);
        Tensor again = ArrowTensors.wrap(backend, buffer, DType.F32, shape)) {
      long last = shape.elements() - 1;
      buffer.setFloat(4 * last, 2.5f);
      assertThat(tensor.get(last)).isEqualTo(2.5);
      assertThat(again.get(last)).isEqualTo(2.5);
    }
  }
}
