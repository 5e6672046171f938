package dev.weft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.init.Fill;
import dev.weft.init.Initializer;
import dev.weft.init.Initializers;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Checks and life of tensors and backends, over an engine that computes nothing. */
@Timeout(600)
class TensorTest {
  private static final RandomKey KEY = RandomKey.of(1);

  private final HeapEngine engine = new HeapEngine("heap");
  private final Backend backend = new Backend(engine);

  @AfterEach
  void close() {
    backend.close();
    assertThat(engine.held).hasValue(0);
  }

  @Test
  void wrapNeedsRoomAndWriting() {
    assertThatThrownBy(() -> backend.wrap(new float[5], Shape.of(2, 3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "wrap: need at least as many bytes as the shape, got bytes=20, needed=24,"
                + " shape=[2, 3], dtype=f32");
    MemorySegment constant = MemorySegment.ofArray(new float[6]).asReadOnly();
    assertThatThrownBy(() -> backend.wrap(constant, DType.F32, Shape.of(6)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("wrap: need a writable segment, got segment=");
    assertThatThrownBy(() -> backend.wrap(new short[6], DType.F32, Shape.of(3)))
        .hasMessage("wrap: need a 16-bit dtype over short[], got dtype=f32");
    assertThatThrownBy(() -> backend.wrap(new float[6], Shape.of(1L << 62)))
        .hasMessageStartingWith("byteSize: need count * dtype bytes < 2^63");
  }

  @Test
  void lentMemoryOutlivesItsTensorAndKeepsItsBackendOpen() {
    Tensor tensor = backend.tensor(DType.F32, Shape.of(4));
    Lease first = tensor.lend();
    Lease second = tensor.lend();
    assertThat(first.tensor()).isSameAs(tensor);
    tensor.close();
    assertThat(engine.held).hasValue(16);
    assertThatThrownBy(tensor::lend)
        .isInstanceOf(ClosedException.class)
        .hasMessageStartingWith("lend: need an open tensor, got tensor=");
    first.close();
    first.close();
    assertThat(engine.held).hasValue(16);
    assertThatThrownBy(backend::close)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("close: need no running operation and no lent tensor, got backend=heap");
    Thread other = Thread.ofPlatform().start(second::close);
    assertThatNoException().isThrownBy(other::join);
    assertThat(engine.held).hasValue(0);
  }

  @Test
  void aLeaseEndsBeforeTheTensor() {
    try (Tensor tensor = backend.tensor(DType.F32, Shape.of(4))) {
      tensor.lend().close();
      assertThat(engine.held).hasValue(16);
    }
    assertThat(engine.held).hasValue(0);
  }

  @Test
  void callersMemoryIsLentWhileItIsAlive() {
    Tensor tensor;
    try (Arena arena = Arena.ofConfined()) {
      tensor = backend.wrap(arena.allocate(16), DType.F32, Shape.of(4));
      tensor.lend().close();
    }
    assertThatThrownBy(tensor::lend)
        .isInstanceOf(ClosedException.class)
        .hasMessageStartingWith("lend: need memory that is alive, got tensor=");
  }

  @Test
  void elementsAreCopiedWhole() {
    float[] mine = {1, 2, 3, 4, 5, 6, 7};
    float[] out = new float[6];
    try (Tensor tensor = backend.wrap(mine, Shape.of(2, 3));
        Tensor own = backend.tensor(DType.F32, Shape.of(6))) {
      tensor.copyTo(MemorySegment.ofArray(out));
      assertThat(out).containsExactly(1, 2, 3, 4, 5, 6);
      own.copyFrom(MemorySegment.ofArray(out));
      assertThat(own.get(5)).isEqualTo(6);
      tensor.copyFrom(MemorySegment.ofArray(new float[6]));
      assertThat(mine).containsExactly(0, 0, 0, 0, 0, 0, 7);
      own.copyFrom(1, MemorySegment.ofArray(new float[] {-1, -2}));
      own.copyTo(MemorySegment.ofArray(out));
      assertThat(out).containsExactly(1, -1, -2, 4, 5, 6);
      float[] two = new float[2];
      own.copyTo(2, MemorySegment.ofArray(two));
      assertThat(two).containsExactly(-2, 4);
      own.copyTo(6, MemorySegment.ofArray(new float[0]));
      for (long first : new long[] {-1, 5, 7, Long.MAX_VALUE}) {
        assertThatThrownBy(() -> own.copyTo(first, MemorySegment.ofArray(two)))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageStartingWith(
                "copyTo: need whole elements of the tensor, got first=" + first + ", bytes=8");
      }
      assertThatThrownBy(() -> own.copyFrom(0, MemorySegment.ofArray(new byte[5])))
          .hasMessageStartingWith(
              "copyFrom: need whole elements of the tensor, got first=0, bytes=5");
      MemorySegment less = MemorySegment.ofArray(new float[5]);
      assertThatThrownBy(() -> tensor.copyTo(less))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "copyTo: need as many bytes as the tensor, got bytes=20, needed=24,"
                  + " tensor=Tensor f32 [2, 3] on heap");
      assertThatThrownBy(() -> tensor.copyFrom(MemorySegment.ofArray(new float[7])))
          .hasMessageStartingWith("copyFrom: need as many bytes as the tensor, got bytes=28");
      MemorySegment constant = MemorySegment.ofArray(out).asReadOnly();
      assertThatThrownBy(() -> tensor.copyTo(constant))
          .hasMessageStartingWith("copyTo: need a writable segment, got segment=");
    }
    Tensor closed = backend.tensor(DType.F32, Shape.of(6));
    closed.close();
    assertThatThrownBy(() -> closed.copyTo(MemorySegment.ofArray(out)))
        .isInstanceOf(ClosedException.class);
  }

  @Test
  void aLargerSegmentIsFilledAsFarAsTheShape() {
    float[] mine = new float[8];
    try (Tensor tensor = backend.wrap(mine, Shape.of(2, 3))) {
      assertThat(tensor.segment().byteSize()).isEqualTo(24).isEqualTo(tensor.byteSize());
      tensor.segment().set(ValueLayout.JAVA_FLOAT, 20, 5);
      assertThat(mine[5]).isEqualTo(5);
    }
  }

  @Test
  void getReadsEveryType() {
    double[] doubles = {1.5, -2};
    short[] halves = {Float.floatToFloat16(1.5f), Float.floatToFloat16(-2)};
    short[] brains = {0x3FC0, (short) 0xC000};
    List<Tensor> tensors = new ArrayList<>();
    tensors.add(backend.wrap(new float[] {1.5f, -2}, Shape.of(2)));
    tensors.add(backend.wrap(doubles, Shape.of(2)));
    tensors.add(backend.wrap(halves, DType.F16, Shape.of(2)));
    tensors.add(backend.wrap(brains, DType.BF16, Shape.of(2)));
    for (Tensor tensor : tensors) {
      assertThat(tensor.get(0)).isEqualTo(1.5);
      assertThat(tensor.get(1)).isEqualTo(-2);
      assertThatThrownBy(() -> tensor.get(2)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> tensor.get(-1)).isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void fillChecksBeforeTheEngineIsAsked() {
    Tensor tensor = backend.tensor(DType.F16, Shape.of(2, 3));
    assertThatThrownBy(() -> tensor.fill(Fill.constant(1e6), KEY))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> tensor.fill(Fill.dirac(1, Layout.KERAS), KEY))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> tensor.fill(Fill.bits(), KEY, Region.of(Shape.of(9, 9)).slice(0, 5)))
        .hasMessage("fill: need as many elements as the region, got tensor=[2, 3], region=[5]");
    assertThatThrownBy(() -> tensor.fill(Fill.bits(), null))
        .isInstanceOf(NullPointerException.class);
    assertThat(engine.fills).hasValue(0);
    tensor.close();
  }

  @Test
  void initializersSeeTheLogicalShape() {
    List<Shape> seen = new ArrayList<>();
    Initializer initializer =
        shape -> {
          seen.add(shape);
          return Fill.uniform(-1, 1);
        };
    Region region = Region.of(Shape.of(100, 200)).rows(3, 5);
    try (Tensor tensor = backend.tensor(DType.F32, Shape.of(2, 200))) {
      tensor.fill(initializer, KEY, region);
      assertThat(engine.lastRegion).isSameAs(region);
      initializer.fill(tensor, KEY);
      assertThat(engine.lastRegion.logical()).isEqualTo(Shape.of(2, 200));
    }
    assertThat(seen).containsExactly(Shape.of(100, 200), Shape.of(2, 200));
  }

  @Test
  void closedTensorsAndBackendsAreNamed() {
    Tensor tensor = backend.tensor(DType.F32, Shape.of(2));
    assertThat(backend.memory().allocatedBytes()).isEqualTo(8);
    tensor.close();
    tensor.close();
    assertThat(backend.memory().allocatedBytes()).isZero();
    assertThatThrownBy(() -> tensor.fill(Initializers.zeros(), KEY))
        .isInstanceOf(ClosedException.class)
        .hasMessage("fill: need an open tensor, got tensor=Tensor f32 [2] on heap");
    assertThatThrownBy(() -> tensor.get(0)).isInstanceOf(ClosedException.class);
    assertThatThrownBy(tensor::segment).isInstanceOf(ClosedException.class);

    Tensor wrapped = backend.wrap(new float[2], Shape.of(2));
    Tensor own = backend.tensor(DType.F32, Shape.of(2));
    backend.close();
    backend.close();
    assertThat(engine.closes).hasValue(1);
    for (Tensor left : new Tensor[] {wrapped, own}) {
      assertThatThrownBy(() -> left.fill(Initializers.zeros(), KEY))
          .isInstanceOf(ClosedException.class)
          .hasMessage("fill: need an open backend, got backend=heap");
    }
    assertThatThrownBy(() -> own.get(0)).isInstanceOf(ClosedException.class);
    assertThatThrownBy(own::segment).isInstanceOf(ClosedException.class);
    own.close();
    assertThatThrownBy(() -> backend.tensor(DType.F32, Shape.of(2)))
        .isInstanceOf(ClosedException.class)
        .hasMessage("tensor: need an open backend, got backend=heap");
    assertThatThrownBy(() -> backend.wrap(new float[2], Shape.of(2)))
        .isInstanceOf(ClosedException.class);
  }

  @Test
  void closeWaitsForNoOneAndRefusesWhileAnOperationRuns() throws InterruptedException {
    Tensor tensor = backend.tensor(DType.F32, Shape.of(2));
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    engine.duringFill =
        () -> {
          running.countDown();
          awaitUninterruptibly(end);
        };
    Thread filler = Thread.ofVirtual().start(() -> tensor.fill(Initializers.zeros(), KEY));
    running.await();
    assertThatThrownBy(tensor::close)
        .isInstanceOf(IllegalStateException.class)
        .isNotInstanceOf(ClosedException.class)
        .hasMessage("close: need no running operation, got tensor=Tensor f32 [2] on heap");
    assertThatThrownBy(backend::close)
        .isInstanceOf(IllegalStateException.class)
        .isNotInstanceOf(ClosedException.class)
        .hasMessage("close: need no running operation and no lent tensor, got backend=heap");
    assertThat(engine.closes).hasValue(0);
    end.countDown();
    filler.join();
    tensor.close();
    assertThat(engine.held).hasValue(0);
  }

  @Test
  void aFailedFillLeavesTheTensorUsable() {
    Tensor tensor = backend.tensor(DType.F32, Shape.of(2));
    engine.duringFill =
        () -> {
          throw new IllegalArgumentException("from a user's function");
        };
    assertThatThrownBy(() -> tensor.fill(Initializers.zeros(), KEY))
        .hasMessage("from a user's function");
    engine.duringFill = () -> {};
    tensor.fill(Initializers.zeros(), KEY);
    tensor.close();
  }

  @Test
  void aRefusedAllocationHoldsNothing() {
    assertThatThrownBy(() -> backend.tensor(DType.F32, Shape.of(1 << 20)))
        .isInstanceOfSatisfying(
            MemoryLimitException.class,
            e -> {
              assertThat(e.requestedBytes()).isEqualTo(4 << 20);
              assertThat(e.freeBytes()).isEqualTo(1 << 20);
              assertThat(e)
                  .hasMessage("allocate: need room, got requestedBytes=4194304, freeBytes=1048576");
            });
    assertThat(backend.memory().allocatedBytes()).isZero();
  }

  @Test
  void tensorsLeftOpenAreReportedWhenTheBackendCloses() {
    List<String> log =
        logged(
            () -> {
              HeapEngine own = new HeapEngine("heap");
              Backend short_ = new Backend(own);
              short_.tensor(DType.F32, Shape.of(4, 5));
              short_.tensor(DType.F32, Shape.of(9)).close();
              short_.close();
              assertThat(own.held).hasValue(0);
            });
    assertThat(log).containsExactly("leak: tensor F32 [4, 5] was never closed");
  }

  @Test
  void lostTensorsAreReportedAndFreed() {
    List<String> log =
        logged(
            () -> {
              backend.tensor(DType.F64, Shape.of(3));
              for (int i = 0; i < 500 && engine.held.get() != 0; i++) {
                System.gc();
                sleep(10);
              }
            });
    assertThat(log).containsExactly("leak: tensor F64 [3] was never closed");
    assertThat(engine.held).hasValue(0);
  }

  @Test
  void orthogonalityTakesTheLayoutsMatrix() {
    Tensor tensor = backend.wrap(new float[24], Shape.of(2, 3, 4));
    assertThat(tensor.orthogonalityError(Layout.KERAS, 1)).isEqualTo(6004);
    assertThat(tensor.orthogonalityError(Layout.TORCH, 1)).isEqualTo(2012);
    for (double gain : new double[] {0, Double.NaN, Double.NEGATIVE_INFINITY}) {
      assertThatThrownBy(() -> tensor.orthogonalityError(Layout.KERAS, gain))
          .hasMessage("orthogonalityError: need a finite gain other than 0, got gain=" + gain);
    }
  }

  static List<String> logged(Runnable action) {
    List<String> lines = new CopyOnWriteArrayList<>();
    Logger logger = Logger.getLogger("dev.weft");
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord record) {
            lines.add(new SimpleFormatter().formatMessage(record));
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    logger.addHandler(handler);
    logger.setUseParentHandlers(false);
    try {
      action.run();
    } finally {
      logger.removeHandler(handler);
      logger.setUseParentHandlers(true);
    }
    return lines;
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
