package dev.weft.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.HeapEngine;
import dev.weft.MemoryLimitException;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Initializer;
import dev.weft.random.RandomKey;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What operands may share memory, and what is freed where an operation fails. */
class MemoryTest {
  private static final RandomKey KEY = RandomKey.of(1);

  private final HeapEngine engine = new HeapEngine("heap");
  private final Backend backend = engine.backend();

  private final float[] memory = new float[64];
  private final MemorySegment segment = MemorySegment.ofArray(memory);

  @AfterEach
  void close() {
    assertThat(engine.held()).isZero();
    backend.close();
  }

  /** Elements from {@code at} on of the array that all may share. */
  private Tensor at(int at, long... shape) {
    return backend.wrap(segment.asSlice(4L * at), DType.F32, Shape.of(shape));
  }

  private Tensor own(long... shape) {
    return backend.wrap(new float[64], Shape.of(shape));
  }

  private void assertRefused(ThrowingCallable call, String message) {
    int before = engine.calls();
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message);
    assertThat(engine.calls()).isEqualTo(before);
  }

  /** x [2, 3], y [2, 4]. */
  private Dense layer(Tensor kernel, Tensor bias, Activation f) {
    return Dense.of(kernel, bias, f);
  }

  @Test
  void whatForwardWritesIsApart() {
    for (Activation f : new Activation[] {Activation.RELU, Activation.SOFTMAX}) {
      Dense weights = layer(at(0, 3, 4), at(12, 4), f);
      assertRefused(
          () -> weights.forward(own(2, 3), at(11, 2, 4)),
          "dense.forward: need y apart from kernel in memory, got y=");
      assertRefused(
          () -> weights.forward(own(2, 3), at(15, 2, 4)),
          "dense.forward: need y apart from bias in memory, got y=");
      assertRefused(
          () -> weights.forwardKeeping(own(2, 3), own(2, 4), at(11, 2, 4)),
          "dense.forward: need y apart from kernel in memory, got y=");
      assertRefused(
          () -> weights.forwardKeeping(own(2, 3), at(12, 2, 4), own(2, 4)),
          "dense.forward: need z apart from bias in memory, got z=");
      assertRefused(
          () -> weights.forwardKeeping(at(20, 2, 3), own(2, 4), at(25, 2, 4)),
          "dense.forward: need y apart from x in memory, got y=");
      weights.forward(at(24, 2, 3), at(16, 2, 4));
    }
  }

  @Test
  void aResidualIsApart() {
    Dense layer = layer(own(3, 4), own(4), Activation.RELU);
    Tensor y = own(2, 4);
    assertRefused(
        () -> layer.forwardAdding(own(2, 3), y, y),
        "dense.forward: need y apart from residual in memory, got y=");
    layer.forwardAdding(own(2, 3), own(2, 4), y);
  }

  @Test
  void whatBackwardWritesIsApart() {
    Tensor b = at(0, 4);
    Tensor w = at(4, 3, 4);
    Dense layer = layer(w, b, Activation.RELU);
    Dense.Gradients free = new Dense.Gradients(own(3, 4), own(4));
    Tensor x = at(16, 2, 3);
    Tensor y = at(22, 2, 4);
    Tensor dy = at(30, 2, 4);
    Tensor dx = at(38, 2, 3);
    String op = "dense.backward: need ";
    assertRefused(
        () -> layer.backward(x, y, at(3, 2, 4), dx, free, Write.OVERWRITE),
        op + "dy apart from kernel");
    assertRefused(
        () ->
            layer(own(3, 4), b, Activation.RELU)
                .backward(x, y, at(3, 2, 4), dx, free, Write.OVERWRITE),
        op + "dy apart from bias");
    assertRefused(
        () -> layer.backward(x, y, at(29, 2, 4), dx, free, Write.OVERWRITE),
        op + "dy apart from y");
    assertRefused(
        () -> layer.backward(x, y, dy, at(29, 2, 3), free, Write.OVERWRITE),
        op + "dx apart from dy");
    assertRefused(
        () -> layer.backward(x, y, dy, at(24, 2, 3), free, Write.OVERWRITE),
        op + "dx apart from y");
    layer.backward(x, y, dy, x, free, Write.OVERWRITE);
    layer.backward(x, y, dy, null, free, Write.OVERWRITE);
    String[] names = {"bias", "kernel", "x", "y", "dy", "dx"};
    int[] places = {3, 15, 21, 29, 37, 43};
    for (int i = 0; i < names.length; i++) {
      Tensor db = at(places[i], 4);
      if (!names[i].equals("bias")) {
        assertThatThrownBy(
                () ->
                    layer.backward(
                        x, y, dy, dx, new Dense.Gradients(own(3, 4), db), Write.OVERWRITE))
            .as(names[i])
            .hasMessageStartingWith(op + "db apart from ");
      }
      Tensor dw = at(places[i], 3, 4);
      assertThatThrownBy(
              () -> layer.backward(x, y, dy, dx, new Dense.Gradients(dw, own(4)), Write.OVERWRITE))
          .as(names[i])
          .hasMessageStartingWith(op + "dw apart from ");
    }
    float[] both = new float[15];
    Tensor dw = backend.wrap(both, Shape.of(3, 4));
    Tensor db = backend.wrap(MemorySegment.ofArray(both).asSlice(44), DType.F32, Shape.of(4));
    assertRefused(
        () -> layer.backward(x, y, dy, dx, new Dense.Gradients(dw, db), Write.OVERWRITE),
        op + "db apart from dw");
  }

  /** Also memory that the backend made and the caller wrapped once more. */
  @Test
  void aPartOfATensorThatIsWrappedTouchesIt() {
    try (Tensor x = backend.tensor(DType.F32, Shape.of(4, 2));
        Tensor high = backend.wrap(x.segment().asSlice(16), DType.F32, Shape.of(2, 2));
        Tensor low = backend.wrap(x.segment(), DType.F32, Shape.of(2, 2))) {
      assertRefused(
          () -> Activation.RELU.forward(x, backend.wrap(x.segment(), DType.F32, Shape.of(4, 2))),
          "activation: need x apart from y in memory");
      assertRefused(
          () ->
              Optimizer.sgd(1)
                  .state(high)
                  .update(backend.wrap(x.segment().asSlice(8), DType.F32, Shape.of(2, 2))),
          "update: need gradient apart from parameter in memory");
      Activation.RELU.forward(high, low);
    }
  }

  @Test
  void whatALossWritesIsApart() {
    double[] doubles = new double[16];
    MemorySegment all = MemorySegment.ofArray(doubles);
    Tensor x = backend.wrap(all, DType.F64, Shape.of(2, 2));
    Tensor t = backend.wrap(all.asSlice(32), DType.F64, Shape.of(2, 2));
    Tensor g = backend.wrap(all.asSlice(64), DType.F64, Shape.of(2, 2));
    Tensor value = backend.wrap(all.asSlice(96), DType.F64, Shape.of(1));
    Loss loss = Loss.softmaxCrossEntropy();
    loss.gradient(x, t, g, value);
    int place = 24;
    for (String name : new String[] {"prediction", "target", "gradient"}) {
      Tensor bad = backend.wrap(all.asSlice(place), DType.F64, Shape.of(1));
      assertRefused(
          () -> loss.gradient(x, t, g, bad), "loss: need value apart from " + name + " in memory");
      place += 32;
    }
    MemorySegment ints = MemorySegment.ofArray(new int[] {0, 1});
    loss.gradient(x, Labels.of(ints.asReadOnly()), g, value);
    loss.gradient(x, Labels.of(all.asSlice(104, 8).asReadOnly()), g, value);
    assertRefused(
        () -> loss.gradient(x, Labels.of(all.asSlice(100, 8).asReadOnly()), g, value),
        "loss: need value apart from labels in memory");
    assertRefused(
        () -> loss.gradient(x, Labels.of(all.asSlice(64, 8).asReadOnly()), g, value),
        "loss: need gradient apart from labels in memory");
    loss.gradient(x, Labels.of(all.asSlice(0, 8)), g, value);
  }

  @Test
  void labelsNeedMemoryOfThisThreadThatIsAlive() throws InterruptedException {
    Tensor x = own(2, 2);
    Tensor value = backend.wrap(new double[1], Shape.of(1));
    Loss loss = Loss.softmaxCrossEntropy();
    Labels closed;
    try (Arena arena = Arena.ofConfined()) {
      closed = Labels.of(arena.allocate(ValueLayout.JAVA_INT, 2));
      Throwable[] thrown = new Throwable[1];
      Thread other =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      loss.gradient(x, closed, null, value);
                    } catch (WrongThreadException e) {
                      thrown[0] = e;
                    }
                  });
      other.join();
      assertThat(thrown[0]).hasMessageStartingWith("loss: need labels in memory of this thread");
    }
    assertThatThrownBy(() -> loss.gradient(x, closed, null, value))
        .isInstanceOf(ClosedException.class)
        .hasMessage("loss: need labels in memory that is alive, got labels=2");
  }

  @Test
  void aPerceptronsOutputIsApartFromItsInput() {
    try (Mlp mlp =
            Mlp.of(3).dense(4, Activation.RELU).dense(3, Activation.LINEAR).build(backend, KEY);
        Tensor x = backend.tensor(DType.F32, Shape.of(2, 3))) {
      assertRefused(() -> mlp.forward(x, x), "mlp: need y apart from x in memory");
    }
  }

  /** What an initializer throws leaves nothing behind, an error neither. */
  @Test
  void nothingIsHeldWhereBuildingFails() {
    Initializer broken =
        shape -> {
          throw new StackOverflowError("of the user's own");
        };
    assertThatThrownBy(() -> Dense.of(3, 4).bias(broken).build(backend, KEY))
        .isInstanceOf(StackOverflowError.class);
    assertThat(engine.held()).isZero();
    assertThatThrownBy(() -> Mlp.of(3).dense(4, Activation.RELU).bias(broken).build(backend, KEY))
        .isInstanceOf(StackOverflowError.class);
    assertThat(engine.held()).isZero();
    // 512 KiB of weights: there is no room for their gradients and what Adam remembers
    assertThatThrownBy(() -> Mlp.of(256).dense(512, Activation.RELU).build(backend, KEY))
        .isInstanceOf(MemoryLimitException.class);
    assertThat(engine.held()).isZero();
  }

  @Test
  void anActivationNeedsAKind() {
    assertThatThrownBy(() -> new Activation(null, 0)).isInstanceOf(NullPointerException.class);
  }

  @Test
  void aPerceptronsTypeIsCheckedAtOnce() {
    assertThatThrownBy(() -> Mlp.of(3).dtype(DType.F16))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("mlp: need f32 or f64, got dtype=f16");
  }
}
