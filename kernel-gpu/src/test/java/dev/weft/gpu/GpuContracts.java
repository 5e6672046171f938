package dev.weft.gpu;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.init.Fill;
import dev.weft.testkit.contract.ErrorContract;
import dev.weft.testkit.contract.FillContract;
import dev.weft.testkit.contract.MemoryContract;
import dev.weft.testkit.contract.OrthogonalContract;
import dev.weft.testkit.contract.StructuredContract;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;

/**
 * The contracts that a backend which fills tensors of a device passes, wherever its kernels run.
 */
abstract class GpuContracts {
  /** Opens the backend under test. */
  abstract Backend backend(BackendOptions options);

  @Nested
  class HandOver extends DlpackDeviceContract {
    @Override
    Backend open() {
      return backend(BackendOptions.DEFAULT);
    }
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
  @Tag("slow") // the CPU's own contract, through one copy to the device
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
  class Memory extends MemoryContract {
    /** The caller's function runs on the host, from where its elements are copied. */
    @Override
    protected boolean allocatesNothing(Fill fill) {
      return !(fill instanceof Fill.Custom);
    }

    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  class Errors extends ErrorContract {
    @Override
    protected String detail(int threads) {
      return "compute capability";
    }

    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }
}
