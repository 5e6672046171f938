package dev.weft.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.testkit.Tensors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class DjlTensorsTest {
  private final Backend backend = Weft.open("cpu");
  private final NDManager manager = PyTorch.manager();

  @AfterEach
  void close() {
    manager.close();
    backend.close();
  }

  static Stream<Arguments> arrays() {
    return NativeWeights.tensors(DType.F32, DType.F64, DType.F16);
  }

  @ParameterizedTest
  @MethodSource("arrays")
  void aWrappedArrayHasTheBitsOfATensor(DType dtype, Shape shape) {
    NDArray array = array(dtype, shape);
    try (Tensor tensor = DjlTensors.wrap(backend, array)) {
      assertThat(tensor.shape()).isEqualTo(shape);
      assertThat(tensor.dtype()).isEqualTo(dtype);
      tensor.fill(NativeWeights.FILL, NativeWeights.KEY);
      assertThat(bytes(array)).isEqualTo(NativeWeights.bytes(dtype, shape));
      assertThat(values(array)).isEqualTo(Tensors.values(tensor));
      if (shape.elements() > 0) {
        assertThat(tensor.segment().address()).isEqualTo(address(array));
        array.muli(0);
        assertThat(tensor.get(shape.elements() - 1)).isZero();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("arrays")
  void aSharedTensorHasItsOwnBits(DType dtype, Shape shape) {
    try (NDManager scope = manager.newSubManager();
        Tensor tensor = backend.tensor(dtype, shape)) {
      NDArray array = DjlTensors.share(scope, tensor);
      assertThat(array.getShape().getShape()).isEqualTo(shape.dims());
      tensor.fill(NativeWeights.FILL, NativeWeights.KEY);
      assertThat(bytes(array)).isEqualTo(NativeWeights.bytes(dtype, shape));
      assertThat(values(array)).isEqualTo(Tensors.values(tensor));
      if (shape.elements() > 0) {
        assertThat(address(array)).isEqualTo(tensor.segment().address());
        array.muli(0);
        assertThat(tensor.get(shape.elements() - 1)).isZero();
      }
    }
  }

  @Test
  void rowsOfAnArrayAreWrappedWhereTheyAre() {
    NDArray array = manager.zeros(new ai.djl.ndarray.types.Shape(4, 3));
    NDArray rows = array.get(new NDIndex("1:3"));
    try (Tensor tensor = DjlTensors.wrap(backend, rows)) {
      tensor.fill(NativeWeights.FILL, NativeWeights.KEY);
    }
    float[] all = array.toFloatArray();
    float[] expected = NativeWeights.floats(NativeWeights.FILL, NativeWeights.KEY, Shape.of(2, 3));
    NativeWeights.assertBits(Arrays.copyOfRange(all, 3, 9), expected);
    assertThat(List.of(all[0], all[1], all[2], all[9], all[10], all[11])).containsOnly(0f);
  }

  @Test
  void anArrayIsNotTakenForAScopesOwn() {
    NDArray array = manager.create(new float[] {1, 2});
    Tensor tensor;
    try (NDScope scope = new NDScope()) {
      scope.suppressNotUsedWarning();
      tensor = DjlTensors.wrap(backend, array);
    }
    array.close();
    assertThat(tensor.get(1)).isEqualTo(2);
  }

  @Test
  void aWrappedArrayThatIsClosedLeavesItsMemory() {
    NDManager scope = manager.newSubManager();
    NDArray array = scope.ones(new ai.djl.ndarray.types.Shape(ResidentMemory.BYTES / 4));
    Tensor tensor = DjlTensors.wrap(backend, array);
    scope.close(); // what it frees of this size, the process can no longer reach
    tensor.fill(Fill.constant(2), NativeWeights.KEY);
    assertThat(tensor.get(ResidentMemory.BYTES / 4 - 1)).isEqualTo(2);
  }

  @Test
  void memoryIsFreedWhenBothSidesAreDone() {
    ai.djl.ndarray.types.Shape shape = new ai.djl.ndarray.types.Shape(ResidentMemory.BYTES / 4);
    ResidentMemory.assertGivenBack(
        () -> {
          try (Arena arena = Arena.ofShared();
              NDArray array = manager.ones(shape)) {
            assertThat(DjlTensors.wrap(backend, array, arena).get(1)).isOne();
          }
        });
  }

  @Test
  void aParameterWithGradientsIsFilledInPlace() {
    NDArray array = manager.ones(new ai.djl.ndarray.types.Shape(3, 7));
    array.setRequiresGradient(true);
    try (Tensor tensor = DjlTensors.wrap(backend, array)) {
      tensor.fill(NativeWeights.FILL, NativeWeights.KEY);
    }
    assertThat(bytes(array)).isEqualTo(NativeWeights.bytes(DType.F32, Shape.of(3, 7)));
    assertThat(array.hasGradient()).isTrue();
  }

  @Test
  void anArenaEndsTheTensorAndNotTheArray() {
    NDArray array = manager.create(new float[] {1, 2});
    Arena arena = Arena.ofShared();
    Tensor tensor = DjlTensors.wrap(backend, array, arena);
    arena.close();
    assertThatThrownBy(() -> tensor.fill(NativeWeights.FILL, NativeWeights.KEY))
        .isInstanceOf(ClosedException.class);
    assertThat(array.toFloatArray()).containsExactly(1, 2);
    assertThatThrownBy(() -> DjlTensors.wrap(backend, array, arena))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aSharedTensorThatIsClosedLeavesItsMemoryUntilTheManagerIs() {
    Backend own = Weft.open("cpu");
    NDManager scope = manager.newSubManager();
    Tensor tensor = own.tensor(DType.F32, Shape.of(1 << 20));
    tensor.fill(NativeWeights.FILL, NativeWeights.KEY);
    NDArray array = DjlTensors.share(scope, tensor);
    NDArray view = array.get(new NDIndex("1:"));
    tensor.close();
    array.close();
    assertThatThrownBy(own::close).isInstanceOf(IllegalStateException.class);
    float[] expected =
        NativeWeights.floats(NativeWeights.FILL, NativeWeights.KEY, Shape.of(1 << 20));
    NativeWeights.assertBits(view.toFloatArray(), Arrays.copyOfRange(expected, 1, expected.length));
    assertThat(own.memory().allocatedBytes()).isPositive();
    scope.close();
    assertThat(own.memory().allocatedBytes()).isZero();
    own.close();
  }

  @Test
  void onlyContiguousArraysAreWrapped() {
    NDArray array = manager.zeros(new ai.djl.ndarray.types.Shape(4, 3));
    for (NDArray other : List.of(array.transpose(), array.get(new NDIndex(":,1:")))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> DjlTensors.wrap(backend, other))
          .withMessageStartingWith("wrap: need an array that is contiguous in row-major order");
    }
    try (Tensor row = DjlTensors.wrap(backend, array.get(new NDIndex("2:3,1:")))) {
      assertThat(row.shape()).isEqualTo(Shape.of(1, 2)); // one row: its stride does not matter
    }
  }

  @Test
  void onlyFloatingPointArraysAreWrapped() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DjlTensors.wrap(backend, manager.create(new int[] {1})))
        .withMessage("wrap: need float32, float64 or float16, got type=int32");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                DjlTensors.wrap(
                    backend,
                    manager.createCoo(
                        FloatBuffer.wrap(new float[] {1}),
                        new long[][] {{0}, {1}},
                        new ai.djl.ndarray.types.Shape(2, 2))))
        .withMessageStartingWith("wrap: need a dense array");
    NDArray closed = manager.create(new float[] {1});
    closed.close();
    assertThatThrownBy(() -> DjlTensors.wrap(backend, closed))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void onlyNativeMemoryIsShared() {
    Tensor heap = backend.wrap(new float[6], Shape.of(2, 3));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DjlTensors.share(manager, heap))
        .withMessage("share: need native memory of the host, got tensor=" + heap);
    Tensor closed = backend.tensor(DType.F32, Shape.of(2));
    closed.close();
    assertThatThrownBy(() -> DjlTensors.share(manager, closed)).isInstanceOf(ClosedException.class);
  }

  @Test
  void bfloat16IsRefusedForDjlEndsTheProcess() {
    try (Tensor tensor = backend.tensor(DType.BF16, Shape.of(2))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> DjlTensors.share(manager, tensor))
          .withMessage("share: need f32, f64 or f16, got dtype=bf16");
    }
  }

  @Test
  @SuppressWarnings("restricted") // the memory is never reached
  void noMoreIsSharedThanABufferHolds() {
    MemorySegment large = MemorySegment.ofAddress(64).reinterpret(1L << 31);
    Tensor tensor = backend.wrap(large, DType.F32, Shape.of(1L << 29));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DjlTensors.share(manager, tensor))
        .withMessageStartingWith("share: need less than 2^31 bytes, got bytes=2147483648");
  }

  @Test
  void aManagerThatCannotKeepTheMemoryIsRefused() {
    try (Tensor tensor = backend.tensor(DType.F32, Shape.of(2))) {
      NDManager closed = manager.newSubManager();
      closed.close();
      assertThatThrownBy(() -> DjlTensors.share(closed, tensor))
          .isInstanceOf(IllegalStateException.class);
      NDArray detached = manager.create(1f);
      detached.detach();
      assertThatIllegalArgumentException()
          .isThrownBy(() -> DjlTensors.share(detached.getManager(), tensor))
          .withMessageStartingWith("share: need a manager that is closed one day");
      detached.close();
    }
    assertThat(backend.memory().allocatedBytes()).isZero(); // no lease is left
  }

  private NDArray array(DType dtype, Shape shape) {
    DataType type =
        switch (dtype) {
          case F32 -> DataType.FLOAT32;
          case F64 -> DataType.FLOAT64;
          case F16 -> DataType.FLOAT16;
          case BF16 -> throw new AssertionError(dtype);
        };
    return manager.ones(new ai.djl.ndarray.types.Shape(shape.dims()), type);
  }

  private static long address(NDArray array) {
    return MemorySegment.ofBuffer(array.toByteBuffer(true)).address();
  }

  /** As DJL copies them out. */
  private static byte[] bytes(NDArray array) {
    return array.isEmpty()
        ? new byte[0]
        : MemorySegment.ofBuffer(array.toByteBuffer(false)).toArray(ValueLayout.JAVA_BYTE);
  }

  /** As PyTorch itself reads them. */
  private static double[] values(NDArray array) {
    return array.isEmpty() ? new double[0] : array.toType(DataType.FLOAT64, true).toDoubleArray();
  }
}
