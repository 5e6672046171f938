package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.BackendInfo;
import dev.weft.BackendOptions;
import dev.weft.BackendUnavailableException;
import dev.weft.DType;
import dev.weft.DeviceException;
import dev.weft.MemoryInfo;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import dev.weft.random.StreamOrder;
import dev.weft.testkit.gpu.FakeCurand;
import dev.weft.testkit.gpu.FakeDriver;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
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

/** Which fills take cuRAND's words, and its errors, over stand-ins for it and the driver. */
class CurandFaultsTest {
  private static final RandomKey KEY = RandomKey.of(7);
  private static final Fill NORMAL = Fill.normal(0, 1);
  private static final int ALLOCATION_FAILED = 102;
  private static final int LAUNCH_FAILURE = 201;

  private FakeDriver driver;
  private FakeCurand curand;

  private static Backend open() {
    return CurandContract.withCurand(() -> Weft.open("gpu"));
  }

  @BeforeEach
  void load() {
    driver = FakeDriver.load();
    curand = FakeCurand.load();
  }

  @AfterEach
  void nothingIsHeld() {
    assertThat(driver.held()).isEmpty();
    assertThat(curand.held()).as("generators").isZero();
  }

  private static byte[] filled(
      Backend opened, Fill fill, RandomKey key, DType dtype, Region region) {
    byte[] out = new byte[(int) dtype.byteSize(region.shape().elements())];
    try (Backend backend = opened;
        Tensor tensor = backend.tensor(dtype, region.shape())) {
      tensor.fill(fill, key, region);
      tensor.copyTo(MemorySegment.ofArray(out));
    }
    return out;
  }

  private static byte[] expected(Fill fill, DType dtype, long count) {
    return filled(Weft.open("scalar"), fill, KEY, dtype, Region.of(Shape.of(count)));
  }

  /** Which fills take words from cuRAND; the others are computed as ever. */
  @ParameterizedTest
  @CsvSource({
    "bits, F32, CURAND, 1, 0", // the words are the elements
    "uniform, F32, CURAND, 1, 1",
    "normal, F64, CURAND, 1, 1",
    "truncated, BF16, CURAND, 1, 1",
    "normal, F32, SEQUENTIAL, 0, 1",
    "constant, F32, CURAND, 0, 1",
    "sparse, F32, CURAND, 0, 2"
  })
  void takesWordsWhereItCan(
      String name, DType dtype, StreamOrder order, int generated, int launched) {
    Fill fill =
        switch (name) {
          case "bits" -> Fill.bits();
          case "uniform" -> Fill.uniform(-1, 1);
          case "normal" -> NORMAL;
          case "truncated" -> Fill.truncatedNormalSigma(0, 1, -2, 2);
          case "constant" -> Fill.constant(1);
          default -> Fill.sparse(0.5, 1);
        };
    RandomKey key = new RandomKey(7, order);
    Region whole = Region.of(Shape.of(64, 32));
    byte[] actual = filled(open(), fill, key, dtype, whole);
    assertThat(curand.calls("curandGenerate")).isEqualTo(generated);
    assertThat(driver.calls("cuLaunchKernel")).isEqualTo(launched);
    assertThat(actual).isEqualTo(filled(Weft.open("scalar"), fill, key, dtype, whole));
  }

  /** The words of a 16-bit tensor take more than it does, and are no tensor. */
  @Test
  void aTensorOfTheLimitsSizeIsFilled() {
    Shape shape = Shape.of(1000);
    byte[] actual = new byte[2000];
    BackendOptions options = BackendOptions.DEFAULT.withMemoryLimit(actual.length);
    try (Backend backend = CurandContract.withCurand(() -> Weft.open("gpu", options));
        Tensor tensor = backend.tensor(DType.BF16, shape)) {
      tensor.fill(NORMAL, KEY);
      tensor.copyTo(MemorySegment.ofArray(actual));
      assertThat(curand.calls("curandGenerate")).isPositive();
      assertThat(backend.memory()).isEqualTo(new MemoryInfo(2000, 2000, 2000));
    }
    assertThat(actual).isEqualTo(expected(NORMAL, DType.BF16, 1000));
  }

  @Test
  void regionsOfManyRunsAreComputed() {
    Region box = Region.of(Shape.of(64, 32)).box(new long[] {1, 1}, new long[] {50, 20});
    byte[] actual = filled(open(), NORMAL, KEY, DType.F32, box);
    assertThat(curand.calls("curandGenerate")).isZero();
    assertThat(actual).isEqualTo(filled(Weft.open("scalar"), NORMAL, KEY, DType.F32, box));
  }

  /** Elements before and after whole groups are computed, so that a normal has both its words. */
  @Test
  void edgesAreComputed() {
    Region slice = Region.of(Shape.of(10_000)).slice(3, 9_001);
    byte[] actual = filled(open(), NORMAL, KEY, DType.F32, slice);
    assertThat(curand.calls("curandGenerate")).isEqualTo(1);
    assertThat(driver.calls("cuLaunchKernel")).isEqualTo(3);
    assertThat(actual).isEqualTo(filled(Weft.open("scalar"), NORMAL, KEY, DType.F32, slice));
  }

  @Test
  void memoryOfTheHostIsFilledToo() {
    int count = (3 << 20) + 7; // more than two chunks
    for (DType dtype : List.of(DType.F32, DType.BF16)) {
      byte[] actual = new byte[(int) dtype.byteSize(count)];
      try (Backend backend = open();
          Tensor tensor = backend.wrap(MemorySegment.ofArray(actual), dtype, Shape.of(count))) {
        tensor.fill(NORMAL, KEY);
      }
      assertThat(Arrays.equals(actual, expected(NORMAL, dtype, count))).as("%s", dtype).isTrue();
    }
    assertThat(curand.calls("curandGenerate")).isGreaterThan(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "auto", "fused"})
  void cuRandIsNotUsedUnlessNamed(String name) {
    System.setProperty(Generator.PROPERTY, name);
    try {
      byte[] actual = filled(Weft.open("gpu"), NORMAL, KEY, DType.F32, Region.of(Shape.of(1_000)));
      assertThat(actual).isEqualTo(expected(NORMAL, DType.F32, 1_000));
      assertThat(curand.calls("curandCreateGenerator")).isZero();
    } finally {
      System.clearProperty(Generator.PROPERTY);
    }
  }

  /** Another value makes the backend unavailable, with the rule, the value and the remedy. */
  @Test
  void anotherValueIsRefused() {
    System.setProperty(Generator.PROPERTY, "philox");
    try {
      BackendInfo gpu =
          Weft.backends().stream().filter(b -> b.name().equals("gpu")).findFirst().orElseThrow();
      assertThat(gpu.probe().reason())
          .isEqualTo(
              "need weft.gpu.generator in [fused, curand, auto], got weft.gpu.generator=philox");
      assertThat(gpu.probe().remedy()).isEqualTo("correct -Dweft.gpu.generator");
      assertThatThrownBy(() -> Weft.open("gpu"))
          .isInstanceOf(BackendUnavailableException.class)
          .hasMessageContaining("got weft.gpu.generator=philox");
      Weft.open("scalar").close();
    } finally {
      System.clearProperty(Generator.PROPERTY);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"curandCreateGenerator", "curandSetStream", "curandSetGeneratorOrdering"})
  void whatFailsToOpenLeavesNothing(String call) {
    curand.fail(call, 0, ALLOCATION_FAILED);
    assertThatThrownBy(CurandFaultsTest::open)
        .isInstanceOf(BackendUnavailableException.class)
        .hasMessageContaining(
            call + ": cuRAND error 102, CURAND_STATUS_ALLOCATION_FAILED, on device 0 (Fake 0)");
  }

  /** Negative control: a call that is left out shows, or is refused. */
  @ParameterizedTest
  @CsvSource({
    "curandSetGeneratorOrdering, false",
    "curandSetPseudoRandomGeneratorSeed, false",
    "curandSetGeneratorOffset, false",
    "curandGenerate, false",
    "curandSetStream, true"
  })
  void theStandInSeesACallThatIsMissing(String call, boolean refused) {
    curand.fail(call, 0, FakeCurand.IGNORED);
    Region region = Region.of(Shape.of(9_000)).slice(4_000, 8_000);
    if (refused) {
      assertThatThrownBy(() -> filled(open(), NORMAL, KEY, DType.F32, region))
          .isInstanceOf(DeviceException.class);
    } else {
      assertThat(filled(open(), NORMAL, KEY, DType.F32, region))
          .isNotEqualTo(filled(Weft.open("scalar"), NORMAL, KEY, DType.F32, region));
    }
  }

  /** An error is reported once, by the fill that met it. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "curandSetPseudoRandomGeneratorSeed",
        "curandSetGeneratorOffset",
        "curandGenerate"
      })
  void anErrorSaysWhatFailed(String call) {
    for (DType dtype : List.of(DType.F32, DType.F16)) {
      try (Backend backend = open();
          Tensor tensor = backend.tensor(dtype, Shape.of(1_000))) {
        curand.fail(call, 0, LAUNCH_FAILURE);
        assertThatThrownBy(() -> tensor.fill(NORMAL, KEY))
            .isInstanceOfSatisfying(DeviceException.class, e -> assertThat(e.isFatal()).isFalse())
            .hasMessage(
                call + ": cuRAND error 201, CURAND_STATUS_LAUNCH_FAILURE, on device 0 (Fake 0)");
        curand.fail("none", 0, 0);
        tensor.fill(NORMAL, KEY);
        byte[] actual = new byte[(int) dtype.byteSize(1_000)];
        tensor.copyTo(MemorySegment.ofArray(actual));
        assertThat(actual).isEqualTo(expected(NORMAL, dtype, 1_000));
      }
    }
  }

  /** The rest is given back although cuRAND does not give its generator back. */
  @Test
  void closingSaysThatTheGeneratorStays() {
    Backend backend = open();
    curand.fail("curandDestroyGenerator", 0, LAUNCH_FAILURE);
    assertThatThrownBy(backend::close)
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("curandDestroyGenerator");
    assertThat(driver.held("contexts")).isZero();
    curand.fail("none", 0, 0);
    assertThat(curand.held()).isEqualTo(1);
    curand.forget();
  }

  @Test
  void aLostDeviceIsClosed() {
    try (Backend backend = open();
        Tensor tensor = backend.tensor(DType.F32, Shape.of(1_000))) {
      driver.fail("cuLaunchKernel", 0, 700);
      assertThatThrownBy(() -> tensor.fill(NORMAL, KEY))
          .isInstanceOfSatisfying(DeviceException.class, e -> assertThat(e.isFatal()).isTrue());
      assertThatThrownBy(() -> tensor.fill(Fill.bits(), KEY))
          .isInstanceOf(DeviceException.class)
          .hasMessageContaining("the device is lost");
    }
    curand.forget(); // with the context
  }

  /** Seeds and offsets of one generator do not mix, nor does the memory of words. */
  @Test
  void manyThreadsShareAGenerator() throws Exception {
    int count = 50_000;
    try (Backend backend = open();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<DType> dtypes = List.of(DType.F32, DType.F16);
      List<Future<byte[]>> results =
          IntStream.range(0, 40)
              .<Callable<byte[]>>mapToObj(
                  i ->
                      () -> {
                        DType dtype = dtypes.get(i % 2);
                        byte[] out = new byte[(int) dtype.byteSize(count)];
                        try (Tensor tensor = backend.tensor(dtype, Shape.of(count))) {
                          tensor.fill(NORMAL, RandomKey.of(i));
                          tensor.copyTo(MemorySegment.ofArray(out));
                        }
                        return out;
                      })
              .map(threads::submit)
              .toList();
      for (int i = 0; i < results.size(); i++) {
        DType dtype = dtypes.get(i % 2);
        byte[] expected =
            filled(Weft.open("scalar"), NORMAL, RandomKey.of(i), dtype, Region.of(Shape.of(count)));
        assertThat(Arrays.equals(results.get(i).get(), expected)).as("%d", i).isTrue();
      }
    }
  }
}
