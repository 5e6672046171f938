package dev.weft.gpu;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.Weft;
import dev.weft.testkit.contract.FillContract;
import dev.weft.testkit.contract.OrthogonalContract;
import dev.weft.testkit.contract.StructuredContract;
import org.junit.jupiter.api.Nested;

/** The contracts on the CUDA backend, whose kernels a stand-in for the driver runs on the host. */
class FakeGpuTest {
  private static Backend backend(BackendOptions options) {
    FakeDriver.load();
    return Weft.open("gpu", options);
  }

  @Nested
  class Fills extends FillContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  class Structured extends StructuredContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  class Orthogonal extends OrthogonalContract {
    /** The CPU backend does it, on the host. */
    @Override
    protected boolean worksInItsOwnMemory() {
      return false;
    }

    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
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
      FakeCublas.load(FakeDriver.load());
      return CurandContract.with(OrthogonalPath.PROPERTY, "device", () -> backend(options));
    }
  }
}
