package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.DeviceException;
import dev.weft.MemoryLimitException;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.nn.Activation;
import dev.weft.nn.Labels;
import dev.weft.nn.Loss;
import dev.weft.nn.Mlp;
import dev.weft.random.RandomKey;
import dev.weft.testkit.LogCapture;
import dev.weft.testkit.Tensors;
import dev.weft.testkit.gpu.FakeCublas;
import dev.weft.testkit.gpu.FakeDriver;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Training steps as graphs of a stand-in for the driver; their bits are {@link GpuLayerContracts}'.
 */
class StepGraphsTest {
  private static final Labels LABELS = Labels.of(0, 1, 2, 1);

  private FakeDriver driver;
  private FakeCublas cublas;
  private Backend backend;
  private Mlp mlp;
  private Tensor x;

  @BeforeEach
  void open() {
    driver = FakeDriver.load();
    cublas = FakeCublas.load();
    backend = CurandContract.with(ProductPath.PROPERTY, "cublas", () -> Weft.open("gpu"));
    mlp = mlp(backend);
    x = input(backend);
  }

  private static Mlp mlp(Backend backend) {
    return Mlp.of(5)
        .dense(6, Activation.GELU)
        .dense(3, Activation.SOFTMAX)
        .build(backend, RandomKey.of(1));
  }

  private static Tensor input(Backend backend) {
    Tensor made = backend.tensor(DType.F32, Shape.of(4, 5));
    Tensors.random(made, new SplittableRandom(1), 1);
    return made;
  }

  @AfterEach
  void nothingIsHeld() {
    FakeDriver.load();
    FakeCublas.load();
    x.close();
    mlp.close();
    backend.close();
    assertThat(driver.held()).isEmpty();
    assertThat(cublas.held()).isZero();
  }

  private double[] weights() {
    return Tensors.values(mlp.layers().getFirst().kernel());
  }

  /** The third step, and every later one, is one copy and one launch. */
  @Test
  void aRecordedStepIsOneLaunch() {
    mlp.trainStep(x, LABELS);
    assertThat(driver.calls("cuGraphLaunch")).isZero();
    mlp.trainStep(x, LABELS);
    assertThat(driver.calls("cuGraphLaunch")).isEqualTo(1);
    long kernels = driver.calls("cuLaunchKernel");
    long products = cublas.calls("cublasGemmEx");
    long copies = driver.calls("cuMemcpyHtoDAsync");
    for (int step = 0; step < 10; step++) {
      mlp.trainStep(x, LABELS);
    }
    assertThat(driver.calls("cuGraphLaunch")).isEqualTo(11);
    assertThat(driver.calls("cuMemcpyHtoDAsync")).isEqualTo(copies + 10);
    assertThat(driver.calls("cuLaunchKernel")).isEqualTo(kernels);
    assertThat(cublas.calls("cublasGemmEx")).isEqualTo(products);
    assertThat(driver.calls("cuStreamSynchronize")).isZero(); // nobody waited
    assertThat(mlp.loss()).isBetween(0.0, 2.0);
  }

  /** The host reads labels when the step is begun; what is written there later is not seen. */
  @Test
  void labelsAreReadBeforeAStepReturns() {
    int[] classes = {0, 1, 2, 1};
    for (int step = 0; step < 4; step++) {
      System.arraycopy(new int[] {0, 1, 2, 1}, 0, classes, 0, 4);
      mlp.trainStep(x, Labels.of(classes));
      classes[0] = 99;
    }
    double[] actual = weights();
    try (Backend scalar = Weft.open("scalar");
        Mlp other = mlp(scalar);
        Tensor same = input(scalar)) {
      for (int step = 0; step < 4; step++) {
        other.trainStep(same, LABELS);
      }
      double[] expected = Tensors.values(other.layers().getFirst().kernel());
      for (int i = 0; i < expected.length; i++) {
        assertThat(actual[i]).isCloseTo(expected[i], offset(1e-5));
      }
    }
  }

  /** An x of the host is read before a step returns, and goes to two buffers in turn. */
  @Test
  void theHostsInputGoesToTwoBuffersInTurn() {
    float[] mine = new float[20];
    try (Backend scalar = Weft.open("scalar");
        Mlp other = mlp(scalar);
        Tensor same = scalar.wrap(mine, Shape.of(4, 5));
        Tensor input = backend.wrap(mine, Shape.of(4, 5))) {
      SplittableRandom random = new SplittableRandom(5);
      for (int step = 0; step < 9; step++) {
        Tensors.random(same, random, 1);
        other.trainStep(same, LABELS);
        mlp.trainStep(input, LABELS);
        Arrays.fill(mine, Float.NaN);
      }
      assertThat(driver.calls("cuGraphLaunch")).isEqualTo(7);
      assertThat(driver.calls("cuStreamSynchronize")).isZero();
      double[] expected = Tensors.values(other.layers().getFirst().kernel());
      double[] actual = weights();
      for (int i = 0; i < expected.length; i++) {
        assertThat(actual[i]).isCloseTo(expected[i], offset(1e-5));
      }
    }
    assertThat(driver.held("pinned")).isEqualTo(4); // and two for every copy
  }

  /** What a replay checks is what a step checks, and then the weights are as they were. */
  @Test
  void mistakesAreFoundBeforeAReplay() {
    for (int step = 0; step < 3; step++) {
      mlp.trainStep(x, LABELS);
    }
    double[] before = weights();
    assertThatThrownBy(() -> mlp.trainStep(x, Labels.of(0, 1, 2, 3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("loss: need labels in [0, C), got label[3]=3, C=3");
    assertThatThrownBy(() -> mlp.trainStep(x, Labels.of(0, 1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("need a label for each row");
    x.close();
    assertThatThrownBy(() -> mlp.trainStep(x, LABELS)).isInstanceOf(ClosedException.class);
    assertThat(weights()).isEqualTo(before);
  }

  /** A weight that was closed is not written. */
  @Test
  void aClosedWeightIsAnError() {
    for (int step = 0; step < 3; step++) {
      mlp.trainStep(x, LABELS);
    }
    mlp.layers().getFirst().kernel().close();
    assertThatThrownBy(() -> mlp.trainStep(x, LABELS)).isInstanceOf(ClosedException.class);
  }

  /** A call that fails while a step is recorded: the next one is right, and nothing is held. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "cuStreamBeginCapture",
        "cuLaunchKernel",
        "cuStreamEndCapture",
        "cuGraphInstantiate",
        "cuGraphLaunch"
      })
  void aFailedCallIsAnErrorAndTheNextStepIsRight(String call) {
    mlp.trainStep(x, LABELS);
    driver.fail(call, 0, 1);
    assertThatThrownBy(() -> mlp.trainStep(x, LABELS)).isInstanceOf(DeviceException.class);
    driver.fail("none", 0, 0);
    for (int step = 0; step < 3; step++) {
      mlp.trainStep(x, LABELS);
    }
    assertThat(mlp.loss()).isBetween(0.0, 2.0);
  }

  /** The same while buffers for the host's x are made, one call after the other. */
  @ParameterizedTest
  @CsvSource({
    "cuMemAlloc, 0",
    "cuMemAlloc, 1",
    "cuMemAlloc, 2",
    "cuEventCreate, 0",
    "cuEventCreate, 3",
    "cuMemHostRegister, 0",
    "cuMemHostRegister, 1"
  })
  void aFailedBufferIsAnErrorAndTheNextStepIsRight(String call, int after) {
    mlp.trainStep(x, LABELS); // nothing else is to be made
    float[] mine = new float[20];
    try (Tensor input = backend.wrap(mine, Shape.of(4, 5))) {
      double[] before = weights();
      driver.fail(call, after, call.equals("cuMemAlloc") ? 2 : 1);
      assertThatThrownBy(() -> mlp.trainStep(input, LABELS))
          .isInstanceOfAny(DeviceException.class, MemoryLimitException.class);
      driver.fail("none", 0, 0);
      assertThat(weights()).isEqualTo(before);
      boolean made = call.equals("cuMemAlloc") && after == 2; // the recording was not
      assertThat(driver.held("pinned")).isEqualTo(made ? 4 : 2);
      for (int step = 0; step < 5; step++) {
        mlp.trainStep(input, LABELS);
      }
      assertThat(mlp.loss()).isBetween(0.0, 2.0);
    }
  }

  /** An x that does not suit is an error before it is copied anywhere. */
  @Test
  void anInputOfAnotherTypeIsAnError() {
    float[] mine = new float[20];
    try (Tensor input = backend.wrap(mine, Shape.of(4, 5));
        Tensor wide = backend.wrap(new double[20], Shape.of(4, 5))) {
      for (int step = 0; step < 4; step++) {
        mlp.trainStep(input, LABELS);
      }
      assertThatThrownBy(() -> mlp.trainStep(wide, LABELS))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("need x of f32");
    }
  }

  /** A backend that is closed before a perceptron gives its graphs back. */
  @Test
  void theBackendMayBeClosedFirst() {
    float[] mine = new float[20];
    try (Tensor input = backend.wrap(mine, Shape.of(4, 5))) {
      for (int step = 0; step < 4; step++) {
        mlp.trainStep(x, LABELS);
        mlp.trainStep(input, LABELS);
      }
      try (LogCapture leaks = LogCapture.of("dev.weft")) {
        backend.close();
        assertThat(leaks.lines()).isNotEmpty(); // the weights
      }
      assertThat(driver.held()).isEmpty();
      assertThatThrownBy(() -> mlp.trainStep(x, LABELS)).isInstanceOf(ClosedException.class);
      assertThatThrownBy(() -> mlp.trainStep(input, LABELS)).isInstanceOf(ClosedException.class);
    }
  }

  /** Graphs of a few tensors are kept; the others' memory is given back. */
  @Test
  void fewGraphsAreKept() {
    Tensor[] xs = new Tensor[7];
    for (int i = 0; i < xs.length; i++) {
      xs[i] = input(backend);
      for (int step = 0; step < 3; step++) {
        mlp.trainStep(xs[i], LABELS);
      }
    }
    assertThat(driver.held("graphs")).isEqualTo(4);
    for (Tensor each : xs) {
      each.close();
    }
  }

  /** A target instead of labels. */
  @Test
  void aTargetMayBeReplayed() {
    try (Mlp line =
            Mlp.of(5)
                .dense(2, Activation.TANH)
                .loss(Loss.meanSquaredError())
                .build(backend, RandomKey.of(2));
        Tensor target = backend.tensor(DType.F32, Shape.of(4, 2))) {
      Tensors.random(target, new SplittableRandom(3), 1);
      line.trainStep(x, target);
      double first = line.loss();
      for (int step = 0; step < 200; step++) {
        line.trainStep(x, target);
      }
      assertThat(line.loss()).isLessThan(first);
      assertThat(driver.calls("cuGraphLaunch")).isEqualTo(200);
    }
  }

  /** Other threads' operations are not recorded. */
  @Test
  void otherThreadsGoOn() throws InterruptedException {
    Thread other =
        Thread.ofPlatform()
            .start(
                () -> {
                  for (int i = 0; i < 200; i++) {
                    try (Tensor t = backend.tensor(DType.F32, Shape.of(64))) {
                      t.fill(Fill.constant(i), RandomKey.of(1));
                      if (t.get(63) != i) {
                        throw new AssertionError(t.get(63));
                      }
                    }
                  }
                });
    boolean[] failed = new boolean[1];
    other.setUncaughtExceptionHandler((thread, e) -> failed[0] = true);
    for (int i = 0; i < 6; i++) {
      try (Tensor one = input(backend)) {
        for (int step = 0; step < 3; step++) {
          mlp.trainStep(one, LABELS);
        }
      }
    }
    other.join();
    assertThat(failed[0]).isFalse();
    assertThat(mlp.loss()).isBetween(0.0, 2.0);
  }
}
