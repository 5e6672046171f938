package dev.weft.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.DType;
import dev.weft.Lease;
import dev.weft.Matrix;
import dev.weft.MemoryLimitException;
import dev.weft.PackedMatrix;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import dev.weft.nn.Activation;
import dev.weft.nn.Dense;
import dev.weft.nn.Labels;
import dev.weft.nn.Loss;
import dev.weft.nn.Mlp;
import dev.weft.nn.Optimizer;
import dev.weft.nn.OptimizerState;
import dev.weft.nn.Write;
import dev.weft.random.RandomKey;
import dev.weft.testkit.FaultyBackend;
import dev.weft.testkit.FaultyBackend.Operation;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whatever call of the engine fails, and whatever allocation: memory counts are as they were
 * before, the backend works, and it closes.
 */
class AllocationFaultsTest {
  private static final RandomKey KEY = RandomKey.of(3);
  private static final BackendOptions OPTIONS = BackendOptions.DEFAULT.withThreads(2);

  private static final List<Optimizer> OPTIMIZERS =
      List.of(
          Optimizer.sgd(0.1),
          Optimizer.momentum(0.1, 0.9),
          Optimizer.nesterov(0.1, 0.9),
          Optimizer.adam(0.1),
          Optimizer.adamW(0.1, 0.01),
          Optimizer.rmsProp(0.1));

  static Stream<Arguments> operations() {
    List<Arguments> all = new ArrayList<>();
    for (String name : InitializerSpec.names()) {
      all.add(operation("fill " + name, backend -> fill(backend, name)));
    }
    all.add(operation("fill custom", AllocationFaultsTest::fillCustom));
    all.add(operation("copies", AllocationFaultsTest::copies));
    all.add(operation("lend", AllocationFaultsTest::lend));
    all.add(operation("gemm", AllocationFaultsTest::gemm));
    all.add(operation("gemm packed", AllocationFaultsTest::packed));
    for (Activation f : List.of(Activation.RELU, Activation.GELU, Activation.SOFTMAX)) {
      all.add(operation("activation " + f, backend -> activation(backend, f)));
      all.add(operation("dense " + f, backend -> dense(backend, f)));
    }
    for (Loss loss :
        List.of(
            Loss.softmaxCrossEntropy(),
            Loss.sigmoidCrossEntropy(),
            Loss.meanSquaredError(),
            Loss.meanAbsoluteError())) {
      all.add(operation("step " + loss, backend -> step(backend, loss, Optimizer.sgd(0.1))));
    }
    for (Optimizer optimizer : OPTIMIZERS) {
      all.add(operation("update " + optimizer, backend -> update(backend, optimizer)));
    }
    all.add(
        operation(
            "step adam", backend -> step(backend, Loss.meanSquaredError(), Optimizer.adam(0.1))));
    return all.stream();
  }

  private static Arguments operation(String name, Operation operation) {
    return Arguments.of(name, operation);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("operations")
  void everyCallMayFail(String name, Operation operation) throws Exception {
    try (FaultyBackend faulty = FaultyBackend.over(Weft.open("scalar", OPTIONS))) {
      faulty.requireNothingLeft(operation);
    }
  }

  /** Gives each allocation in turn, those inside the engine too, a limit that it just misses. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("operations")
  void everyAllocationMayMissTheLimit(String name, Operation operation) throws Exception {
    long limit = 1;
    int failures = 0;
    boolean done = false;
    while (!done) {
      try (Backend backend = Weft.open("cpu", OPTIONS.withMemoryLimit(limit))) {
        try {
          operation.run(backend);
          done = true;
        } catch (MemoryLimitException e) {
          assertThat(e.requestedBytes()).isGreaterThan(e.freeBytes());
          assertThat(e.getSuppressed()).isEmpty();
          limit += e.requestedBytes() - e.freeBytes();
          failures++;
        }
        assertThat(backend.memory().allocatedBytes()).as("limit %d", limit).isZero();
      }
      assertThat(failures).isLessThan(100);
    }
    assertThat(failures).isPositive();
  }

  /** A network whose step failed takes the next one, for each call of the step. */
  @Test
  void aNetworkWorksAfterAStepThatFailed() throws Exception {
    try (FaultyBackend faulty = FaultyBackend.over(Weft.open("scalar", OPTIONS));
        Mlp mlp = network(faulty.backend(), Loss.softmaxCrossEntropy(), Optimizer.adam(0.1));
        Tensor x = filled(faulty.backend(), 3, 4)) {
      Labels labels = Labels.of(0, 1, 1);
      long first = faulty.calls();
      mlp.trainStep(x, labels); // may allocate what later steps keep
      long count = faulty.calls() - first;
      long held = faulty.backend().memory().allocatedBytes();
      for (long n = 1; n <= count; n++) {
        faulty.failAt(n, FaultyBackend::outOfMemory);
        long before = faulty.calls();
        try {
          mlp.trainStep(x, labels);
          assertThat(faulty.calls() - before).isLessThan(n); // fewer calls than the first took
        } catch (OutOfMemoryError e) {
          assertThat(e).hasMessage("planted");
        }
        faulty.failAt(0, null);
        mlp.trainStep(x, labels);
        assertThat(faulty.backend().memory().allocatedBytes()).isEqualTo(held);
      }
    }
  }

  /** An element function that fails, in whatever thread, leaves nothing behind either. */
  @Test
  void aCustomFillMayRunOutOfMemory() {
    try (Backend backend = Weft.open("cpu", OPTIONS)) {
      for (long n : new long[] {0, 1, 4095, 70_000, 199_999}) {
        try (Tensor tensor = backend.tensor(DType.F32, Shape.of(200_000))) {
          Fill fill =
              Fill.custom(
                  (index, word) -> {
                    if (index == n) {
                      throw new OutOfMemoryError("planted");
                    }
                    return index;
                  });
          assertThatThrownBy(() -> tensor.fill(fill, KEY))
              .isInstanceOf(OutOfMemoryError.class)
              .hasMessage("planted");
          tensor.fill(Fill.constant(1), KEY);
          assertThat(tensor.get(n)).isEqualTo(1);
        }
        assertThat(backend.memory().allocatedBytes()).isZero();
      }
    }
  }

  /** The check finds a tensor that a failure leaves open. */
  @Test
  void whatIsLeftBehindIsFound() {
    try (FaultyBackend faulty = FaultyBackend.over(Weft.open("scalar", OPTIONS))) {
      List<Tensor> lost = new ArrayList<>();
      Operation leaking =
          backend -> {
            Tensor first = backend.tensor(DType.F32, Shape.of(8));
            lost.add(first);
            backend.tensor(DType.F32, Shape.of(8)).close();
            first.close();
          };
      assertThatThrownBy(() -> faulty.requireNothingLeft(leaking))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("call 2 of 2");
      lost.forEach(Tensor::close);
    }
  }

  private static void fill(Backend backend, String name) {
    Shape shape =
        name.equals("dirac") || name.equals("delta_orthogonal")
            ? Shape.of(3, 3, 4, 4)
            : Shape.of(12, 8);
    try (Tensor tensor = backend.tensor(DType.F32, shape)) {
      tensor.fill(InitializerSpec.parse(name).initializer(Layout.KERAS), KEY);
    }
  }

  private static void fillCustom(Backend backend) {
    try (Tensor tensor = backend.tensor(DType.F64, Shape.of(50))) {
      tensor.fill(Fill.custom((index, word) -> index), KEY);
    }
  }

  private static void copies(Backend backend) {
    try (Tensor a = filled(backend, 3, 4);
        Tensor b = backend.tensor(DType.F32, Shape.of(3, 4))) {
      b.copyFrom(a.segment());
      a.copyTo(b.segment());
      assertThat(b.get(5)).isEqualTo(a.get(5));
    }
  }

  private static void lend(Backend backend) {
    try (Tensor a = filled(backend, 3, 4);
        Lease lease = a.lend()) {
      assertThat(lease.tensor()).isSameAs(a);
      a.fill(Fill.constant(2), KEY);
    }
  }

  private static void gemm(Backend backend) {
    try (Tensor a = filled(backend, 20, 30);
        Tensor b = filled(backend, 30, 10);
        Tensor c = backend.tensor(DType.F32, Shape.of(20, 10))) {
      backend.gemm(1, Matrix.of(a), Matrix.of(b), 0, Matrix.of(c));
    }
  }

  private static void packed(Backend backend) {
    try (Tensor a = filled(backend, 20, 30);
        Tensor b = filled(backend, 30, 10);
        Tensor c = backend.tensor(DType.F32, Shape.of(20, 10));
        PackedMatrix packed = backend.pack(Matrix.of(b))) {
      backend.gemm(1, Matrix.of(a), packed, 0, Matrix.of(c));
    }
  }

  private static void activation(Backend backend, Activation f) {
    try (Tensor x = filled(backend, 5, 7);
        Tensor y = backend.tensor(DType.F32, x.shape());
        Tensor dy = filled(backend, 5, 7)) {
      f.forward(x, y);
      f.backward(f.kind().derivativeOfInput() ? x : y, dy, dy);
    }
  }

  private static void dense(Backend backend, Activation f) {
    try (Dense layer = Dense.of(6, 4).activation(f).build(backend, KEY);
        Tensor x = filled(backend, 3, 6);
        Tensor y = backend.tensor(DType.F32, Shape.of(3, 4));
        Tensor dy = filled(backend, 3, 4);
        Tensor dx = backend.tensor(DType.F32, x.shape());
        Dense.Gradients gradients = layer.gradients()) {
      layer.forward(x, y);
      layer.backward(x, y, dy, dx, gradients, Write.OVERWRITE);
    }
  }

  private static void update(Backend backend, Optimizer optimizer) {
    try (Tensor parameter = filled(backend, 5, 5);
        Tensor gradient = filled(backend, 5, 5);
        OptimizerState state = optimizer.state(parameter)) {
      state.update(gradient);
    }
  }

  private static void step(Backend backend, Loss loss, Optimizer optimizer) {
    try (Mlp mlp = network(backend, loss, optimizer);
        Tensor x = filled(backend, 3, 4);
        Tensor target = filled(backend, 3, 2);
        Tensor y = backend.tensor(DType.F32, Shape.of(3, 2))) {
      mlp.trainStep(x, target);
      mlp.forward(x, y);
      assertThat(mlp.loss()).isNotNaN();
    }
  }

  private static Mlp network(Backend backend, Loss loss, Optimizer optimizer) {
    return Mlp.of(4)
        .dense(5, Activation.RELU)
        .dense(2, Activation.LINEAR)
        .loss(loss)
        .optimizer(optimizer)
        .clipNorm(1)
        .build(backend, KEY);
  }

  private static Tensor filled(Backend backend, long rows, long columns) {
    Tensor tensor = backend.tensor(DType.F32, Shape.of(rows, columns));
    try {
      tensor.fill(Fill.uniform(0.25, 0.75), KEY);
      return tensor;
    } catch (RuntimeException | Error e) {
      tensor.close();
      throw e;
    }
  }
}
