package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.BackendInfo;
import dev.weft.BackendOptions;
import dev.weft.BackendUnavailableException;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.DeviceException;
import dev.weft.Matrix;
import dev.weft.MemoryInfo;
import dev.weft.MemoryLimitException;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.testkit.LogCapture;
import dev.weft.testkit.gpu.FakeDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Devices, memory, copies and errors of the CUDA backend over a stand-in for the driver. */
class GpuFaultsTest {
  private static final RandomKey KEY = RandomKey.of(7);
  private static final Fill NORMAL = Fill.normal(0, 1);
  private static final int CHUNK = 8 << 20;
  private static final byte POISON = 0x5A;
  private static final int OUT_OF_MEMORY = 2;
  private static final int ILLEGAL_ADDRESS = 700;
  private static final int LAUNCH_FAILED = 719;

  private FakeDriver driver;

  @BeforeEach
  void load() {
    driver = FakeDriver.load();
  }

  @AfterEach
  void nothingIsHeld() {
    assertThat(driver.held()).isEmpty();
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
      for (int bytes : new int[] {4, 1000, CHUNK - 4, CHUNK, CHUNK + 4, 3 * CHUNK + 20}) {
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
          assertThat(backend.memory().allocatedBytes()).isEqualTo((4 << 20) + 4000);
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

  /** A limit counts what is kept, too, which goes back to the driver before it is passed. */
  @Test
  void keptMemoryGivesWayToALimit() {
    BackendOptions options = BackendOptions.DEFAULT.withMemoryLimit(10 << 20);
    try (Backend backend = Weft.open("gpu", options)) {
      backend.tensor(DType.F32, Shape.of(2 << 20)).close();
      assertThat(driver.held("bytes")).isEqualTo(8 << 20);
      try (Tensor small = backend.tensor(DType.F32, Shape.of(512 << 10))) {
        assertThat(driver.held("bytes")).isEqualTo(10 << 20);
        try (Tensor next = backend.tensor(DType.F32, Shape.of(1 << 20))) {
          assertThat(driver.held("bytes")).isEqualTo(6 << 20);
          assertThat(backend.memory())
              .isEqualTo(new MemoryInfo(small.byteSize() + next.byteSize(), 8 << 20, 10 << 20));
        }
      }
    }
  }

  /** Buffers on the way to the host's memory are no tensors. */
  @Test
  void aLimitBelowTheBuffersOfACopyDoesNotHinderIt() {
    BackendOptions options = BackendOptions.DEFAULT.withMemoryLimit(1000);
    Shape shape = Shape.of((20 << 20) / 4);
    try (Backend backend = Weft.open("gpu", options);
        Backend scalar = Weft.open("scalar");
        Tensor mine = backend.wrap(new float[(int) shape.elements()], shape);
        Tensor expected = scalar.wrap(new float[(int) shape.elements()], shape)) {
      mine.fill(NORMAL, KEY);
      expected.fill(NORMAL, KEY);
      assertThat(mine.segment().mismatch(expected.segment())).isEqualTo(-1);
      assertThat(backend.memory()).isEqualTo(new MemoryInfo(0, 0, 1000));
      backend.tensor(DType.F32, Shape.of(250)).close();
      assertThatThrownBy(() -> backend.tensor(DType.F32, Shape.of(251)))
          .isInstanceOf(MemoryLimitException.class)
          .hasMessage(
              "allocate: need requestedBytes <= freeBytes of the limit 1000,"
                  + " got requestedBytes=1004, freeBytes=1000");
    }
  }

  @Test
  void aDeviceWithNoRoomForTheBuffersSaysSo() {
    driver.machine(1, 12060, 90, 4 << 20);
    Shape shape = Shape.of(8 << 20);
    try (Backend backend = Weft.open("gpu");
        Tensor mine = backend.wrap(new float[8 << 20], shape);
        Tensor small = backend.wrap(new float[1000], Shape.of(1000))) {
      assertThatThrownBy(() -> mine.fill(NORMAL, KEY))
          .isInstanceOf(MemoryLimitException.class)
          .hasMessage(
              "allocate: need requestedBytes <= freeBytes of the device,"
                  + " got requestedBytes=16777216, freeBytes=4194304");
      assertThat(mine.get(0)).isZero(); // not a byte was written, and by no other backend
      small.fill(NORMAL, KEY);
      assertThat(small.get(999)).isNotZero();
    }
  }

  @Test
  void memoryOfLeaksGoesBackToTheDriver() {
    try (LogCapture log = LogCapture.of("dev.weft")) {
      Backend backend = Weft.open("gpu");
      backend.tensor(DType.F32, Shape.of(1000)).fill(NORMAL, KEY);
      backend.tensor(DType.F64, Shape.of(3)).fill(NORMAL, KEY);
      assertThat(driver.held("bytes")).isEqualTo(4096 + 512);
      backend.close();
      assertThat(driver.held("bytes")).isZero();
      assertThat(log.lines())
          .containsExactlyInAnyOrder(
              "leak: tensor F32 [1000] was never closed", "leak: tensor F64 [3] was never closed");
    }
  }

  /** A chunk is computed, and on its way, while the host takes the one before. */
  @Test
  void chunksOverlap() {
    int chunks = 5;
    try (Backend backend = Weft.open("gpu");
        Tensor mine = backend.wrap(new float[chunks * CHUNK / 4], Shape.of(chunks * CHUNK / 4))) {
      mine.fill(NORMAL, KEY); // makes the events and the buffers
      driver.record();
      mine.fill(NORMAL, KEY);
      for (int chunk = 0; chunk < chunks; chunk++) {
        long waited = driver.order("cuEventSynchronize", chunk);
        assertThat(driver.order("cuMemcpyDtoHAsync", chunk)).isBetween(0L, waited);
        if (chunk < chunks - 1) {
          assertThat(driver.order("cuLaunchKernel", chunk + 1)).isBetween(0L, waited);
          assertThat(driver.order("cuMemcpyDtoHAsync", chunk + 1)).isBetween(0L, waited);
        }
        if (chunk < chunks - 2) { // its buffer is still in use
          assertThat(driver.order("cuLaunchKernel", chunk + 2)).isGreaterThan(waited);
        }
      }
    }
  }

  /** Any fill, any element's alignment, and not a byte beside it. */
  @ParameterizedTest
  @EnumSource
  void foreignMemoryIsFilledWhereItIs(DType dtype) {
    Shape shape = Shape.of(37, 41);
    long bytes = dtype.byteSize(shape.elements());
    MemorySegment memory = driver.allocate(bytes + 64, 0);
    try (Backend scalar = Weft.open("scalar")) {
      for (Fill fill :
          List.of(
              NORMAL,
              Fill.bits(),
              Fill.uniform(-1, 1),
              Fill.truncatedNormalSigma(0, 1, -2, 2),
              Fill.constant(0.5),
              Fill.identity(2),
              Fill.sparse(0.5, 1),
              Fill.orthogonal(1, Layout.KERAS),
              Fill.custom((index, word) -> word * 0x1p-33))) {
        MemorySegment expected = MemorySegment.ofArray(new byte[(int) bytes]);
        try (Tensor mine = scalar.wrap(expected, dtype, shape)) {
          mine.fill(fill, KEY);
        }
        for (int shift : new int[] {0, dtype.byteSize(), 16}) {
          memory.fill(POISON);
          try (Backend backend = Weft.open("gpu");
              Tensor tensor = backend.wrap(memory.address() + shift, dtype, shape)) {
            assertThat(tensor.isHost()).isFalse();
            tensor.fill(fill, KEY);
            assertThat(tensor.devicePointer()).isEqualTo(memory.address() + shift);
            assertThat(memory.asSlice(shift, bytes).mismatch(expected)).as("%s", fill).isNegative();
            assertThat(backend.memory().allocatedBytes()).isZero();
          }
          // it outlives tensor and backend
          assertThat(memory.asSlice(shift, bytes).mismatch(expected)).isNegative();
          for (long i = 0; i < memory.byteSize(); i++) {
            if (i < shift || i >= shift + bytes) {
              assertThat(memory.get(ValueLayout.JAVA_BYTE, i)).isEqualTo(POISON);
            }
          }
        }
      }
    }
    assertThat(driver.free(memory)).as("not freed before").isTrue();
  }

  /** An address alone orders nothing: what it shows is complete after waiting, and only then. */
  @Test
  void aPointerIsGivenWhenWhatWasBegunIsComplete() {
    Shape shape = Shape.of(1000);
    try (Backend backend = Weft.open("gpu");
        Backend scalar = Weft.open("scalar");
        Tensor expected = scalar.wrap(new float[1000], shape);
        Tensor tensor = backend.tensor(DType.F32, shape)) {
      expected.fill(NORMAL, KEY);
      MemorySegment seen = driver.memory(tensor.devicePointer(), tensor.byteSize());
      assertThat(tensor.devicePointer() % 256).isZero();
      tensor.fill(NORMAL, KEY);
      assertThat(seen.mismatch(expected.segment())).isNotNegative();
      backend.synchronize();
      assertThat(seen.mismatch(expected.segment())).isNegative();
      expected.fill(Fill.uniform(0, 1), KEY);
      tensor.fill(Fill.uniform(0, 1), KEY);
      assertThat(seen.mismatch(expected.segment())).isNotNegative();
      tensor.devicePointer();
      assertThat(seen.mismatch(expected.segment())).isNegative();
      expected.fill(Fill.bits(), KEY);
      tensor.copyFrom(expected.segment());
      tensor.devicePointer();
      assertThat(seen.mismatch(expected.segment())).isNegative();
    }
  }

  @Test
  void foreignPointersThatDoNotSuitAreRefused() {
    driver.machine(2, 12060, 90, 1 << 30);
    MemorySegment first = driver.allocate(1024, 0);
    MemorySegment second = driver.allocate(1024, 1);
    MemorySegment other = driver.allocateInOtherContext(1024, 0);
    Shape shape = Shape.of(16, 16);
    try (Arena arena = Arena.ofConfined();
        Backend backend = Weft.open("gpu");
        Backend next = Weft.open("gpu:1")) {
      refused(backend, arena.allocate(1024).address(), "a device that CUDA knows", "type=unknown");
      refused(backend, second.address(), "memory of device 0", "device=1");
      refused(backend, other.address(), "the device's primary context", "pointer=0x");
      refused(
          backend, first.address() + 4, "as many bytes as the shape", "bytes=1020, needed=1024");
      refused(backend, first.address() + 2, "a multiple of the element's size", "dtype=f32");
      refused(backend, 0, "a pointer other than 0", "pointer=0x0");
      backend.wrap(first.address(), DType.F32, shape).fill(NORMAL, KEY);
      try (Tensor tensor = next.wrap(second.address(), DType.F32, shape)) {
        tensor.fill(NORMAL, KEY);
        next.synchronize();
        backend.synchronize();
        assertThat(second.mismatch(first)).isNegative();
      }
      Tensor closed = backend.wrap(first.address(), DType.F32, shape);
      closed.close();
      assertThatThrownBy(closed::devicePointer).isInstanceOf(ClosedException.class);
    }
    assertThat(List.of(driver.free(first), driver.free(second), driver.free(other)))
        .containsOnly(true);
  }

  private static void refused(Backend backend, long pointer, String rule, String values) {
    assertThatThrownBy(() -> backend.wrap(pointer, DType.F32, Shape.of(16, 16)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("wrap: need ")
        .hasMessageContaining(rule)
        .hasMessageContaining(values);
  }

  @Test
  void tensorsThatShareForeignMemoryAreKnown() {
    MemorySegment memory = driver.allocate(1024, 0);
    try (Backend backend = Weft.open("gpu");
        Tensor a = backend.wrap(memory.address(), DType.F32, Shape.of(4, 4));
        Tensor apart = backend.wrap(memory.address() + 64, DType.F32, Shape.of(4, 4));
        Tensor over = backend.wrap(memory.address() + 60, DType.F32, Shape.of(4, 4))) {
      Matrix x = Matrix.of(a);
      assertThatThrownBy(() -> backend.gemm(1, x, x, 0, Matrix.of(over)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("need c apart from a and b in memory");
      MemorySegment twos = MemorySegment.ofArray(new float[16]);
      for (int i = 0; i < 16; i++) {
        twos.setAtIndex(ValueLayout.JAVA_FLOAT, i, 2);
      }
      a.copyFrom(twos);
      backend.gemm(1, x, x, 0, Matrix.of(apart));
      assertThat(apart.get(15)).isEqualTo(16);
    }
    driver.free(memory);
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

  /** Whatever is called, also what needs nothing of the device; the host's memory is as it was. */
  @Test
  void everyLaterCallRepeatsTheFirstError() {
    MemorySegment foreign = driver.allocate(4000, 0);
    MemorySegment host = MemorySegment.ofArray(new float[1000]);
    Shape shape = Shape.of(1000);
    try (Backend backend = Weft.open("gpu");
        Tensor mine = backend.wrap(new float[1000], shape);
        Tensor tensor = backend.tensor(DType.F32, shape)) {
      backend.tensor(DType.F32, shape).close(); // is kept for the next of its size
      mine.fill(Fill.constant(3), KEY);
      tensor.fill(NORMAL, KEY);
      driver.fail("cuStreamSynchronize", 0, ILLEGAL_ADDRESS);
      lost(backend::synchronize, "cuStreamSynchronize: CUDA error 700");
      driver.fail("cuLaunchKernel", 0, LAUNCH_FAILED); // later ones do not count
      for (ThrowingCallable call :
          List.<ThrowingCallable>of(
              () -> tensor.fill(NORMAL, KEY),
              () -> tensor.fill(Fill.custom((index, word) -> 1), KEY),
              () -> tensor.copyTo(host),
              () -> tensor.copyFrom(host),
              () -> tensor.get(0),
              tensor::devicePointer,
              () -> backend.tensor(DType.F32, shape),
              () -> backend.wrap(foreign.address(), DType.F32, shape),
              () -> mine.fill(NORMAL, KEY),
              backend::synchronize)) {
        lost(call, "first error was: cuStreamSynchronize: CUDA error 700");
      }
      mine.copyTo(host);
      assertThat(host.get(ValueLayout.JAVA_FLOAT, 3996)).isEqualTo(3);
      mine.copyFrom(MemorySegment.ofArray(new float[1000]));
      assertThat(mine.get(999)).isZero();
    }
    assertThat(driver.free(foreign)).isTrue();
  }

  private static void lost(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(DeviceException.class, e -> assertThat(e.isFatal()).isTrue())
        .hasMessageContaining(message);
  }

  /** Each thread hears of it, none hangs, and the backend closes. */
  @Test
  void aDeviceLostUnderManyThreadsIsDeadForAll() throws Exception {
    try (Backend backend = Weft.open("gpu");
        ExecutorService threads = Executors.newFixedThreadPool(8)) {
      driver.fail("cuLaunchKernel", 100, ILLEGAL_ADDRESS);
      Callable<String> body =
          () -> {
            try (Tensor tensor = backend.tensor(DType.F32, Shape.of(1000))) {
              while (true) {
                tensor.fill(NORMAL, KEY);
              }
            } catch (DeviceException e) {
              return e.getMessage();
            }
          };
      List<Future<String>> results =
          IntStream.range(0, 8).mapToObj(i -> threads.submit(body)).toList();
      for (Future<String> result : results) {
        assertThat(result.get(2, TimeUnit.MINUTES)).contains("CUDA error 700");
      }
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

  /** Kernels that the driver refuses when they are first needed: said so, and fills go on. */
  @Test
  void layersWhoseKernelsAreRefusedSaySo() {
    try (Backend backend = Weft.open("gpu");
        Tensor a = backend.tensor(DType.F32, Shape.of(4, 4));
        Tensor c = backend.tensor(DType.F32, Shape.of(4, 4))) {
      driver.fail("cuModuleLoadData", 0, 218); // CUDA_ERROR_INVALID_PTX
      assertThatThrownBy(() -> backend.gemm(1, Matrix.of(a), Matrix.of(a), 0, Matrix.of(c)))
          .isInstanceOf(BackendUnavailableException.class)
          .hasMessageStartingWith("layers: ")
          .hasMessageContaining("remedy: ");
      a.fill(NORMAL, KEY);
    }
  }
}
