package dev.weft.gpu;

import dev.weft.BackendInfo;
import dev.weft.BackendOptions;
import dev.weft.BackendUnavailableException;
import dev.weft.DeviceException;
import dev.weft.Probe;
import dev.weft.gpu.cuda.Cuda;
import dev.weft.gpu.cuda.UnavailableException;
import dev.weft.spi.BackendProvider;
import dev.weft.spi.Engine;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Lists the CUDA devices: {@code gpu} and {@code gpu:0} are the first, {@code gpu:1} the second.
 * Where there is no NVIDIA driver the probe looks at files alone and loads nothing.
 */
public final class GpuProvider implements BackendProvider {
  /**
   * Below the CPU's, whose bits are the same for every product: a GPU is chosen by name or by cost.
   */
  private static final int RANK = 150;

  private static final String REMEDY =
      "install NVIDIA's driver for Linux on x86-64; cpu gives the same numbers";

  private final List<Path> driver;

  /** The provider for this machine. */
  public GpuProvider() {
    this(
        List.of(
            Path.of("/proc/driver/nvidia/version"),
            Path.of("/dev/nvidiactl"), // in a container that hides the other
            Path.of("/dev/dxg")));
  }

  /** A provider that takes a driver to be there if one of these files is. */
  GpuProvider(List<Path> driver) {
    this.driver = driver;
  }

  @Override
  public List<BackendInfo> backends() {
    try {
      List<BackendInfo> found = new ArrayList<>();
      for (Cuda.DeviceInfo device : devices()) {
        Probe probe = Probe.available(describe(device));
        if (found.isEmpty()) {
          found.add(new BackendInfo("gpu", RANK, probe));
        }
        found.add(
            new BackendInfo(
                "gpu:" + device.ordinal(), RANK - 1 - Math.min(device.ordinal(), 40), probe));
      }
      return found;
    } catch (UnavailableException e) {
      return List.of(new BackendInfo("gpu", RANK, Probe.unavailable(e.getMessage(), e.remedy())));
    } catch (DeviceException e) {
      return List.of(
          new BackendInfo(
              "gpu", RANK, Probe.unavailable(e.getMessage(), "see whether nvidia-smi works")));
    }
  }

  private List<Cuda.DeviceInfo> devices() {
    String os = System.getProperty("os.name") + " on " + System.getProperty("os.arch");
    if (!os.equals("Linux on amd64")) {
      throw new UnavailableException("CUDA is used on Linux on amd64 alone, this is " + os, REMEDY);
    }
    if (!Cuda.hasNamedDriver() && driver.stream().noneMatch(Files::exists)) {
      throw new UnavailableException(
          "no NVIDIA driver is loaded (" + driver.getFirst() + " is missing)", REMEDY);
    }
    List<Cuda.DeviceInfo> found = Cuda.devices();
    boolean forProducts = ProductPath.chosen() == ProductPath.CUBLAS;
    if (forProducts || OrthogonalPath.chosen() == OrthogonalPath.DEVICE) {
      Cuda.loadCublas();
    }
    if (Generator.chosen() == Generator.CURAND) {
      Cuda.loadCurand();
    }
    return found;
  }

  private static String describe(Cuda.DeviceInfo device) {
    return String.format(
        Locale.ROOT,
        "%s, %.1f GiB, compute capability %d.%d, driver for CUDA %s",
        device.name(),
        device.bytes() / (double) (1 << 30),
        device.capability() / 10,
        device.capability() % 10,
        Cuda.version(device.driver()));
  }

  @Override
  public Engine open(String name, BackendOptions options) {
    try {
      for (Cuda.DeviceInfo device : devices()) {
        if (name.equals("gpu") || name.equals("gpu:" + device.ordinal())) {
          BackendInfo info = new BackendInfo(name, RANK, Probe.available(describe(device)));
          return new GpuEngine(
              info,
              device,
              Generator.chosen(),
              OrthogonalPath.chosen(),
              ProductPath.chosen(),
              options);
        }
      }
      throw new BackendUnavailableException("open: need a device that exists, got backend=" + name);
    } catch (UnavailableException e) {
      throw new BackendUnavailableException(
          "open: " + name + " is unavailable: " + e.getMessage() + "; remedy: " + e.remedy(), e);
    } catch (DeviceException e) {
      throw new BackendUnavailableException("open: " + name + " failed: " + e.getMessage(), e);
    }
  }
}
