package dev.weft.gpu;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.testkit.Availability;
import dev.weft.testkit.contract.SizeContract;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;

/** Fills of cuRAND's words on a GPU; skipped, with the reason, where one of the two is missing. */
@Tag("gpu")
class GpuCurandTest {
  private static Backend backend(BackendOptions options) {
    return CurandContract.withCurand(() -> Availability.open("gpu", "gpu", options));
  }

  @Nested
  class Fills extends CurandContract {
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
}
