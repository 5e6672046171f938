package dev.weft.cpu;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.testkit.Availability;
import dev.weft.testkit.contract.ErrorContract;
import dev.weft.testkit.contract.FillContract;
import dev.weft.testkit.contract.GemmContract;
import dev.weft.testkit.contract.MemoryContract;
import dev.weft.testkit.contract.OrthogonalContract;
import dev.weft.testkit.contract.SizeContract;
import dev.weft.testkit.contract.StructuredContract;
import org.junit.jupiter.api.Nested;

/** The contracts on vectors of 512 bits. */
class CpuVector512Test {
  private static Backend backend(BackendOptions options) {
    return Availability.open("cpu-512", "cpu", options.withVectorBits(512));
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
  class Gemm extends GemmContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  class Memory extends MemoryContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  class Errors extends ErrorContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  class Sizes extends SizeContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  class Orthogonal extends OrthogonalContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }
}
