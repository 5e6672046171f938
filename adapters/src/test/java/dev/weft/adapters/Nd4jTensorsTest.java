package dev.weft.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.javacpp.BytePointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.memory.conf.WorkspaceConfiguration;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class Nd4jTensorsTest {
  private final Backend backend = Weft.open("cpu");

  @AfterEach
  void close() {
    backend.close();
  }

  static Stream<Arguments> arrays() {
    return NativeWeights.tensors(DType.values());
  }

  @ParameterizedTest
  @MethodSource("arrays")
  void aWrappedArrayHasTheBitsOfATensor(DType dtype, Shape shape) {
    INDArray array = Nd4j.create(type(dtype), shape.dims());
    try (Tensor tensor = Nd4jTensors.wrap(backend, array)) {
      assertThat(tensor.shape()).isEqualTo(shape);
      assertThat(tensor.dtype()).isEqualTo(dtype);
      tensor.fill(NativeWeights.FILL, NativeWeights.KEY);
      assertThat(bytes(array)).isEqualTo(NativeWeights.bytes(dtype, shape));
      if (shape.elements() > 0) {
        assertThat(tensor.segment().address()).isEqualTo(array.data().address());
        array.assign(0);
        assertThat(tensor.get(shape.elements() - 1)).isZero();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("arrays")
  void aSharedTensorHasItsOwnBits(DType dtype, Shape shape) {
    try (Tensor tensor = backend.tensor(dtype, shape);
        Nd4jTensors.Shared shared = Nd4jTensors.share(tensor)) {
      INDArray array = shared.array();
      assertThat(array.shape()).isEqualTo(shape.dims());
      tensor.fill(NativeWeights.FILL, NativeWeights.KEY);
      assertThat(bytes(array)).isEqualTo(NativeWeights.bytes(dtype, shape));
      if (shape.elements() > 0) {
        assertThat(array.data().address()).isEqualTo(tensor.segment().address());
        long last = shape.elements() - 1;
        assertThat(array.dup().data().getDouble(last)).isEqualTo(tensor.get(last));
        array.assign(0);
        assertThat(tensor.get(last)).isZero();
      }
    }
  }

  @Test
  void rowsOfAnArrayAreWrappedWhereTheyAre() {
    INDArray array = Nd4j.create(DataType.FLOAT, 4, 3);
    INDArray rows = array.get(NDArrayIndex.interval(1, 3), NDArrayIndex.all());
    assertThat(rows.offset()).isEqualTo(3);
    try (Tensor tensor = Nd4jTensors.wrap(backend, rows)) {
      tensor.fill(NativeWeights.FILL, NativeWeights.KEY);
      INDArray row = rows.getRow(1); // a view of a view
      try (Tensor part = Nd4jTensors.wrap(backend, row)) {
        assertThat(part.get(2)).isEqualTo(tensor.get(5));
        assertThat(part.segment().address() - tensor.segment().address()).isEqualTo(12);
      }
    }
    float[] all = array.data().asFloat();
    float[] expected = NativeWeights.floats(NativeWeights.FILL, NativeWeights.KEY, Shape.of(2, 3));
    NativeWeights.assertBits(Arrays.copyOfRange(all, 3, 9), expected);
    assertThat(List.of(all[0], all[1], all[2], all[9], all[10], all[11])).containsOnly(0f);
  }

  @Test
  void aWrappedArrayCannotBeClosed() {
    INDArray array = Nd4j.create(DataType.FLOAT, 4, 3);
    Arena first = Arena.ofShared();
    Arena second = Arena.ofShared();
    Tensor tensor = Nd4jTensors.wrap(backend, array, first);
    Nd4jTensors.wrap(backend, array.getRow(1), second);
    array.close();
    assertThatThrownBy(array.data()::close).isInstanceOf(IllegalStateException.class);
    tensor.fill(NativeWeights.FILL, NativeWeights.KEY);
    second.close();
    array.close();
    assertThat(array.wasClosed()).isFalse();
    assertThat(bytes(array)).isEqualTo(NativeWeights.bytes(DType.F32, Shape.of(4, 3)));
    first.close();
    assertThatThrownBy(() -> tensor.fill(NativeWeights.FILL, NativeWeights.KEY))
        .isInstanceOf(ClosedException.class);
    array.close();
    assertThat(array.wasClosed()).isTrue();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Nd4jTensors.wrap(backend, array))
        .withMessageStartingWith("wrap: need an array that is not closed");
  }

  @Test
  void aWrappedArrayThatIsForgottenLeavesItsMemory() throws InterruptedException {
    Tensor tensor =
        Nd4jTensors.wrap(
            backend, Nd4j.create(DataType.FLOAT, 1, ResidentMemory.BYTES / 4).getRow(0));
    for (int i = 0; i < 5; i++) {
      System.gc();
      Thread.sleep(50); // ND4J frees what is unreachable on a thread of its own
    }
    tensor.fill(Fill.constant(2), NativeWeights.KEY);
    assertThat(tensor.get(ResidentMemory.BYTES / 4 - 1)).isEqualTo(2);
  }

  @Test
  void memoryIsFreedWhenBothSidesAreDone() {
    ResidentMemory.assertGivenBack(
        () -> {
          INDArray array = Nd4j.create(DataType.FLOAT, ResidentMemory.BYTES / 4);
          try (Arena arena = Arena.ofShared()) {
            Nd4jTensors.wrap(backend, array, arena).fill(Fill.constant(1), NativeWeights.KEY);
          }
          array.close();
        });
    ResidentMemory.assertGivenBack(
        () -> {
          try (Tensor tensor = backend.tensor(DType.F32, Shape.of(ResidentMemory.BYTES / 4));
              Nd4jTensors.Shared shared = Nd4jTensors.share(tensor)) {
            shared.array().assign(1);
          }
        });
  }

  @Test
  void aConstantArrayStaysConstant() {
    INDArray array = Nd4j.create(DataType.FLOAT, 4);
    array.data().setConstant(true);
    try (Arena arena = Arena.ofShared()) {
      Nd4jTensors.wrap(backend, array, arena);
    }
    assertThat(array.data().isConstant()).isTrue();
  }

  @Test
  void aSharedTensorThatIsClosedLeavesItsMemoryUntilThePairIs() {
    Backend own = Weft.open("cpu");
    Tensor tensor = own.tensor(DType.F32, Shape.of(1 << 20));
    tensor.fill(NativeWeights.FILL, NativeWeights.KEY);
    Nd4jTensors.Shared shared = Nd4jTensors.share(tensor);
    INDArray view = shared.array().get(NDArrayIndex.interval(1, 3));
    tensor.close();
    assertThatThrownBy(own::close).isInstanceOf(IllegalStateException.class);
    assertThat(bytes(shared.array())).isEqualTo(NativeWeights.bytes(DType.F32, Shape.of(1 << 20)));
    assertThat(own.memory().allocatedBytes()).isPositive();
    shared.close();
    shared.close();
    assertThat(own.memory().allocatedBytes()).isZero();
    assertThat(shared.array().wasClosed()).isTrue();
    assertThat(view.wasClosed()).isTrue();
    own.close();
  }

  @Test
  void onlyContiguousArraysAreWrapped() {
    INDArray array = Nd4j.create(DataType.FLOAT, 4, 3);
    INDArray fortran = Nd4j.create(DataType.FLOAT, new long[] {4, 3}, 'f');
    INDArray columns = array.get(NDArrayIndex.all(), NDArrayIndex.interval(1, 3));
    for (INDArray other : List.of(fortran, array.transpose(), columns)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Nd4jTensors.wrap(backend, other))
          .withMessageStartingWith("wrap: need an array that is contiguous in 'c' order");
    }
    INDArray column = Nd4j.create(DataType.FLOAT, new long[] {4, 1}, 'f');
    try (Tensor tensor = Nd4jTensors.wrap(backend, column)) {
      assertThat(tensor.shape()).isEqualTo(Shape.of(4, 1)); // both orders are one here
    }
  }

  @Test
  void onlyFloatingPointArraysOutsideOfWorkspacesAreWrapped() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Nd4jTensors.wrap(backend, Nd4j.create(DataType.BOOL, 2)))
        .withMessage("wrap: need FLOAT, DOUBLE, HALF or BFLOAT16 elements, got type=BOOL");
    try (MemoryWorkspace workspace =
        Nd4j.getWorkspaceManager()
            .getAndActivateWorkspace(
                WorkspaceConfiguration.builder().initialSize(1 << 16).build(), "weft")) {
      INDArray inside = Nd4j.create(DataType.FLOAT, 2);
      assertThat(inside.isAttached()).isTrue();
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Nd4jTensors.wrap(backend, inside))
          .withMessage("wrap: need an array outside of workspaces, got shape=[2]");
      assertThat(workspace.isScopeActive()).isTrue();
    }
  }

  @Test
  void onlyNativeMemoryIsShared() {
    Tensor heap = backend.wrap(new float[6], Shape.of(2, 3));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Nd4jTensors.share(heap))
        .withMessage("share: need native memory of the host, got tensor=" + heap);
    Tensor closed = backend.tensor(DType.F32, Shape.of(2));
    closed.close();
    assertThatThrownBy(() -> Nd4jTensors.share(closed)).isInstanceOf(ClosedException.class);
  }

  private static DataType type(DType dtype) {
    return switch (dtype) {
      case F32 -> DataType.FLOAT;
      case F64 -> DataType.DOUBLE;
      case F16 -> DataType.FLOAT16;
      case BF16 -> DataType.BFLOAT16;
    };
  }

  /** What ND4J's own pointer shows. */
  private static byte[] bytes(INDArray array) {
    if (array.isEmpty()) {
      return new byte[0];
    }
    byte[] bytes = new byte[Math.toIntExact(array.length() * array.data().getElementSize())];
    new BytePointer(array.data().addressPointer()).capacity(bytes.length).get(bytes);
    return bytes;
  }
}
