package dev.weft.gpu;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.testkit.Availability;
import dev.weft.testkit.contract.FillContract;
import dev.weft.testkit.contract.OrthogonalContract;
import dev.weft.testkit.contract.SizeContract;
import dev.weft.testkit.contract.StructuredContract;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;

/** The contracts on a GPU. */
@Tag("gpu")
class GpuTest {
  private static Backend backend(BackendOptions options) {
    return Availability.open("gpu", "gpu", options);
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
      return CurandContract.with(OrthogonalPath.PROPERTY, "device", () -> backend(options));
    }
  }

  @Nested
  class Sizes extends SizeContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }
}
