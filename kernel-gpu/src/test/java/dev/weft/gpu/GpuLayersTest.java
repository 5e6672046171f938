package dev.weft.gpu;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.testkit.Availability;
import org.junit.jupiter.api.Tag;

/** {@link GpuLayerContracts} on a GPU. */
@Tag("gpu")
class GpuLayersTest extends GpuLayerContracts {
  @Override
  Backend backend(BackendOptions options) {
    return Availability.open("gpu", "gpu", options);
  }
}
