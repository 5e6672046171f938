package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.BackendInfo;
import dev.weft.BackendUnavailableException;
import dev.weft.Weft;
import dev.weft.gpu.cuda.Cuda;
import dev.weft.gpu.cuda.UnavailableException;
import dev.weft.testkit.gpu.FakeDriver;
import dev.weft.testkit.gpu.FakeLibraries;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The backend where cuRAND is chosen and is not there, or is not one. */
class MissingCurandTest {
  private FakeDriver driver;

  @BeforeEach
  void choose() {
    driver = FakeDriver.load();
    System.setProperty(Generator.PROPERTY, "curand");
  }

  @AfterEach
  void unchoose() {
    System.clearProperty(Generator.PROPERTY);
  }

  private static BackendInfo gpu() {
    return Weft.backends().stream().filter(b -> b.name().equals("gpu")).findFirst().orElseThrow();
  }

  @Test
  void aMissingLibraryMakesTheBackendUnavailable() {
    URL jar = getClass().getResource("/org/bytedeco/cuda/linux-x86_64/libcurand.so.10");
    Assumptions.assumeTrue(jar == null, () -> "the class path has " + jar);
    try {
      Cuda.loadCurand();
      Assumptions.abort("this machine has libcurand.so.10");
    } catch (UnavailableException e) {
      // as assumed
    }
    assertThat(gpu().probe().reason()).startsWith("libcurand.so.10 is missing");
    assertThat(gpu().probe().remedy()).contains("org.bytedeco:cuda-redist");
    assertThatThrownBy(() -> Weft.open("gpu"))
        .isInstanceOf(BackendUnavailableException.class)
        .hasMessageContaining("libcurand.so.10 is missing")
        .hasMessageContaining("remedy: ");
    System.clearProperty(Generator.PROPERTY);
    Weft.open("gpu").close(); // which needs none
  }

  /** No error of the linker passes, however the library is damaged, nor does anything stay. */
  @Test
  void aDamagedLibraryMakesTheBackendUnavailable() throws IOException {
    Path file = FakeDriver.folder().resolve("libcurand.so.10");
    for (byte[] content :
        new byte[][] {{}, {0x7F, 'E', 'L', 'F'}, Files.readAllBytes(FakeLibraries.another())}) {
      Files.write(file, content);
      assertThat(gpu().probe().available()).isFalse();
      assertThat(gpu().probe().reason()).startsWith(file.toString());
      assertThat(gpu().probe().remedy()).isEqualTo("correct -Dweft.cuda.path");
      assertThatThrownBy(() -> Weft.open("gpu")).isInstanceOf(BackendUnavailableException.class);
    }
    Files.delete(file);
    assertThat(driver.held("contexts")).isZero();
  }
}
