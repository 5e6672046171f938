package dev.weft.gpu;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.testkit.Availability;
import org.junit.jupiter.api.Tag;

/** {@link GpuLayerContracts} on a GPU, with weft's own products. */
@Tag("gpu")
class GpuLayersTest extends GpuLayerContracts {
  @Override
  Backend backend(BackendOptions options) {
    return CurandContract.with(
        ProductPath.PROPERTY, "weft", () -> Availability.open("gpu", "gpu", options));
  }

  @Override
  boolean productsAreOwn() {
    return true;
  }
}
