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
import dev.weft.init.Initializers;
import dev.weft.random.RandomKey;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.ndarray.buffer.DataStorageVisitor;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TType;

class TensorFlowTensorsTest {
  private static final RandomKey KEY = NativeWeights.KEY;
  private static final Fill FILL = NativeWeights.FILL;

  private final Backend backend = Weft.open("cpu");

  @AfterEach
  void close() {
    backend.close();
  }

  static Stream<Arguments> tensors() {
    return NativeWeights.tensors(DType.values());
  }

  @ParameterizedTest
  @MethodSource("tensors")
  void aWrappedTensorHasTheBitsOfATensor(DType dtype, Shape shape) {
    try (TType theirs = tensor(dtype, shape);
        Tensor tensor = TensorFlowTensors.wrap(backend, theirs)) {
      assertThat(tensor.shape()).isEqualTo(shape);
      assertThat(tensor.dtype()).isEqualTo(dtype);
      tensor.fill(FILL, KEY);
      assertThat(bytes(theirs)).isEqualTo(NativeWeights.bytes(dtype, shape));
      if (shape.elements() > 0) {
        assertThat(tensor.segment().address()).isEqualTo(address(theirs));
        theirs.asRawTensor().data().write(new byte[Math.toIntExact(tensor.byteSize())]);
        assertThat(tensor.get(shape.elements() - 1)).isZero();
      }
    }
  }

  @Test
  void aWrappedTensorThatIsClosedLeavesItsMemory() {
    org.tensorflow.ndarray.Shape shape = org.tensorflow.ndarray.Shape.of(ResidentMemory.BYTES / 4);
    TFloat32 theirs = TFloat32.tensorOf(shape);
    Tensor tensor = TensorFlowTensors.wrap(backend, theirs);
    theirs.close();
    tensor.fill(Fill.constant(2), KEY);
    try (TFloat32 next = TFloat32.tensorOf(shape)) { // where freed memory of this size would be
      assertThat(address(next)).isNotEqualTo(tensor.segment().address());
    }
    assertThat(tensor.get(ResidentMemory.BYTES / 4 - 1)).isEqualTo(2);
  }

  @Test
  void memoryIsFreedWhenBothSidesAreDone() {
    org.tensorflow.ndarray.Shape shape = org.tensorflow.ndarray.Shape.of(ResidentMemory.BYTES / 4);
    ResidentMemory.assertGivenBack(
        () -> {
          try (Arena arena = Arena.ofShared();
              TFloat32 theirs = TFloat32.tensorOf(shape)) {
            TensorFlowTensors.wrap(backend, theirs, arena).fill(Fill.constant(1), KEY);
          }
        });
  }

  @Test
  void anArenaEndsTheTensorAndNotTensorFlows() {
    try (TFloat32 theirs = TFloat32.vectorOf(1, 2)) {
      Arena arena = Arena.ofShared();
      Tensor tensor = TensorFlowTensors.wrap(backend, theirs, arena);
      arena.close();
      assertThatThrownBy(() -> tensor.fill(FILL, KEY)).isInstanceOf(ClosedException.class);
      assertThat(theirs.getFloat(1)).isEqualTo(2);
      assertThatThrownBy(() -> TensorFlowTensors.wrap(backend, theirs, arena))
          .isInstanceOf(IllegalStateException.class);
      assertThat(theirs.getFloat(1)).isEqualTo(2);
    }
  }

  @Test
  void onlyDenseFloatingPointTensorsAreWrapped() {
    try (TInt32 ints = TInt32.vectorOf(1)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> TensorFlowTensors.wrap(backend, ints))
          .withMessage("wrap: need a TFloat32, TFloat64, TFloat16 or TBfloat16, got type=TInt32");
    }
    try (TInt64 indices = TInt64.tensorOf(org.tensorflow.ndarray.Shape.of(1, 1));
        TFloat32 values = TFloat32.vectorOf(1);
        TInt64 dims = TInt64.vectorOf(3);
        TFloat32 sparse = TFloat32.sparseTensorOf(indices, values, dims)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> TensorFlowTensors.wrap(backend, sparse))
          .withMessageStartingWith("wrap: need a dense tensor");
    }
    TFloat32 closed = TFloat32.vectorOf(1);
    closed.close();
    assertThatThrownBy(() -> TensorFlowTensors.wrap(backend, closed))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aNetworkBeginsWithWeftsWeightsAndLearns() {
    RandomKey key = RandomKey.of(7);
    org.tensorflow.ndarray.Shape hidden = org.tensorflow.ndarray.Shape.of(2, 16);
    try (Graph graph = new Graph();
        TFloat32 weights = TFloat32.tensorOf(hidden);
        TFloat32 x =
            TFloat32.tensorOf(
                org.tensorflow.ndarray.Shape.of(4, 2),
                DataBuffers.of(new float[] {0, 0, 0, 1, 1, 0, 1, 1}));
        TFloat32 t =
            TFloat32.tensorOf(
                org.tensorflow.ndarray.Shape.of(4, 1), DataBuffers.of(new float[] {0, 1, 1, 0}))) {
      try (Tensor tensor = TensorFlowTensors.wrap(backend, weights)) {
        tensor.fill(Initializers.glorotNormal(), key);
      }
      Ops tf = Ops.create(graph);
      Placeholder<TFloat32> initial = tf.placeholder(TFloat32.class, Placeholder.shape(hidden));
      Variable<TFloat32> w = tf.variable(hidden, TFloat32.class);
      Op assign = tf.assign(w, initial);
      Operand<TFloat32> y = tf.math.tanh(tf.linalg.matMul(tf.constant(x), w));
      Operand<TFloat32> out = tf.math.mean(y, tf.constant(1));
      Operand<TFloat32> error =
          tf.math.sub(out, tf.reshape(tf.constant(t), tf.constant(new int[] {4})));
      Operand<TFloat32> loss = tf.math.mean(tf.math.square(error), tf.constant(0));
      Operand<TFloat32> gradient = tf.gradients(loss, List.of(w)).<TFloat32>dy(0);
      Op step = tf.train.applyGradientDescent(w, tf.constant(1f), gradient);
      try (Session session = new Session(graph)) {
        session.runner().feed(initial, weights).addTarget(assign).run().close();
        try (Result read = session.runner().fetch(w).fetch(loss).run()) {
          float[] held = new float[32];
          read.get(0).asRawTensor().data().asFloats().read(held);
          NativeWeights.assertBits(
              held,
              NativeWeights.floats(
                  Initializers.glorotNormal().plan(Shape.of(2, 16)), key, Shape.of(2, 16)));
          float before = ((TFloat32) read.get(1)).getFloat();
          for (int i = 0; i < 50; i++) {
            session.runner().addTarget(step).run().close();
          }
          try (Result after = session.runner().fetch(loss).run()) {
            assertThat(((TFloat32) after.get(0)).getFloat()).isLessThan(before);
          }
        }
      }
    }
  }

  private static TType tensor(DType dtype, Shape shape) {
    org.tensorflow.ndarray.Shape of = org.tensorflow.ndarray.Shape.of(shape.dims());
    return switch (dtype) {
      case F32 -> TFloat32.tensorOf(of);
      case F64 -> TFloat64.tensorOf(of);
      case F16 -> TFloat16.tensorOf(of);
      case BF16 -> TBfloat16.tensorOf(of);
    };
  }

  private static byte[] bytes(TType tensor) {
    byte[] bytes = new byte[Math.toIntExact(tensor.numBytes())];
    tensor.asRawTensor().data().read(bytes);
    return bytes;
  }

  private static long address(TType tensor) {
    return tensor
        .asRawTensor()
        .data()
        .accept(
            new DataStorageVisitor<Long>() {
              @Override
              public Long visit(long address, long length, long scale) {
                return address;
              }

              @Override
              public Long fallback() {
                throw new AssertionError("not raw memory");
              }
            });
  }
}
