package dev.weft.gpu.kernels;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.testkit.Availability;
import dev.weft.testkit.contract.FillContract;
import dev.weft.testkit.contract.StructuredContract;
import org.junit.jupiter.api.Nested;

/** The contracts of fills on the CUDA kernels, compiled for the host. */
class FillKernelContractTest {
  private static Backend backend(BackendOptions options) {
    return Availability.open("g++", HostShimProvider.NAME, options);
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
}
