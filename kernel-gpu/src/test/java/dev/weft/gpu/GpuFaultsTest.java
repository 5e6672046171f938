package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import dev.weft.random.RandomKey;
import java.lang.foreign.MemorySegment;
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

/** Devices, memory, copies and errors of the CUDA backend over a stand-in for the driver. */
class GpuFaultsTest {
  private static final RandomKey KEY = RandomKey.of(7);
  private static final Fill NORMAL = Fill.normal(0, 1);
  private static final int OUT_OF_MEMORY = 2;
  private static final int ILLEGAL_ADDRESS = 700;

  private FakeDriver driver;

  @BeforeEach
  void load() {
    driver = FakeDriver.load();
  }

  @AfterEach
  void nothingIsHeld() {
    for (String what : List.of("bytes", "streams", "events", "pinned", "modules", "contexts")) {
      assertThat(driver.held(what)).as(what).isZero();
    }
  }

  private static BackendInfo gpu() {
    return Weft.backends().stream().filter(b -> b.name().equals("gpu")).findFirst().orElseThrow();
  }

  @Test
  void saysWhatWasFound() {
    assertThat(gpu().probe().available()).isTrue();
    assertThat(gpu().probe().detail())
        .isEqualTo("Fake 0, 1.0 GiB, compute capability 9.0, driver for CUDA 12.6");
  }

  /** A probe says why a device cannot be used and what to do, and so does opening it. */
  @ParameterizedTest
  @CsvSource({
    "0, 12060, 90, sees no device, nvidia-smi",
    "1, 11080, 90, too old: it supports CUDA 11.8, install a driver for CUDA 12.0",
    "1, 12060, 75, compute capability 8.0 or more, use a device of 2020 or later"
  })
  void probeSaysReasonAndRemedy(
      int devices, int version, int capability, String reason, String remedy) {
    driver.machine(devices, version, capability, 1 << 30);
    assertThat(gpu().probe().available()).isFalse();
    assertThat(gpu().probe().reason()).contains(reason);
    assertThat(gpu().probe().remedy()).contains(remedy);
    assertThatThrownBy(() -> Weft.open("gpu"))
        .isInstanceOf(BackendUnavailableException.class)
        .hasMessageContaining(reason)
        .hasMessageContaining(remedy);
  }

  @ParameterizedTest
  @CsvSource({
    "cuInit, 803, does not match its kernel module",
    "cuInit, 999, does not start",
    "cuInit, 800, may not be opened",
    "cuInit, 2, no memory left",
    "cuDeviceGetCount, 999, cuDeviceGetCount: CUDA error 999"
  })
  void probeSaysWhatTheDriverSays(String call, int status, String reason) {
    driver.fail(call, 0, status);
    assertThat(gpu().probe().available()).isFalse();
    assertThat(gpu().probe().reason()).contains(reason);
    assertThat(gpu().probe().remedy()).isNotEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "cuDevicePrimaryCtxRetain, 0, 2, has no context to give",
    "cuStreamCreate, 1, 2, cuStreamCreate: CUDA error 2",
    "cuModuleLoadData, 0, 222, refuses the kernels"
  })
  void whatFailsToOpenLeavesNothing(String call, int after, int status, String message) {
    driver.fail(call, after, status);
    assertThatThrownBy(() -> Weft.open("gpu"))
        .isInstanceOf(BackendUnavailableException.class)
        .hasMessageContaining(message);
  }

  @Test
  void severalDevicesHaveNames() {
    driver.machine(3, 12060, 80, 1 << 30);
    assertThat(Weft.backends()).extracting(BackendInfo::name).contains("gpu", "gpu:1", "gpu:2");
    try (Backend second = Weft.open("gpu:2")) {
      assertThat(second.info().probe().detail()).startsWith("Fake 2,");
    }
    assertThatThrownBy(() -> Weft.open("gpu:3")).isInstanceOf(BackendUnavailableException.class);
  }

  @Test
  void theCpuIsChosenUnlessAGpuIsNamed() {
    try (Backend best = Weft.open("auto")) {
      assertThat(best.info().name()).isNotEqualTo("gpu");
    }
  }

  /** Copies of every size around the pinned buffers', in both directions. */
  @Test
  void copiesAreWhole() {
    try (Backend backend = Weft.open("gpu");
        Backend scalar = Weft.open("scalar")) {
      int chunk = 8 << 20;
      for (int bytes : new int[] {4, 1000, chunk - 4, chunk, chunk + 4, 3 * chunk + 20}) {
        Shape shape = Shape.of(bytes / 4);
        byte[] expected = new byte[bytes];
        byte[] actual = new byte[bytes];
        try (Tensor mine = scalar.wrap(MemorySegment.ofArray(expected), DType.F32, shape);
            Tensor tensor = backend.tensor(DType.F32, shape);
            Tensor copy = backend.tensor(DType.F32, shape);
            Tensor hosts = backend.wrap(MemorySegment.ofArray(new byte[bytes]), DType.F32, shape)) {
          mine.fill(NORMAL, KEY);
          tensor.fill(NORMAL, KEY);
          tensor.copyTo(MemorySegment.ofArray(actual));
          assertThat(actual).isEqualTo(expected);
          copy.copyFrom(MemorySegment.ofArray(expected));
          actual = new byte[bytes];
          copy.copyTo(MemorySegment.ofArray(actual));
          assertThat(actual).isEqualTo(expected);
          hosts.fill(NORMAL, KEY);
          assertThat(hosts.segment().mismatch(MemorySegment.ofArray(expected))).isEqualTo(-1);
          assertThat(tensor.get(bytes / 4 - 1)).isEqualTo(mine.get(bytes / 4 - 1));
        }
      }
    }
  }

  @Test
  void memoryOfTheDeviceHasNoSegment() {
    try (Backend backend = Weft.open("gpu");
        Tensor tensor = backend.tensor(DType.F32, Shape.of(4))) {
      assertThatThrownBy(tensor::segment)
          .isInstanceOf(UnsupportedOperationException.class)
          .hasMessageContaining("copyTo");
    }
  }

  @Test
  void memoryIsKeptAndGivenBack() {
    try (Backend backend = Weft.open("gpu")) {
      for (int i = 0; i < 10; i++) {
        try (Tensor a = backend.tensor(DType.F32, Shape.of(1 << 20));
            Tensor b = backend.tensor(DType.F32, Shape.of(1000))) {
          a.fill(Fill.constant(i), KEY);
          b.fill(NORMAL, KEY);
          assertThat(backend.memory().allocatedBytes()).isEqualTo((4 << 20) + 4096);
        }
      }
      assertThat(driver.calls("cuMemAlloc")).isEqualTo(2);
      assertThat(driver.calls("cuMemFree")).isZero();
      assertThat(backend.memory().allocatedBytes()).isZero();
    }
  }

  /** What is kept gives way to a tensor of another size before memory is said to be full. */
  @Test
  void keptMemoryGivesWay() {
    driver.machine(1, 12060, 90, 100 << 20);
    try (Backend backend = Weft.open("gpu")) {
      backend.tensor(DType.F32, Shape.of(20 << 20)).close(); // 80 MiB
      backend.tensor(DType.F32, Shape.of(10 << 20)).close();
      try (Tensor tensor = backend.tensor(DType.F32, Shape.of(12 << 20))) {
        tensor.fill(NORMAL, KEY);
      }
    }
  }

  @Test
  void fullMemorySaysHowFull() {
    driver.machine(1, 12060, 90, 100 << 20);
    try (Backend backend = Weft.open("gpu");
        Tensor tensor = backend.tensor(DType.F32, Shape.of(16 << 20))) {
      assertThatThrownBy(() -> backend.tensor(DType.F32, Shape.of(16 << 20)))
          .isInstanceOfSatisfying(
              MemoryLimitException.class,
              e -> {
                assertThat(e.requestedBytes()).isEqualTo(64 << 20);
                assertThat(e.freeBytes()).isEqualTo(36 << 20);
              });
      driver.fail("cuMemAlloc", 0, OUT_OF_MEMORY); // others have the memory
      assertThatThrownBy(() -> backend.tensor(DType.F32, Shape.of(4 << 20)))
          .isInstanceOf(MemoryLimitException.class)
          .hasMessageContaining("of the device");
      tensor.fill(NORMAL, KEY);
    }
  }

  @Test
  void aLimitHolds() {
    BackendOptions options = BackendOptions.DEFAULT.withMemoryLimit(10 << 20);
    try (Backend backend = Weft.open("gpu", options);
        Tensor tensor = backend.tensor(DType.F32, Shape.of(2 << 20))) {
      assertThat(tensor.byteSize()).isEqualTo(8 << 20);
      assertThatThrownBy(() -> backend.tensor(DType.F32, Shape.of(1 << 20)))
          .isInstanceOf(MemoryLimitException.class)
          .hasMessageContaining("limit 10485760");
    }
  }

  /** After a fatal error everything says so, nothing crashes, and closing works. */
  @ParameterizedTest
  @CsvSource({"cuLaunchKernel", "cuEventSynchronize", "cuMemcpyDtoHAsync", "cuEventRecord"})
  void aLostDeviceIsDead(String call) {
    try (Backend backend = Weft.open("gpu");
        Tensor tensor = backend.tensor(DType.F32, Shape.of(1000))) {
      byte[] out = new byte[4000];
      tensor.fill(NORMAL, KEY);
      tensor.copyTo(MemorySegment.ofArray(out));
      driver.fail(call, 0, ILLEGAL_ADDRESS);
      assertThatThrownBy(
              () -> {
                tensor.fill(NORMAL, KEY);
                tensor.copyTo(MemorySegment.ofArray(out));
              })
          .isInstanceOfSatisfying(DeviceException.class, e -> assertThat(e.isFatal()).isTrue())
          .hasMessageContaining("700");
      assertThatThrownBy(() -> tensor.fill(NORMAL, KEY))
          .isInstanceOf(DeviceException.class)
          .hasMessageContaining("the device is lost");
    }
  }

  /** An error that loses nothing is reported once, and the next operation works. */
  @Test
  void anErrorThatIsNotFatalPasses() {
    try (Backend backend = Weft.open("gpu");
        Backend scalar = Weft.open("scalar");
        Tensor tensor = backend.wrap(new float[1000], Shape.of(1000));
        Tensor expected = scalar.wrap(new float[1000], Shape.of(1000))) {
      driver.fail("cuMemcpyDtoHAsync", 0, 1);
      assertThatThrownBy(() -> tensor.fill(NORMAL, KEY))
          .isInstanceOfSatisfying(DeviceException.class, e -> assertThat(e.isFatal()).isFalse());
      driver.fail("none", 0, 0);
      tensor.fill(NORMAL, KEY);
      expected.fill(NORMAL, KEY);
      assertThat(tensor.segment().mismatch(expected.segment())).isEqualTo(-1);
    }
  }

  @Test
  void manyThreadsShareADevice() throws Exception {
    float[] expected = new float[100_000];
    try (Backend scalar = Weft.open("scalar");
        Tensor tensor = scalar.wrap(expected, Shape.of(expected.length))) {
      tensor.fill(NORMAL, KEY);
    }
    try (Backend backend = Weft.open("gpu");
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Callable<Boolean> body =
          () -> {
            float[] out = new float[expected.length];
            try (Tensor tensor = backend.tensor(DType.F32, Shape.of(out.length))) {
              tensor.fill(NORMAL, KEY);
              tensor.copyTo(MemorySegment.ofArray(out));
            }
            return java.util.Arrays.equals(out, expected);
          };
      List<Future<Boolean>> results =
          IntStream.range(0, 40).mapToObj(i -> threads.submit(body)).toList();
      for (Future<Boolean> result : results) {
        assertThat(result.get()).isTrue();
      }
    }
  }

  @Test
  void layersSayThatTheyAreNotThere() {
    try (Backend backend = Weft.open("gpu");
        Tensor a = backend.tensor(DType.F32, Shape.of(4, 4));
        Tensor c = backend.tensor(DType.F32, Shape.of(4, 4))) {
      assertThatThrownBy(
              () ->
                  backend.gemm(
                      1, dev.weft.Matrix.of(a), dev.weft.Matrix.of(a), 0, dev.weft.Matrix.of(c)))
          .isInstanceOf(UnsupportedOperationException.class)
          .hasMessageContaining("use cpu");
    }
  }
}
