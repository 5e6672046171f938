package dev.weft.gpu;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.testkit.Availability;
import dev.weft.testkit.contract.PeerMistakesContract;
import dev.weft.testkit.contract.SizeContract;
import dev.weft.testkit.contract.StatisticsContract;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;

/** The contracts on a GPU, with those that take too long where its kernels run on the host. */
@Tag("gpu")
class GpuTest extends GpuContracts {
  @Override
  Backend backend(BackendOptions options) {
    return Availability.open("gpu", "gpu", options);
  }

  @Nested
  class Sizes extends SizeContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  class Statistics extends StatisticsContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  class PeerMistakes extends PeerMistakesContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }
}
