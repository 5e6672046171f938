package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Accuracy;
import dev.weft.Backend;
import dev.weft.BackendInfo;
import dev.weft.BackendOptions;
import dev.weft.BackendUnavailableException;
import dev.weft.DType;
import dev.weft.DeviceException;
import dev.weft.MemoryLimitException;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.random.StreamOrder;
import dev.weft.testkit.LogCapture;
import dev.weft.testkit.Patterns;
import dev.weft.testkit.Reference;
import dev.weft.testkit.gpu.FakeCublas;
import dev.weft.testkit.gpu.FakeCurand;
import dev.weft.testkit.gpu.FakeDriver;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Where orthogonal fills are made, how far from the CPU's they are, and what goes wrong, over
 * stand-ins for cuBLAS and the driver.
 */
class OrthogonalDeviceTest {
  private static final RandomKey KEY = RandomKey.of(7);
  private static final Fill ORTHOGONAL = Fill.orthogonal(1, Layout.KERAS);

  /** Its first normal in f32 is 0: the word is nearest to 2³², so that u is 1. */
  private static final RandomKey ZERO = RandomKey.of(16_390_493);

  private static final int ALLOCATION_FAILED = 3;
  private static final int EXECUTION_FAILED = 13;

  private FakeDriver driver;
  private FakeCublas cublas;

  @BeforeEach
  void load() {
    driver = FakeDriver.load();
    cublas = FakeCublas.load();
  }

  @AfterEach
  void nothingIsHeld() {
    for (String what : List.of("bytes", "streams", "events", "pinned", "modules", "contexts")) {
      assertThat(driver.held(what)).as(what).isZero();
    }
    assertThat(cublas.held()).as("handles").isZero();
  }

  private static Backend open(String path, BackendOptions options) {
    return CurandContract.with(OrthogonalPath.PROPERTY, path, () -> Weft.open("gpu", options));
  }

  private static Backend onDevice() {
    return open("device", BackendOptions.DEFAULT);
  }

  private static byte[] filled(Backend opened, Fill fill, RandomKey key, DType dtype, Shape shape) {
    byte[] out = new byte[(int) dtype.byteSize(shape.elements())];
    try (Backend backend = opened;
        Tensor tensor = backend.tensor(dtype, shape)) {
      tensor.fill(fill, key);
      tensor.copyTo(MemorySegment.ofArray(out));
    }
    return out;
  }

  private static byte[] cpus(Fill fill, RandomKey key, DType dtype, Shape shape) {
    return filled(Weft.open("cpu"), fill, key, dtype, shape);
  }

  private static double[] values(byte[] bytes, DType dtype) {
    return Patterns.values(MemorySegment.ofArray(bytes), dtype);
  }

  /** The tall matrix of normals, which the other tests hold to the oracle's. */
  private static double[][] normals(DType dtype, Shape shape) {
    int rows = (int) Math.max(shape.dim(0), shape.dim(1));
    int columns = (int) Math.min(shape.dim(0), shape.dim(1));
    DType drawn = dtype == DType.F64 ? DType.F64 : DType.F32;
    byte[] bytes = cpus(Fill.normal(0, 1), KEY, drawn, Shape.of(rows, columns));
    double[] all = values(bytes, drawn);
    double[][] a = new double[rows][columns];
    for (int i = 0; i < rows; i++) {
      System.arraycopy(all, i * columns, a[i], 0, columns);
    }
    return a;
  }

  private long written() {
    return driver.calls("weft_orthogonal_f32")
        + driver.calls("weft_orthogonal_f64")
        + driver.calls("weft_orthogonal_f16")
        + driver.calls("weft_orthogonal_bf16");
  }

  /**
   * Sizes around the blocks of 64 columns, tall, wide and square, against the CPU and the exact Q.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "1,1", "1,9", "9,1", "2,2", "63,63", "64,64", "65,65", "64,200", "200,64", "127,128",
        "129,128", "128,128", "130,193", "500,3"
      })
  void isTheCpusWithinTheBound(String text) {
    Shape shape = Shape.parse(text);
    for (DType dtype : DType.values()) {
      byte[] bytes = filled(onDevice(), ORTHOGONAL, KEY, dtype, shape);
      double[] actual = values(bytes, dtype);
      double[] expected = values(cpus(ORTHOGONAL, KEY, dtype, shape), dtype);
      double[][] a = normals(dtype, shape);
      double[][] q = Reference.orthogonal(a);
      double bound = Accuracy.orthogonal(dtype, Reference.condition(a));
      boolean wide = shape.dim(0) < shape.dim(1);
      int columns = (int) shape.dim(1);
      double toExact = 0;
      double toCpus = 0;
      for (int i = 0; i < actual.length; i++) {
        double exact = wide ? q[i % columns][i / columns] : q[i / columns][i % columns];
        toExact = Math.max(toExact, Math.abs(actual[i] - exact));
        toCpus = Math.max(toCpus, Math.abs(actual[i] - expected[i]));
      }
      double rounding =
          switch (dtype) {
            case F64 -> bound;
            case F32 -> 0x1.1p-25; // nothing but the last rounding, of values below 1
            case F16 -> 0x1.1p-12;
            case BF16 -> 0x1.1p-9;
          };
      assertThat(toExact).as("%s %s", shape, dtype).isLessThanOrEqualTo(rounding);
      assertThat(toCpus).as("%s %s", shape, dtype).isLessThanOrEqualTo(rounding + bound + rounding);
    }
    assertThat(written()).isEqualTo(4);
  }

  /**
   * An f64 matrix is orthogonal to some units in the last place; without the second time it is not.
   */
  @Test
  void theSecondTimeIsNeeded() {
    Shape shape = Shape.of(200, 200);
    assertThat(error(filled(onDevice(), ORTHOGONAL, KEY, DType.F64, shape), 200))
        .isLessThan(20 * 0x1p-52);
    long solved = cublas.calls("cublasDtrsm");
    cublas.fail("cublasDtrsm", (int) solved - 1, FakeCublas.IGNORED); // the last
    assertThat(error(filled(onDevice(), ORTHOGONAL, KEY, DType.F64, shape), 200))
        .isGreaterThan(100 * 0x1p-52);
    assertThat(written()).isEqualTo(2);
  }

  private static double error(byte[] bytes, int n) {
    double[] all = values(bytes, DType.F64);
    double[][] q = new double[n][n];
    for (int i = 0; i < n; i++) {
      System.arraycopy(all, i * n, q[i], 0, n);
    }
    return Reference.orthogonalityError(q);
  }

  /** Where m·n² reaches 2²⁸, and where the device is named. */
  @ParameterizedTest
  @CsvSource({
    "auto, '645,646', true",
    "auto, '646,645', true",
    "auto, '645,645', false",
    "auto, '4096,256', true",
    "auto, '255,4096', false",
    "cpu, '700,700', false",
    "device, '3,3', true"
  })
  void largeMatricesAreMadeOnTheDevice(String path, String text, boolean device) {
    Shape shape = Shape.parse(text);
    byte[] actual = filled(open(path, BackendOptions.DEFAULT), ORTHOGONAL, KEY, DType.F32, shape);
    assertThat(written()).isEqualTo(device ? 1 : 0);
    assertThat(cublas.calls("cublasCreate")).isEqualTo(device ? 1 : 0);
    byte[] expected = cpus(ORTHOGONAL, KEY, DType.F32, shape);
    if (device) {
      double[] a = values(actual, DType.F32);
      double[] b = values(expected, DType.F32);
      double worst =
          IntStream.range(0, a.length).mapToDouble(i -> Math.abs(a[i] - b[i])).max().orElse(1);
      assertThat(worst)
          .isLessThan(1e-3); // another matrix differs by 0.1; the bound is tested above
    } else {
      assertThat(actual).isEqualTo(expected);
    }
  }

  @Test
  void theSameBitsEachTimeAndInEveryMemory() {
    Shape shape = Shape.of(150, 90);
    for (StreamOrder order : StreamOrder.values()) {
      RandomKey key = KEY.withOrder(order);
      for (DType dtype : DType.values()) {
        byte[] first = filled(onDevice(), ORTHOGONAL, key, dtype, shape);
        byte[] host = new byte[first.length];
        try (Backend backend = onDevice();
            Tensor tensor = backend.wrap(MemorySegment.ofArray(host), dtype, shape)) {
          tensor.fill(ORTHOGONAL, key);
          assertThat(host).isEqualTo(first);
          tensor.fill(Fill.constant(0), key);
          tensor.fill(ORTHOGONAL, key);
          assertThat(host).isEqualTo(first);
        }
      }
    }
  }

  /** Parts of the host's memory of several chunks, and normals of several turns. */
  @Test
  void manyElementsTakeSeveralTurns() {
    Shape shape = Shape.of(3, 1_700_000); // 20 MB; its normals are more than 16 MiB
    byte[] actual = filled(onDevice(), ORTHOGONAL, KEY, DType.F32, shape);
    byte[] host = new byte[actual.length];
    try (Backend backend = onDevice();
        Tensor tensor = backend.wrap(MemorySegment.ofArray(host), DType.F32, shape)) {
      tensor.fill(ORTHOGONAL, KEY);
    }
    assertThat(MemorySegment.ofArray(host).mismatch(MemorySegment.ofArray(actual))).isEqualTo(-1);
    double[] a = values(actual, DType.F32);
    double[] b = values(cpus(ORTHOGONAL, KEY, DType.F32, shape), DType.F32);
    double bound = 2 * Accuracy.orthogonal(DType.F32, 1.1); // of so tall a matrix
    double worst =
        IntStream.range(0, a.length).mapToDouble(i -> Math.abs(a[i] - b[i])).max().orElse(1);
    assertThat(worst).isLessThan(bound);
  }

  @Test
  void manyThreadsShareADevice() throws Exception {
    Shape shape = Shape.of(70, 66);
    byte[] expected = filled(onDevice(), ORTHOGONAL, KEY, DType.F32, shape);
    try (Backend backend = onDevice();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<byte[]>> results =
          IntStream.range(0, 12)
              .mapToObj(
                  i ->
                      threads.submit(
                          () -> {
                            byte[] out = new byte[expected.length];
                            MemorySegment memory = MemorySegment.ofArray(out);
                            try (Tensor tensor =
                                i % 2 == 0
                                    ? backend.tensor(DType.F32, shape)
                                    : backend.wrap(memory, DType.F32, shape)) {
                              tensor.fill(ORTHOGONAL, KEY);
                              tensor.copyTo(MemorySegment.ofArray(out));
                            }
                            return out;
                          }))
              .toList();
      for (Future<byte[]> result : results) {
        assertThat(result.get()).isEqualTo(expected);
      }
    }
  }

  /** What the device cannot factor is made by the CPU, before anything is written. */
  @Test
  void anIllConditionedMatrixIsTheCpus() {
    Shape shape = Shape.of(1, 1);
    double normal = values(cpus(Fill.normal(0, 1), ZERO, DType.F32, shape), DType.F32)[0];
    assertThat(normal + 0.0).isZero(); // of either sign
    byte[] actual = filled(onDevice(), ORTHOGONAL, ZERO, DType.F32, shape);
    assertThat(actual).isEqualTo(cpus(ORTHOGONAL, ZERO, DType.F32, shape));
    assertThat(cublas.calls("cublasDsyrk")).isPositive();
    assertThat(written()).isZero();
  }

  /** Negative control: a call that is left out, or has a wrong operation, is seen by the check. */
  @ParameterizedTest
  @CsvSource({
    "cublasDtrsm, -1, '90,90'",
    "cublasDtrsm, -2, '90,90'",
    "cublasDtrsm, -2, '40,90'",
    "cublasDsyrk, -1, '90,90'",
    "cublasDsyrk, -2, '90,90'"
  })
  void aWrongCallIsNeverAWrongResult(String call, int wrong, String text) {
    Shape shape = Shape.parse(text);
    cublas.fail(call, 0, wrong);
    byte[] actual = filled(onDevice(), ORTHOGONAL, KEY, DType.F32, shape);
    assertThat(cublas.calls(call)).isPositive();
    assertThat(written()).isZero();
    assertThat(actual).isEqualTo(cpus(ORTHOGONAL, KEY, DType.F32, shape));
  }

  @ParameterizedTest
  @ValueSource(strings = {"cublasSetStream", "cublasSetWorkspace"})
  void theStandInSeesACallThatIsMissing(String call) {
    cublas.fail(call, 0, FakeCublas.IGNORED);
    assertThatThrownBy(() -> filled(onDevice(), ORTHOGONAL, KEY, DType.F32, Shape.of(5, 5)))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("CUBLAS_STATUS_EXECUTION_FAILED");
  }

  /** An error is reported once, nothing is written, and the next fill works. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "cublasCreate",
        "cublasSetStream",
        "cublasSetWorkspace",
        "cublasDsyrk",
        "cublasDtrsm"
      })
  void anErrorSaysWhatFailed(String call) {
    Shape shape = Shape.of(80, 80);
    byte[] expected = filled(onDevice(), ORTHOGONAL, KEY, DType.F32, shape);
    float[] mine = new float[80 * 80];
    mine[77] = 5;
    try (Backend backend = onDevice();
        Tensor tensor = backend.wrap(mine, shape)) {
      cublas.fail(call, 0, ALLOCATION_FAILED);
      assertThatThrownBy(() -> tensor.fill(ORTHOGONAL, KEY))
          .isInstanceOfSatisfying(DeviceException.class, e -> assertThat(e.isFatal()).isFalse())
          .hasMessage(call + ": cuBLAS error 3, CUBLAS_STATUS_ALLOC_FAILED, on device 0 (Fake 0)");
      assertThat(mine[77]).isEqualTo(5);
      cublas.fail("none", 0, 0);
      tensor.fill(ORTHOGONAL, KEY);
      assertThat(tensor.segment().mismatch(MemorySegment.ofArray(expected))).isEqualTo(-1);
    }
  }

  @Test
  void closingSaysThatTheHandleStays() {
    Backend backend = onDevice();
    try (Tensor tensor = backend.tensor(DType.F32, Shape.of(3, 3))) {
      tensor.fill(ORTHOGONAL, KEY);
    }
    cublas.fail("cublasDestroy", 0, EXECUTION_FAILED);
    assertThatThrownBy(backend::close)
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("cublasDestroy");
    assertThat(driver.held("contexts")).isZero();
    cublas.fail("none", 0, 0);
    assertThat(cublas.held()).isEqualTo(1);
    cublas.forget();
  }

  @Test
  void aLostDeviceIsClosed() {
    try (Backend backend = onDevice();
        Tensor tensor = backend.tensor(DType.F32, Shape.of(30, 30))) {
      tensor.fill(ORTHOGONAL, KEY);
      driver.fail("cuLaunchKernel", 0, 700);
      assertThatThrownBy(() -> tensor.fill(ORTHOGONAL, KEY))
          .isInstanceOfSatisfying(DeviceException.class, e -> assertThat(e.isFatal()).isTrue());
      assertThatThrownBy(() -> tensor.fill(ORTHOGONAL, KEY))
          .isInstanceOf(DeviceException.class)
          .hasMessageContaining("the device is lost");
    }
    cublas.forget(); // with the context
  }

  /** Each allocation in turn: memory that is not there now is an error, and nothing is kept. */
  @Test
  void fullMemorySaysSo() {
    Shape shape = Shape.of(70, 70);
    for (int after = 0; after < 4; after++) {
      float[] mine = new float[70 * 70];
      try (Backend backend = onDevice();
          Tensor tensor = backend.wrap(mine, shape)) {
        driver.fail("cuMemAlloc", after, 2);
        assertThatThrownBy(() -> tensor.fill(ORTHOGONAL, KEY))
            .as("allocation %d", after)
            .isInstanceOf(MemoryLimitException.class);
        assertThat(mine).containsOnly(0);
        driver.fail("none", 0, 0);
        tensor.fill(ORTHOGONAL, KEY);
        assertThat(tensor.orthogonalityError(Layout.KERAS, 1)).isLessThan(1e-6);
      }
    }
  }

  /** A matrix that the limit does not allow is the CPU's, as before. */
  @Test
  void aLimitIsHeld() {
    Shape shape = Shape.of(300, 300); // 720 000 bytes as f64, twice; cuBLAS's are beside the limit
    for (long limit : new long[] {1_200_000, 2_000_000}) {
      byte[] actual =
          filled(
              open("device", BackendOptions.DEFAULT.withMemoryLimit(limit)),
              ORTHOGONAL,
              KEY,
              DType.F16,
              shape);
      boolean device = limit > 1_500_000;
      assertThat(written()).isEqualTo(device ? 1 : 0);
      if (!device) {
        assertThat(actual).isEqualTo(cpus(ORTHOGONAL, KEY, DType.F16, shape));
      }
    }
  }

  @Test
  void memoryIsGivenBack() {
    try (Backend backend = onDevice();
        Tensor tensor = backend.tensor(DType.F32, Shape.of(64, 64))) {
      long before = backend.memory().allocatedBytes();
      tensor.fill(ORTHOGONAL, KEY);
      assertThat(backend.memory().allocatedBytes()).isEqualTo(before);
      tensor.fill(ORTHOGONAL, KEY);
      assertThat(backend.memory().allocatedBytes()).isEqualTo(before);
      assertThat(cublas.calls("cublasCreate")).isEqualTo(1);
    }
  }

  /** Words of cuRAND give the same normals, and so the same Q. */
  @Test
  void theGeneratorDoesNotShow() {
    FakeCurand curand = FakeCurand.load();
    Shape shape = Shape.of(66, 50);
    byte[] expected = filled(onDevice(), ORTHOGONAL, KEY, DType.F32, shape);
    byte[] actual =
        filled(
            CurandContract.withCurand(OrthogonalDeviceTest::onDevice),
            ORTHOGONAL,
            KEY,
            DType.F32,
            shape);
    assertThat(curand.calls("curandGenerate")).isPositive();
    assertThat(actual).isEqualTo(expected);
  }

  /** Another value makes the backend unavailable, with the rule, the value and the remedy. */
  @Test
  void anotherValueIsRefused() {
    CurandContract.with(
        OrthogonalPath.PROPERTY,
        "gpu",
        () -> {
          BackendInfo gpu =
              Weft.backends().stream()
                  .filter(b -> b.name().equals("gpu"))
                  .findFirst()
                  .orElseThrow();
          assertThat(gpu.probe().reason())
              .isEqualTo(
                  "need weft.gpu.orthogonal in [auto, cpu, device], got weft.gpu.orthogonal=gpu");
          assertThat(gpu.probe().remedy()).isEqualTo("correct -Dweft.gpu.orthogonal");
          assertThatThrownBy(() -> Weft.open("gpu"))
              .isInstanceOf(BackendUnavailableException.class)
              .hasMessageContaining("got weft.gpu.orthogonal=gpu");
          return null;
        });
  }

  /** Nothing is said where all is well. */
  @Test
  void aFillOnTheDeviceIsSilent() {
    try (LogCapture log = LogCapture.of("dev.weft")) {
      filled(onDevice(), ORTHOGONAL, KEY, DType.F32, Shape.of(20, 20));
      assertThat(log.lines()).isEmpty();
    }
  }
}
