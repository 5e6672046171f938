package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.Weft;
import dev.weft.testkit.contract.OrthogonalContract;
import dev.weft.testkit.gpu.FakeCublas;
import dev.weft.testkit.gpu.FakeDriver;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Nested;

/** The contracts on the CUDA backend, whose kernels a stand-in for the driver runs on the host. */
class FakeGpuTest extends GpuContracts {
  @Override
  Backend backend(BackendOptions options) {
    FakeDriver.load();
    return Weft.open("gpu", options);
  }

  /** When every backend is closed, whatever became of its tensors. */
  @AfterAll
  static void nothingIsHeld() {
    assertThat(FakeDriver.load().held()).isEmpty();
  }

  @Nested
  class OrthogonalOnTheDevice extends OrthogonalContract {
    /** The device's memory alone. */
    @Override
    protected boolean worksInItsOwnMemory() {
      return false;
    }

    @Override
    protected boolean hasTheCpusBits() {
      return false;
    }

    @Override
    protected Backend open(BackendOptions options) {
      FakeDriver.load();
      FakeCublas.load();
      return CurandContract.with(OrthogonalPath.PROPERTY, "device", () -> backend(options));
    }
  }
}
