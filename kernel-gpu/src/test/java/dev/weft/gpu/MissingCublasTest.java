package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.BackendUnavailableException;
import dev.weft.DType;
import dev.weft.Matrix;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.gpu.cuda.Cuda;
import dev.weft.gpu.cuda.UnavailableException;
import dev.weft.init.Fill;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.testkit.LogCapture;
import dev.weft.testkit.gpu.FakeDriver;
import dev.weft.testkit.gpu.FakeLibraries;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Where cuBLAS is not there, or is not one: orthogonal fills are the CPU's, products weft's. */
class MissingCublasTest {
  private static final RandomKey KEY = RandomKey.of(7);
  private static final Shape LARGE = Shape.of(700, 650);

  private FakeDriver driver;

  @BeforeEach
  void load() {
    driver = FakeDriver.load();
    try {
      Cuda.loadCublas();
      Assumptions.abort("this machine has libcublas.so.12");
    } catch (UnavailableException e) {
      // as assumed
    }
  }

  private static byte[] filled(Backend backend, Shape shape) {
    byte[] out = new byte[(int) DType.F32.byteSize(shape.elements())];
    try (Tensor tensor = backend.tensor(DType.F32, shape)) {
      tensor.fill(Fill.orthogonal(1, Layout.KERAS), KEY);
      tensor.copyTo(MemorySegment.ofArray(out));
    }
    return out;
  }

  private static byte[] expected() {
    try (Backend cpu = Weft.open("cpu")) {
      return filled(cpu, LARGE);
    }
  }

  /** The CPU makes the matrix, and the reason and the remedy are told once. */
  @Test
  void theCpuMakesThemAndTheLogSaysWhy() {
    byte[] expected = expected();
    try (LogCapture log = LogCapture.of("dev.weft");
        Backend backend = Weft.open("gpu")) {
      filled(backend, Shape.of(9, 9));
      assertThat(log.lines()).isEmpty(); // small ones need no cuBLAS
      assertThat(filled(backend, LARGE)).isEqualTo(expected);
      assertThat(filled(backend, LARGE)).isEqualTo(expected);
      assertThat(log.lines())
          .singleElement()
          .asString()
          .startsWith("gpu: the cpu makes orthogonal fills: libcublasLt.so.12 is missing")
          .contains("remedy: put org.bytedeco:cuda:");
    }
    assertThat(driver.held("bytes")).isZero();
    assertThat(driver.held("contexts")).isZero();
  }

  /** Weft's own kernel multiplies, and the reason and the remedy are told once. */
  @Test
  void productsAreWeftsOwnAndTheLogSaysWhy() {
    try (LogCapture log = LogCapture.of("dev.weft");
        Backend backend = Weft.open("gpu");
        Tensor a = backend.tensor(DType.F32, Shape.of(1, 1));
        Tensor c = backend.tensor(DType.F32, Shape.of(1, 1))) {
      a.fill(Fill.constant(3), KEY);
      for (int i = 0; i < 2; i++) {
        backend.gemm(1, Matrix.of(a), Matrix.of(a), 0, Matrix.of(c));
        assertThat(c.get(0)).isEqualTo(9);
      }
      assertThat(log.lines())
          .singleElement()
          .asString()
          .startsWith("gpu: products take weft's own kernel")
          .contains("libcublasLt.so.12 is missing", "remedy: ");
    }
    CurandContract.with(
        ProductPath.PROPERTY,
        "cublas",
        () -> {
          assertThatThrownBy(() -> Weft.open("gpu"))
              .isInstanceOf(BackendUnavailableException.class)
              .hasMessageContaining("libcublasLt.so.12 is missing");
          return null;
        });
    assertThat(driver.held("contexts")).isZero();
  }

  @Test
  void whereTheDeviceIsNamedTheBackendIsUnavailable() {
    CurandContract.with(
        OrthogonalPath.PROPERTY,
        "device",
        () -> {
          assertThatThrownBy(() -> Weft.open("gpu"))
              .isInstanceOf(BackendUnavailableException.class)
              .hasMessageContaining("libcublasLt.so.12 is missing")
              .hasMessageContaining("remedy: ");
          return null;
        });
    assertThat(driver.held("contexts")).isZero();
  }

  /** No error of the linker passes, however the library is damaged, nor does anything stay. */
  @Test
  void aDamagedLibraryIsNamed() throws IOException {
    byte[] expected = expected();
    Path file = FakeDriver.folder().resolve("libcublasLt.so.12");
    Path other = FakeLibraries.another();
    for (byte[] content : new byte[][] {{}, {0x7F, 'E', 'L', 'F'}, Files.readAllBytes(other)}) {
      Files.write(file, content);
      try (LogCapture log = LogCapture.of("dev.weft");
          Backend backend = Weft.open("gpu")) {
        assertThat(filled(backend, LARGE)).isEqualTo(expected);
        assertThat(log.lines()).singleElement().asString().contains(file.toString());
      }
    }
    Files.delete(file);
    assertThat(driver.held("contexts")).isZero();
  }
}
