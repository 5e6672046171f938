package dev.weft.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.DType;
import dev.weft.Matrix;
import dev.weft.PackedMatrix;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.internal.Events;
import dev.weft.internal.OperationEvent;
import dev.weft.nn.Activation;
import dev.weft.nn.Dense;
import dev.weft.nn.Labels;
import dev.weft.nn.Mlp;
import dev.weft.nn.Write;
import dev.weft.testkit.Allocations;
import dev.weft.testkit.Tensors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import jdk.jfr.EventType;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;

/** What Flight Recorder hears of operations, and that it costs nothing while it hears nothing. */
public abstract class EventContract extends BackendContract {
  private static final String[] ALL = {
    "Fill", "CopyTo", "CopyFrom", "Gemm", "DenseForward", "DenseBackward", "TrainStep"
  };

  @Test
  void fills() {
    try (Tensor whole = backend().tensor(DType.F32, Shape.of(784, 128));
        Tensor part = backend().tensor(DType.BF16, Shape.of(64, 32))) {
      List<RecordedEvent> events =
          recorded(
              () -> {
                whole.fill(Fill.normal(0, 0.02), KEY);
                Region box = Region.of(Shape.of(784, 128)).box(longs(0, 16), longs(64, 32));
                part.fill(Fill.constant(3), KEY, box);
              },
              ALL);
      assertThat(events).hasSize(2);
      check(events.get(0), "Fill", "f32", "[784, 128]", 401_408, 0);
      assertThat(events.get(0).getString("function")).startsWith("Normal[").contains("0.02");
      check(events.get(1), "Fill", "bf16", "[64, 32] of [784, 128] at [0, 16]", 4096, 0);
      assertThat(events.get(1).getString("function")).startsWith("Constant[").contains("3");
    }
  }

  @Test
  void copies() {
    try (Tensor tensor = backend().tensor(DType.F64, Shape.of(10, 3))) {
      List<RecordedEvent> events =
          recorded(
              () -> {
                tensor.copyFrom(MemorySegment.ofArray(new double[30]));
                tensor.copyTo(7, MemorySegment.ofArray(new double[5]));
              },
              ALL);
      assertThat(events).hasSize(2);
      check(events.get(0), "CopyFrom", "f64", "[30] of [10, 3] at [0]", 240, 0);
      check(events.get(1), "CopyTo", "f64", "[5] of [10, 3] at [7]", 40, 0);
      assertThat(events).allSatisfy(e -> assertThat(e.getString("function")).isEmpty());
    }
  }

  @Test
  void products() {
    try (Tensor a = ones(DType.F32, 2, 3, 5);
        Tensor b = ones(DType.F16, 5, 7);
        Tensor c = ones(DType.F32, 2, 3, 7);
        PackedMatrix packed = backend().pack(Matrix.of(b))) {
      Matrix left = Matrix.of(a, 0, 3, 4, 5);
      Matrix right = Matrix.of(b).part(0, 0, 4, 6);
      Matrix out = Matrix.of(c, 0, 3, 6, 7);
      List<RecordedEvent> events =
          recorded(
              () -> {
                backend().gemm(1, Matrix.of(a), Matrix.of(b), 0, Matrix.of(c));
                backend().gemm(1, Matrix.of(a), packed, 1, Matrix.of(c));
                backend().gemm(2, left, right, 0, out);
              },
              ALL);
      assertThat(events).hasSize(3);
      long bytes = 2 * 3 * 5 * 4 + 5 * 7 * 2 + 2 * 3 * 7 * 4;
      check(events.get(0), "Gemm", "f32", "[2, 3, 5]·[5, 7]", bytes, 2 * 2 * 3 * 5 * 7);
      check(events.get(1), "Gemm", "f32", "[2, 3, 5]·[5, 7]", bytes, 2 * 2 * 3 * 5 * 7);
      bytes = 3 * 4 * 4 + 4 * 6 * 2 + 3 * 6 * 4;
      check(events.get(2), "Gemm", "f32", "[3, 4]·[4, 6]", bytes, 2 * 3 * 4 * 6);
    }
  }

  @Test
  void layers() {
    try (Tensor kernel = ones(DType.F64, 10, 4);
        Tensor bias = ones(DType.F64, 4);
        Tensor x = ones(DType.F64, 6, 10);
        Tensor y = ones(DType.F64, 6, 4);
        Tensor z = ones(DType.F64, 6, 4);
        Tensor residual = ones(DType.F64, 6, 4);
        Tensor dy = ones(DType.F64, 6, 4);
        Tensor dx = ones(DType.F64, 6, 10);
        Dense relu = Dense.of(kernel, bias, Activation.RELU);
        Dense gelu = Dense.of(kernel, null, Activation.GELU);
        Dense.Gradients ofRelu = relu.gradients();
        Dense.Gradients ofGelu = gelu.gradients()) {
      List<RecordedEvent> events =
          recorded(
              () -> {
                relu.forward(x, y);
                relu.forwardAdding(x, residual, y);
                relu.backward(x, y, dy, dx, ofRelu, Write.OVERWRITE);
                relu.backward(x, y, dy, null, ofRelu, Write.ACCUMULATE);
                gelu.forwardKeeping(x, z, y);
                gelu.backwardKept(x, z, dy, null, ofGelu, Write.OVERWRITE);
                gelu.backward(x, y, dy, null, ofGelu, Write.OVERWRITE);
              },
              ALL);
      String shape = "[6, 10]·[10, 4]";
      long product = 2 * 6 * 10 * 4;
      long forward = 8 * (60 + 40 + 4 + 24);
      check(events.get(0), "DenseForward", "f64", shape, forward, product);
      check(events.get(1), "DenseForward", "f64", shape, forward + 8 * 24, product);
      long backward = 8 * (60 + 24 + 24 + 40 + 4);
      long dxAndKernel = 8 * (60 + 40);
      check(events.get(2), "DenseBackward", "f64", shape, backward + dxAndKernel, 2 * product);
      check(events.get(3), "DenseBackward", "f64", shape, backward, product);
      check(events.get(4), "DenseForward", "f64", shape, 8 * (60 + 40 + 24 + 24), product);
      check(events.get(5), "DenseBackward", "f64", shape, backward - 8 * 4, product);
      check(events.get(6), "DenseForward", "f64", shape, 8 * (60 + 40 + 24), product);
      check(events.get(7), "DenseBackward", "f64", shape, backward - 8 * 4, product);
      assertThat(events)
          .extracting(e -> e.getString("function"))
          .containsExactly("relu", "relu", "relu", "relu", "gelu", "gelu", "linear", "gelu");
    }
  }

  @Test
  void trainingSteps() {
    try (Mlp mlp =
            Mlp.of(10)
                .dense(8, Activation.RELU)
                .dense(4, Activation.SOFTMAX)
                .build(backend(), KEY);
        Tensor x = ones(DType.F32, 6, 10)) {
      Labels labels = Labels.of(new int[6]);
      for (int step = 0; step < 4; step++) { // one of them may be recorded, and others replayed
        List<RecordedEvent> events = recorded(() -> mlp.trainStep(x, labels), "TrainStep");
        assertThat(events).hasSize(1);
        long bytes = 4 * (6 * 10 + 10 * 8 + 8 + 8 * 4 + 4);
        long flops = 2 * 6 * (2 * 10 * 8 + 3 * 8 * 4);
        check(events.getFirst(), "TrainStep", "f32", "[6, 10] → 8 → 4", bytes, flops);
        assertThat(events.getFirst().getString("function")).startsWith("SoftmaxCrossEntropy");
      }
    }
  }

  /** The control: what is not asked for is not recorded, though a recording is running. */
  @Test
  void nothingIsRecordedThatIsNotAskedFor() {
    try (Tensor tensor = ones(DType.F32, 3, 3)) {
      Runnable both =
          () -> {
            tensor.fill(Fill.constant(1), KEY);
            tensor.copyTo(MemorySegment.ofArray(new float[9]));
          };
      assertThat(recorded(both)).isEmpty();
      assertThat(recorded(both, "CopyTo"))
          .extracting(event -> event.getEventType().getName())
          .containsExactly("dev.weft.CopyTo");
      assertThat(recorded(both, "CopyTo", "Fill")).hasSize(2);
    }
  }

  @Test
  void whatFailsIsNotRecorded() {
    Fill failing =
        Fill.custom(
            (index, word) -> {
              throw new IllegalStateException("mine");
            });
    try (Tensor tensor = ones(DType.F32, 3, 3)) {
      Runnable fill =
          () -> assertThatThrownBy(() -> tensor.fill(failing, KEY)).hasMessageContaining("mine");
      assertThat(recorded(fill, ALL)).isEmpty();
    }
  }

  /** Neither an event that was too short, nor what it would tell. */
  @Test
  void whatIsShorterThanTheThresholdIsNotDescribed() {
    try (Recording recording = new Recording()) {
      recording.enable("dev.weft.Fill").withThreshold(Duration.ofHours(1));
      recording.start();
      endUndescribed(Events.fill());
      recording.enable("dev.weft.Fill").withThreshold(Duration.ZERO);
      OperationEvent event = Events.fill();
      assertThatThrownBy(() -> endUndescribed(event)).hasMessage("described");
    }
    assertThat(Events.fill()).isNull();
  }

  private void endUndescribed(OperationEvent event) {
    event.end(
        backend().info(),
        DType.F32,
        "",
        () -> {
          throw new IllegalStateException("described");
        },
        0,
        0);
  }

  @Test
  void eventsAreOffUnlessTheyAreSwitchedOn() {
    try (Tensor tensor = ones(DType.F32, 3, 3)) {
      recorded(() -> tensor.fill(Fill.constant(1), KEY), "Fill"); // which registers it
    }
    EventType fill =
        FlightRecorder.getFlightRecorder().getEventTypes().stream()
            .filter(type -> type.getName().equals("dev.weft.Fill"))
            .findFirst()
            .orElseThrow();
    assertThat(fill.getCategoryNames()).containsExactly("weft");
    assertThat(
            fill.getSettingDescriptors().stream()
                .filter(s -> List.of("enabled", "stackTrace").contains(s.getName())))
        .extracting(s -> s.getName() + "=" + s.getDefaultValue())
        .containsExactlyInAnyOrder("enabled=false", "stackTrace=false");
  }

  /** Neither without a recording nor in one that does not ask for them. */
  @Test
  void eventsThatAreOffAllocateNothing() {
    try (Tensor tensor = backend().tensor(DType.F32, Shape.of(2, 2));
        Recording recording = new Recording()) {
      Fill fill = Fill.uniform(-1, 1);
      Allocations.assertNone("no recording", 1000, () -> tensor.fill(fill, KEY));
      Allocations.assertNone("no recording", 1000, EventContract::beginAll);
      recording.enable("jdk.JavaMonitorWait").withThreshold(Duration.ofHours(1));
      recording.start();
      Allocations.assertNone("a recording of others", 1000, () -> tensor.fill(fill, KEY));
      Allocations.assertNone("a recording of others", 1000, EventContract::beginAll);
      recording.enable("dev.weft.Fill");
      assertThat(Allocations.perCall(1000, 1_000_000, () -> tensor.fill(fill, KEY)))
          .isGreaterThanOrEqualTo(16);
    }
  }

  private static void beginAll() {
    if (Events.fill() != null
        || Events.copyTo() != null
        || Events.copyFrom() != null
        || Events.gemm() != null
        || Events.denseForward() != null
        || Events.denseBackward() != null
        || Events.trainStep() != null) {
      throw new AssertionError("an event that is off has begun");
    }
  }

  /** What this thread's operations tell while these events are recorded, in their order. */
  private static List<RecordedEvent> recorded(Runnable operations, String... names) {
    try (Recording recording = new Recording()) {
      recording.enable("jdk.ThreadStart"); // so that it is never empty
      for (String name : names) {
        recording.enable("dev.weft." + name);
      }
      recording.start();
      operations.run();
      recording.stop();
      Path file = Files.createTempFile("weft-events", ".jfr");
      try {
        recording.dump(file);
        return RecordingFile.readAllEvents(file).stream()
            .filter(event -> event.getEventType().getName().startsWith("dev.weft."))
            .sorted(Comparator.comparing(RecordedEvent::getStartTime))
            .toList();
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void check(
      RecordedEvent event, String name, String dtype, String shape, long bytes, long flops) {
    assertThat(event.getEventType().getName()).isEqualTo("dev.weft." + name);
    assertThat(event.getString("backend")).isEqualTo(backend().info().name());
    assertThat(event.getString("technique")).isEqualTo(backend().info().probe().detail());
    assertThat(event.getString("dtype")).isEqualTo(dtype);
    assertThat(event.getString("shape")).isEqualTo(shape);
    assertThat(event.getLong("bytes")).isEqualTo(bytes);
    assertThat(event.getLong("flops")).isEqualTo(flops);
    assertThat(event.getThread().getJavaThreadId()).isEqualTo(Thread.currentThread().threadId());
    assertThat(event.getDuration()).isBetween(Duration.ofNanos(1), Duration.ofMinutes(2));
    assertThat(event.getStackTrace()).isNull();
  }

  private Tensor ones(DType dtype, long... dims) {
    return Tensors.integers(
        backend().tensor(dtype, Shape.of(dims)), new SplittableRandom(Arrays.hashCode(dims)), 1);
  }

  private static long[] longs(long... values) {
    return values;
  }
}
