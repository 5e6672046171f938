package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.BackendInfo;
import dev.weft.BackendUnavailableException;
import dev.weft.Weft;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GpuProviderTest {
  @Test
  void saysThatTheDriverIsMissing(@TempDir Path folder) {
    BackendInfo gpu = new GpuProvider(folder.resolve("version")).backends().get(0);
    assertThat(gpu.probe().available()).isFalse();
    assertThat(gpu.probe().reason()).contains("no NVIDIA driver");
    assertThat(gpu.probe().remedy()).contains("use cpu");
  }

  @Test
  void saysOnlyWhatIsMissingWhereThereIsADriver(@TempDir Path folder) throws IOException {
    Path driver = Files.writeString(folder.resolve("version"), "NVRM version: 1\n");
    BackendInfo gpu = new GpuProvider(driver).backends().get(0);
    assertThat(gpu.probe().available()).isFalse();
    assertThat(gpu.probe().reason()).contains("no CUDA kernels").doesNotContain("driver");
  }

  @Test
  void isFoundAndRefusesToOpenWithReasonAndRemedy() {
    assertThatThrownBy(() -> Weft.open("gpu"))
        .isInstanceOf(BackendUnavailableException.class)
        .hasMessageContaining("gpu is unavailable: ")
        .hasMessageContaining("remedy: ");
    assertThatThrownBy(() -> Weft.open("gpu:7")).isInstanceOf(BackendUnavailableException.class);
  }
}
