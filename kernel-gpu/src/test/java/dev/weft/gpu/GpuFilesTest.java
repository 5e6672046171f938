package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.DeviceException;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.interop.Progress;
import dev.weft.interop.TensorWriter;
import dev.weft.interop.WeightsFile;
import dev.weft.random.RandomKey;
import dev.weft.testkit.gpu.FakeDriver;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files of tensors in the memory of a device, over the stand-in for the driver. */
class GpuFilesTest {
  private static final RandomKey KEY = RandomKey.of(7);
  private static final Fill NORMAL = Fill.normal(0, 1);
  private static final Progress QUIET = (tensors, bytes) -> {};

  @TempDir Path directory;

  private FakeDriver driver;

  @BeforeEach
  void load() {
    driver = FakeDriver.load();
  }

  @AfterEach
  void nothingIsHeld() {
    assertThat(driver.held()).isEmpty();
  }

  private static Map<String, Tensor> weights(Backend backend) {
    Map<String, Tensor> weights = new LinkedHashMap<>();
    weights.put("kernel", backend.tensor(DType.F32, Shape.of(1000, 5003))); // three chunks
    weights.put("bias", backend.tensor(DType.BF16, Shape.of(5003)));
    weights.put("scale", backend.tensor(DType.F64, Shape.of()));
    weights.put("none", backend.tensor(DType.F16, Shape.of(0, 3)));
    weights.forEach((name, tensor) -> tensor.fill(NORMAL, KEY.child(name)));
    return weights;
  }

  private static byte[] bytes(Tensor tensor) {
    byte[] bytes = new byte[(int) tensor.byteSize()];
    tensor.copyTo(MemorySegment.ofArray(bytes));
    return bytes;
  }

  private static void close(Map<String, Tensor> tensors) {
    tensors.values().forEach(Tensor::close);
  }

  @Test
  void weightsOfADeviceAreThoseOfTheHost() throws IOException {
    Path gpuFile = directory.resolve("gpu.safetensors");
    Path cpuFile = directory.resolve("cpu.safetensors");
    try (Backend gpu = Weft.open("gpu");
        Backend cpu = Weft.open("scalar")) {
      Map<String, Tensor> device = weights(gpu);
      Map<String, Tensor> host = weights(cpu);
      WeightsFile.save(gpuFile, device, Map.of("by", "weft"));
      WeightsFile.save(cpuFile, host, Map.of("by", "weft"));
      assertThat(Files.mismatch(gpuFile, cpuFile)).isEqualTo(-1);
      device.values().forEach(tensor -> tensor.fill(Fill.constant(0), KEY));
      assertThat(WeightsFile.load(cpuFile, device)).containsEntry("by", "weft");
      device.forEach((name, tensor) -> assertThat(bytes(tensor)).isEqualTo(bytes(host.get(name))));
      close(device);
      close(host);
    }
  }

  /** Straight from the pinned buffers to the file: nothing of a tensor's size on the heap. */
  @Test
  void savingTakesNoMemoryThatGrows() throws IOException {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    Path file = directory.resolve("w.safetensors");
    try (Backend gpu = Weft.open("gpu");
        Tensor tensor = gpu.tensor(DType.F32, Shape.of(10 << 20))) {
      tensor.fill(NORMAL, KEY);
      WeightsFile.save(file, Map.of("w", tensor), Map.of());
      long before = threads.getTotalThreadAllocatedBytes();
      WeightsFile.save(file, Map.of("w", tensor), Map.of());
      WeightsFile.load(file, Map.of("w", tensor));
      assertThat(threads.getTotalThreadAllocatedBytes() - before).isLessThan(tensor.byteSize() / 8);
      assertThat(driver.held("pinned")).isEqualTo(2);
      assertThat(driver.held("bytes")).isEqualTo(tensor.byteSize());
    }
  }

  /** As on the host: a tensor that is closed is found before the first byte of another changes. */
  @Test
  void aTensorThatIsClosedIsFoundFirst() throws IOException {
    Path file = directory.resolve("w.safetensors");
    try (Backend gpu = Weft.open("gpu")) {
      Map<String, Tensor> weights = weights(gpu);
      WeightsFile.save(file, weights, Map.of());
      weights.get("kernel").fill(Fill.constant(0), KEY);
      weights.get("none").close();
      assertThatThrownBy(() -> WeightsFile.load(file, weights)).isInstanceOf(ClosedException.class);
      assertThat(bytes(weights.get("kernel"))).containsOnly(0);
      close(weights); // none is still in use
    }
  }

  @Test
  void aDeviceThatIsLostLeavesTheFileAsItWas() throws IOException {
    Path file = directory.resolve("w.safetensors");
    try (Backend gpu = Weft.open("gpu");
        Tensor tensor = gpu.tensor(DType.F32, Shape.of(10 << 20))) {
      tensor.fill(Fill.constant(1), KEY);
      WeightsFile.save(file, Map.of("w", tensor), Map.of());
      byte[] before = Files.readAllBytes(file);
      tensor.fill(NORMAL, KEY);
      driver.fail("cuEventSynchronize", 2, 700); // on the way
      assertThatThrownBy(() -> WeightsFile.save(file, Map.of("w", tensor), Map.of()))
          .isInstanceOf(DeviceException.class);
      assertThat(file).hasBinaryContent(before);
      try (var files = Files.list(directory)) {
        assertThat(files).containsExactly(file);
      }
    }
  }

  /**
   * What {@code weft generate} does: a chunk is computed and begins its way while the host puts the
   * one before into the file.
   */
  @Test
  void aLargeFileOverlapsComputingAndCopying() throws IOException {
    Region large = Region.of(Shape.of(10 << 20));
    Region small = Region.of(Shape.of(1000));
    Path file = directory.resolve("gpu.bin");
    Path expected = directory.resolve("cpu.bin");
    try (Backend gpu = Weft.open("gpu");
        Backend cpu = Weft.open("scalar")) {
      TensorWriter.write(cpu, NORMAL, KEY, DType.F32, large, "w", expected, QUIET);
      driver.record();
      TensorWriter.write(gpu, NORMAL, KEY, DType.F32, large, "w", file, QUIET);
      assertThat(Files.mismatch(file, expected)).isEqualTo(-1);
      long chunks = count("cuMemcpyDtoHAsync");
      assertThat(chunks).isGreaterThanOrEqualTo(5);
      assertThat(overlapping(chunks)).isGreaterThanOrEqualTo(chunks * 3 / 4);

      // negative control: one chunk after the other
      driver.record();
      for (int i = 0; i < 5; i++) {
        TensorWriter.write(gpu, NORMAL, KEY, DType.F32, small, "w", file, QUIET);
      }
      assertThat(count("cuMemcpyDtoHAsync")).isEqualTo(5);
      assertThat(overlapping(5)).isZero();
    }
  }

  private long count(String call) {
    long count = 0;
    while (driver.order(call, count) >= 0) {
      count++;
    }
    return count;
  }

  /** Chunks for which the host waits when the next one is launched and its copy begun. */
  private long overlapping(long chunks) {
    long count = 0;
    for (long chunk = 0; chunk < chunks - 1; chunk++) {
      long waited = driver.order("cuEventSynchronize", chunk);
      assertThat(driver.order("cuMemcpyDtoHAsync", chunk)).isBetween(0L, waited);
      if (driver.order("cuLaunchKernel", chunk + 1) < waited
          && driver.order("cuMemcpyDtoHAsync", chunk + 1) < waited) {
        count++;
      }
    }
    return count;
  }
}
