package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.BackendOptions;
import dev.weft.BackendUnavailableException;
import dev.weft.Probe;
import dev.weft.Weft;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The probe where there is no GPU; in a process of its own, since a library is loaded for good. */
class GpuProviderTest {
  private static Probe probe(GpuProvider provider) {
    return provider.backends().getFirst().probe();
  }

  @Test
  void saysThatTheDriverIsMissing(@TempDir Path folder) {
    Probe probe = probe(new GpuProvider(List.of(folder.resolve("version"))));
    assertThat(probe.available()).isFalse();
    assertThat(probe.reason()).contains("no NVIDIA driver");
    assertThat(probe.remedy()).contains("install NVIDIA's driver").contains("cpu");
  }

  /** Every time, although the JVM tries to load a library of JCuda once. */
  @Test
  void saysThatItsLibraryIsMissing(@TempDir Path folder) throws IOException {
    Assumptions.assumeFalse(
        Files.exists(Path.of("/proc/driver/nvidia/version")), "there is a driver");
    Path file = Files.writeString(folder.resolve("version"), "NVRM version: 1\n");
    GpuProvider provider = new GpuProvider(List.of(file));
    for (int i = 0; i < 2; i++) {
      Probe probe = probe(provider);
      assertThat(probe.available()).isFalse();
      assertThat(probe.reason()).contains("libcuda.so.1").doesNotContain("\n");
      assertThat(probe.remedy()).contains("driver");
      assertThatThrownBy(() -> provider.open("gpu", BackendOptions.DEFAULT))
          .isInstanceOf(BackendUnavailableException.class)
          .hasMessageContaining("libcuda.so.1");
    }
  }

  @Test
  void leavesNoFileAndNoProperty(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("version"), "NVRM version: 1\n");
    String before = System.getProperty("java.io.tmpdir");
    probe(new GpuProvider(List.of(file)));
    assertThat(System.getProperty("java.io.tmpdir")).isEqualTo(before);
    try (var files = Files.list(Path.of(before))) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .noneMatch(name -> name.startsWith("weft-native-"));
    }
  }

  @Test
  void isFoundAndRefusesToOpenWithReasonAndRemedy() {
    Assumptions.assumeFalse(
        Files.exists(Path.of("/proc/driver/nvidia/version")), "there is a driver");
    assertThatThrownBy(() -> Weft.open("gpu"))
        .isInstanceOf(BackendUnavailableException.class)
        .hasMessageContaining("gpu is unavailable: ")
        .hasMessageContaining("remedy: ");
    assertThatThrownBy(() -> Weft.open("gpu:7")).isInstanceOf(BackendUnavailableException.class);
  }
}
