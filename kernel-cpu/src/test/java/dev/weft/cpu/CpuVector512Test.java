package dev.weft.cpu;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.testkit.Availability;
import dev.weft.testkit.contract.ActivationContract;
import dev.weft.testkit.contract.DenseContract;
import dev.weft.testkit.contract.ErrorContract;
import dev.weft.testkit.contract.EventContract;
import dev.weft.testkit.contract.FillContract;
import dev.weft.testkit.contract.GemmContract;
import dev.weft.testkit.contract.LossContract;
import dev.weft.testkit.contract.MemoryContract;
import dev.weft.testkit.contract.OrthogonalContract;
import dev.weft.testkit.contract.SizeContract;
import dev.weft.testkit.contract.StructuredContract;
import dev.weft.testkit.contract.TrainingContract;
import org.junit.jupiter.api.Nested;

/** The contracts on vectors of 512 bits: where no wider ones are, or every width is asked for. */
class CpuVector512Test {
  private static Backend backend(BackendOptions options) {
    Availability.needWidest(512, VectorProbe.get().bits());
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

  @Nested
  class Activations extends ActivationContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  class DenseLayers extends DenseContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  class Losses extends LossContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  class Training extends TrainingContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  class FlightEvents extends EventContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }
}
