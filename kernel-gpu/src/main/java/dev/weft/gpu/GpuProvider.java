package dev.weft.gpu;

import dev.weft.BackendInfo;
import dev.weft.BackendOptions;
import dev.weft.BackendUnavailableException;
import dev.weft.Probe;
import dev.weft.spi.BackendProvider;
import dev.weft.spi.Engine;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Lists {@code gpu} with the reason why it cannot run: this version has no CUDA kernels, and the
 * machine may have no NVIDIA driver either. The probe reads files alone and loads no native
 * library.
 */
public final class GpuProvider implements BackendProvider {
  private static final Path DRIVER = Path.of("/proc/driver/nvidia/version");

  private final Path driver;

  /** The provider for this machine. */
  public GpuProvider() {
    this(DRIVER);
  }

  GpuProvider(Path driver) {
    this.driver = driver;
  }

  @Override
  public List<BackendInfo> backends() {
    return List.of(new BackendInfo("gpu", 300, probe()));
  }

  @Override
  public Engine open(String name, BackendOptions options) {
    Probe probe = probe();
    throw new BackendUnavailableException(
        "open: " + name + " is unavailable: " + probe.reason() + "; remedy: " + probe.remedy());
  }

  private Probe probe() {
    String kernels = "this version of weft has no CUDA kernels";
    return Files.isReadable(driver)
        ? Probe.unavailable(kernels, "use cpu, which gives the same numbers")
        : Probe.unavailable(
            kernels + ", and no NVIDIA driver is loaded (" + driver + " is missing)",
            "use cpu, which gives the same numbers");
  }
}
